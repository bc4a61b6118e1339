"""What one unit of a stack of layers sees: its receptive field, layer by layer, down to the input."""

import operator
from itertools import pairwise

import traitlets
from matplotlib import pyplot as plt
from matplotlib.patches import Polygon, Rectangle

from visionlab import plots
from visionlab.widgets import _numerics
from visionlab.widgets.explorer import Explorer, Whole, browser_module, style_sheet

_KINDS = ("conv", "pool", "subsample")
_MOST_LAYERS = 6
_MOST_SIZE = 48
_USUAL = (("conv", 3, 1), ("pool", 2, 2), ("conv", 3, 1), ("pool", 2, 2))


class _Layers(traitlets.List):
    """The layers, each (kind, kernel, stride); errors name the layer and what is allowed."""

    def validate(self, obj, value):
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= _MOST_LAYERS:
            raise traitlets.TraitError(f"layers is {value!r}: give 1 to {_MOST_LAYERS} layers (kind, kernel, stride)")
        return [_layer(number, layer) for number, layer in enumerate(value, 1)]


def _layer(number, layer):
    what = f"layer {number} is {layer!r}"
    if not isinstance(layer, list | tuple) or len(layer) != 3:
        raise traitlets.TraitError(f"{what}: it must be (kind, kernel, stride), such as ('conv', 3, 1)")
    kind, kernel, stride = layer
    if kind not in _KINDS:
        raise traitlets.TraitError(f"{what}: its kind must be one of {', '.join(map(repr, _KINDS))}")
    try:
        kernel, stride = operator.index(kernel), operator.index(stride)
    except TypeError:
        raise traitlets.TraitError(f"{what}: kernel and stride must be whole numbers") from None
    if not (1 <= kernel <= 11 and 1 <= stride <= 4):
        raise traitlets.TraitError(f"{what}: its kernel must be from 1 to 11 and its stride from 1 to 4")
    if kind == "subsample" and kernel != 1:
        raise traitlets.TraitError(f"{what}: to subsample is to pick every S-th value, so its kernel must be 1")
    return [kind, kernel, stride]


class ReceptiveFieldExplorer(Explorer):
    """See which pixels a unit depends on, through a stack of layers without padding.

    Click a unit in any map; or focus the picture, move the unit with the arrow keys and change the layer with Page Up
    and Page Down.

    Parameters
    ----------
    layers : sequence of (kind, kernel, stride)
        Up to six; kind is "conv", "pool" or "subsample" (picks every S-th value, kernel 1).
    size : int, optional
        Side of the input, 1 … 48; by default just so large that three units a side are left at the end, if that is
        possible.
    layer : int, optional
        The layer whose unit is selected, 0 the input, 1 the first; by default the last.
    parts : bool
        Whether the fields of all units that the selected one reads are drawn on the input, one by one.

    Attributes
    ----------
    layers, size, layer, parts
        As above; in step with the browser, readable and settable.
    row, column : int
        The unit selected, counted from 0.
    receptive_fields, jumps : list of int
        Of each layer, the input first: r ← r + (K − 1)·j and j ← j·S, both from 1. Read only.
    receptive_field : int
        That of the selected layer. Read only.

    Examples
    --------
    >>> explorer = ReceptiveFieldExplorer([("conv", 3, 1), ("subsample", 1, 2), ("conv", 3, 1), ("subsample", 1, 2)])
    >>> explorer.receptive_fields, explorer.jumps
    ([1, 3, 3, 7, 7], [1, 1, 2, 2, 4])
    """

    _esm = browser_module("arithmetic.js", "drawing.js", "receptive_field_explorer.js")
    _css = style_sheet()

    layers = _Layers().tag(sync=True)
    size = Whole(20, 1, _MOST_SIZE).tag(sync=True)
    layer = Whole(0, 0, _MOST_LAYERS).tag(sync=True)
    row = Whole(0, 0).tag(sync=True)
    column = Whole(0, 0).tag(sync=True)
    parts = traitlets.Bool(False).tag(sync=True)

    receptive_field = traitlets.Int(1, read_only=True)
    receptive_fields = traitlets.List(read_only=True)
    jumps = traitlets.List(read_only=True)

    def __init__(self, layers=_USUAL, *, size=None, layer=None, parts=False):
        layers = _Layers().validate(None, layers)
        if layer is None:
            layer = len(layers)
        if size is None:
            r, j = _numerics._fields(layers)[-1]
            size = min(_MOST_SIZE, r + 2 * j)
        super().__init__(layers=layers, size=size, layer=layer, parts=parts)
        if self.layer > len(layers):
            raise traitlets.TraitError(f"layer is {layer}: there are {len(layers)} layers, 0 is the input")
        middle = max(0, _numerics._sides(self.size, layers)[self.layer] - 1) // 2
        self.row = self.column = middle
        self.observe(self._changed, ["layers", "size", "layer"])
        self._changed()

    def _changed(self, _=None):
        self.layer = min(self.layer, len(self.layers))
        last = max(0, _numerics._sides(self.size, self.layers)[self.layer] - 1)
        self.row, self.column = min(self.row, last), min(self.column, last)
        fields = _numerics._fields(self.layers)
        self.set_trait("receptive_fields", [r for r, _ in fields])
        self.set_trait("jumps", [j for _, j in fields])
        self.set_trait("receptive_field", fields[self.layer][0])

    def _description(self):
        stack = ", ".join(f"{kind} {kernel}×{kernel} stride {stride}" for kind, kernel, stride in self.layers)
        fields = " → ".join(map(str, self.receptive_fields))
        return (
            f"A {self.size}×{self.size} input and the layers {stack}. The receptive field grows {fields}: a unit of "
            f"layer {self.layer} depends on {self.receptive_field}×{self.receptive_field} pixels."
        )

    def _figure(self):
        sides = _numerics._sides(self.size, self.layers)
        rows = _numerics._reads(self.layers, self.layer, self.row)
        columns = _numerics._reads(self.layers, self.layer, self.column)
        gap = max(3, 0.16 * self.size)
        widths = [max(side, 0.2 * self.size) for side in sides]
        total = sum(widths) + gap * (len(sides) - 1)
        fig = plt.figure(figsize=(8.6, min(4.2, 8.6 * self.size / total + 1.9)), layout="none")
        bottom = 1.3 / fig.get_figheight()
        ax = fig.add_axes((0.02, bottom, 0.96, 0.99 - bottom))
        ax.axis("off")
        scale = total / 8.25  # units an inch
        ax.set(xlim=(-0.1, total + 0.1), ylim=(self.size + 0.1, -0.5 * scale), aspect="equal", anchor="NW")
        x, corners = 0.0, []
        for at, (side, width) in enumerate(zip(sides, widths, strict=True)):
            name = "input" if at == 0 else f"{at} {self.layers[at - 1][0]}"
            said = f"{side}×{side}" if side else "nothing"
            ax.text(x, -0.06 * scale, f"{name}\n{said}", fontsize=9, va="bottom")
            ax.add_patch(Rectangle((x, 0), side, side, fc="#F3F4F6", ec=plots.GREY, lw=0.9))
            for line in range(1, side):
                ax.plot([x + line] * 2, [0, side], color="#D5D9DF", lw=0.5)
                ax.plot([x, x + side], [line] * 2, color="#D5D9DF", lw=0.5)
            if at <= self.layer and sides[self.layer]:
                (left, right), (top, low) = columns[self.layer - at], rows[self.layer - at]
                colour = "#D07F00" if at == self.layer else plots.PALETTE[(self.layer - at - 1) % 2 * 2]
                area = {"fc": colour, "alpha": 1 if at == self.layer else 0.3}
                ax.add_patch(Rectangle((x + left, top), right - left + 1, low - top + 1, lw=0, **area))
                frame = {"fc": "none", "ec": "#D07F00", "lw": 1.8, "zorder": 4}
                ax.add_patch(Rectangle((x + left, top), right - left + 1, low - top + 1, **frame))
                corners.append((x + left, x + right + 1, top, low + 1))
            x += width + gap
        for (_, right, top, low), (left, _, next_top, next_low) in pairwise(corners):
            beam = [(right, top), (left, next_top), (left, next_low), (right, low)]
            ax.add_patch(Polygon(beam, fc="#E69F00", alpha=0.16, lw=0))
        if self.parts and sides[self.layer]:
            self._draw_parts(ax, rows, columns)
        chain = "     ".join(
            f"{number} {layer[0]}: {before} + ({layer[1]} − 1)·{jump} = {after}"
            for number, (layer, before, jump, after) in enumerate(
                zip(self.layers, self.receptive_fields, self.jumps, self.receptive_fields[1:], strict=False), 1
            )
        )
        height = fig.get_figheight()
        said = f"A unit of layer {self.layer} sees {self.receptive_field}×{self.receptive_field} pixels"
        fig.text(0.02, 0.92 / height, said, fontsize=12)
        size = 9 if len(chain) < 110 else 9 * 110 / len(chain)
        fig.text(0.02, 0.66 / height, f"r ← r + (K − 1)·j:   {chain}", fontsize=size)
        caption = (
            "In JupyterLab this picture is live: click a unit in any map to see what it depends on;\n"
            "sliders change the input and each layer's kernel and stride; layers can be added and removed."
        )
        fig.text(0.02, 0.1 / height, caption, fontsize=8, color=plots.GREY)
        return fig

    def _draw_parts(self, ax, rows, columns):
        at = self.layer
        while at > 0 and self.layers[at - 1][1] == 1:
            at -= 1
        if at == 0:
            return
        at -= 1
        (left, right), (top, low) = columns[self.layer - at], rows[self.layer - at]
        for count, (i, j) in enumerate((i, j) for i in range(top, low + 1) for j in range(left, right + 1)):
            up, down = _numerics._reads(self.layers, at, i)[-1]
            first, last = _numerics._reads(self.layers, at, j)[-1]
            inset = 0.12 + 0.06 * (count % 3)
            colour = (plots.BLUE, plots.GREEN, plots.PURPLE)[count % 3]
            square = Rectangle((first + inset, up + inset), last - first + 1 - 2 * inset, down - up + 1 - 2 * inset)
            square.set(fc="none", ec=colour, lw=1.3, zorder=5)
            ax.add_patch(square)
