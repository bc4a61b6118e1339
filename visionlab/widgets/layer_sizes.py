"""Weights of a fully connected layer and of a convolution, while the image grows under a slider."""

import numpy as np
import traitlets
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.widgets.explorer import Explorer, Whole, browser_module, style_sheet

SIDES = (8, 16, 28, 32, 64, 96, 128, 224, 256, 512, 1024)
KERNELS = (1, 3, 5, 7, 11)

_CSS = """
.vl-sizes { display: grid; grid-template-columns: auto 1fr; gap: 6px 14px; align-items: center; margin: 14px 0 6px; }
.vl-sizes i { display: block; height: 18px; border-radius: 3px; background: var(--vl-accent); width: var(--vl-part); }
.vl-sizes i[data-full] { background: var(--vl-wrong); }
.vl-sizes b { font-size: 15px; font-variant-numeric: tabular-nums; }
"""


class LayerSizes(Explorer):
    """A layer that makes maps of the size of a colour image: how many weights, connected fully or by a convolution?

    Parameters
    ----------
    side : int
        Of the square image, in pixels; one of `SIDES`.
    maps : int
        Maps that come out, 1 … 64.
    kernel : int
        Kernel size of the convolution; one of `KERNELS`.

    Attributes
    ----------
    side, maps, kernel
        As above; in step with the browser, readable and settable.
    weights : (int, int)
        Of the fully connected layer, and of the convolution; biases not counted. Read only.

    Examples
    --------
    >>> LayerSizes(side=32, maps=6, kernel=5).weights
    (18874368, 450)
    """

    _esm = browser_module("drawing.js", "layer_sizes.js")
    _css = style_sheet() + _CSS

    side = traitlets.Enum(SIDES, 28).tag(sync=True)
    maps = Whole(1, 1, 64).tag(sync=True)
    kernel = traitlets.Enum(KERNELS, 3).tag(sync=True)
    _offer = traitlets.Dict({"sides": SIDES, "kernels": KERNELS}).tag(sync=True)

    def __init__(self, side=28, maps=1, kernel=3):
        super().__init__(side=side, maps=maps, kernel=kernel)

    @property
    def weights(self):
        """Weights of the fully connected layer and of the convolution."""
        return self._counts(self.side)

    def _counts(self, side):
        reads, makes = side * side * 3, side * side * self.maps
        return reads * makes, self.kernel * self.kernel * 3 * self.maps

    def _description(self):
        full, shared = self.weights
        return (
            f"From a {self.side}×{self.side} colour image to {self.maps} map{'s' * (self.maps > 1)} of "
            f"{self.side}×{self.side}: fully connected {full:,} weights, a {self.kernel}×{self.kernel} convolution "
            f"{shared:,} weights."
        )

    def _figure(self):
        sides = np.geomspace(SIDES[0], SIDES[-1], 60)
        fig, ax = plt.subplots(figsize=(7.6, 3.4))
        for at, (name, colour) in enumerate((("fully connected", plots.VERMILLION), ("convolution", plots.BLUE))):
            ax.loglog(sides, [self._counts(side)[at] for side in sides], color=colour)
            ax.plot(self.side, self.weights[at], "o", color=colour, ms=9)
            ax.text(1130, self._counts(1024)[at], name, color=colour, va="center")
            ax.annotate(f"{self.weights[at]:,}", (self.side, self.weights[at]), (8, -14), textcoords="offset points")
        ax.set(xlabel="side of the image, pixels", ylabel="weights", xlim=(7.4, 1080), ylim=(1, 1e15))
        ax.set_xticks([8, 16, 32, 64, 128, 256, 512, 1024], [8, 16, 32, 64, 128, 256, 512, 1024])
        ax.minorticks_off()
        ax.set_yticks([10.0**k for k in range(0, 16, 3)])
        fig.supxlabel("In JupyterLab sliders change all three.", fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig
