"""Runs that take minutes, whose results are stored in data/results/ for the lectures."""
