"""What the explorers have in common: their browser side, and a static picture for readers without a kernel."""

import base64
import operator
import re
from pathlib import Path

import anywidget
import traitlets
from matplotlib import pyplot as plt

from visionlab import plots

_HERE = Path(__file__).parent


def browser_module(*names):
    """Join ES modules of this folder into one, which is what anywidget takes.

    Parameters
    ----------
    *names : str
        File names, each module before those that import it. Imports from one another are dropped: after joining,
        the names are in the same scope.

    Returns
    -------
    str
    """
    sources = [(_HERE / name).read_text(encoding="utf-8") for name in names]
    return "\n".join(re.sub(r'^import \{[^}]*\} from "\./[^"]*";\n', "", source, flags=re.M) for source in sources)


def style_sheet():
    """Return the style sheet of the explorers."""
    return (_HERE / "explorer.css").read_text(encoding="utf-8")


class Whole(traitlets.Int):
    """A whole number within limits; numpy's integers are welcome, and errors say what is allowed.

    Parameters
    ----------
    default : int
    least, most : int
        The limits, both allowed; `most` None for no upper limit.
    """

    def __init__(self, default, least, most=None, **options):
        super().__init__(default, **options)
        self.least, self.most = least, most

    def validate(self, obj, value):
        """Check one value; see traitlets.TraitType."""
        allowed = f"at least {self.least}" if self.most is None else f"from {self.least} to {self.most}"
        try:
            whole = operator.index(value)
        except TypeError:
            raise traitlets.TraitError(f"{self.name} is {value!r}: it must be a whole number {allowed}") from None
        if isinstance(value, bool) or whole < self.least or (self.most is not None and whole > self.most):
            raise traitlets.TraitError(f"{self.name} is {value!r}: it must be a whole number {allowed}")
        return whole


class Choice(traitlets.Unicode):
    """One of some words; errors list them.

    Parameters
    ----------
    words : sequence of str
        The words allowed; the first one is the default.
    """

    def __init__(self, words, **options):
        super().__init__(words[0], **options)
        self.words = tuple(words)

    def validate(self, obj, value):
        """Check one value; see traitlets.TraitType."""
        if value not in self.words:
            allowed = ", ".join(map(repr, self.words))
            raise traitlets.TraitError(f"{self.name} is {value!r}: it must be one of {allowed}")
        return value


class Explorer(anywidget.AnyWidget):
    """A widget that also leaves a static picture behind.

    Beside the live view its output carries a PNG of the same state and a sentence that describes it, for code hosts,
    exports and readers without a kernel. A subclass draws the picture in `_figure` and writes the sentence in
    `_description`.
    """

    def _figure(self):
        raise NotImplementedError

    def _description(self):
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        with plt.rc_context():
            plots.use_style()
            figure = self._figure()
            picture = plots.png(figure)
            plt.close(figure)
        alt = self._description()
        width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
        data |= {"image/png": base64.b64encode(picture).decode(), "text/plain": alt}
        size = {"width": round(width * 100 / figure.dpi), "height": round(height * 100 / figure.dpi)}
        return data, metadata | {"image/png": {"alt": alt, **size}}
