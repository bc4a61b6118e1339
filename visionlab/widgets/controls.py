"""Controls for widgets whose picture Python draws.

ipywidgets' own slider tells a screen reader no name, and its menu loses the arrow keys to JupyterLab.
"""

import anywidget
import traitlets

from visionlab.widgets.explorer import browser_module, style_sheet

_ALONE = ".vl-explorer.vl-alone {width: 300px; margin-right: 16px; padding: 4px 6px; border: 0; background: none}"
_CSS = style_sheet() + _ALONE


class Slider(anywidget.AnyWidget):
    """A slider with a name.

    Parameters
    ----------
    value, min, max : int or float
        Where it stands, and its ends; a value beyond them becomes the end.
    description : str
        Its name, which is shown and said.
    step : int or float

    Examples
    --------
    >>> slider = Slider(3, 1, 50, description="depth")
    >>> slider.value = 99
    >>> slider.value
    50
    """

    _esm = browser_module("drawing.js", "slider.js")
    _css = _CSS

    # Whole numbers stay whole: they count layers and units.
    value = traitlets.Union([traitlets.Int(), traitlets.Float()]).tag(sync=True)
    min = traitlets.Float().tag(sync=True)
    max = traitlets.Float().tag(sync=True)
    step = traitlets.Float().tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)

    def __init__(self, value, min, max, *, description, step=1):
        self._ends = min, max
        super().__init__(value=value, min=min, max=max, step=step, description=description)

    @traitlets.validate("value")
    def _within(self, proposal):
        least, most = self._ends
        return min(max(proposal["value"], least), most)


class Menu(anywidget.AnyWidget):
    """A menu with a name.

    Parameters
    ----------
    value : str
        The choice at first.
    options : sequence of str
    description : str
        Its name, which is shown and said.

    Examples
    --------
    >>> menu = Menu("tanh", ["tanh", "relu"], description="activation")
    >>> menu.value = "sine"
    Traceback (most recent call last):
    ...
    traitlets.traitlets.TraitError: activation is 'sine': it must be one of 'tanh', 'relu'
    """

    _esm = browser_module("drawing.js", "menu.js")
    _css = _CSS

    value = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)

    def __init__(self, value, options, *, description):
        super().__init__(options=list(options), description=description)
        self.value = value

    @traitlets.validate("value")
    def _known(self, proposal):
        if proposal["value"] not in self.options:
            allowed = ", ".join(map(repr, self.options))
            raise traitlets.TraitError(f"{self.description} is {proposal['value']!r}: it must be one of {allowed}")
        return proposal["value"]
