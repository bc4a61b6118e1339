"""What the course's notebooks import: data sets, widgets, plots and the checks of the exercises."""
