"""Build a network by the pattern of VGG or of ResNet, and see what each part of it costs."""

import functools
import operator
import re
import textwrap

import traitlets
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.nets import residual_network, size_table, vgg
from visionlab.nets.resnet import SHORTCUTS, STAGES
from visionlab.nets.sizes import WEIGHTED, memory
from visionlab.nets.vgg import CONFIGURATIONS
from visionlab.widgets.explorer import Choice, Explorer, browser_module, style_sheet

MOST_BLOCKS = (8, 8, 36, 8, 8)
"""The most blocks in each stage: ResNet-152 has 36 in its third."""
WIDTHS = (8, 12, 16, 24, 32, 48, 64, 96, 128)
WIDEST = (128, 256, 512, 1024, 2048)
HIDDEN = (0, 256, 1024, 4096)
SIDES = (32, 64, 128, 224)
CLASSES = (10, 1000)
MOST_BYTES = 2_000_000_000
"""What `ArchitectureBuilder.network` makes at most: a careless slider should not fill a laptop's memory."""

SETTINGS = {
    "VGG": ("pattern", "blocks", "width", "widest", "hidden", "side", "classes"),
    "ResNet": ("pattern", "blocks", "width", "bottleneck", "shortcut", "shrink_early", "side", "classes"),
}
"""What matters to each pattern."""

_IMAGENET = {"width": 64, "side": 224, "classes": 1000}
PRESETS = {
    f"VGG-{depth}": _IMAGENET | {"pattern": "VGG", "blocks": CONFIGURATIONS[letter], "widest": 512, "hidden": 4096}
    for depth, letter in ((11, "A"), (13, "B"), (16, "D"), (19, "E"))
}
PRESETS |= {
    f"ResNet-{depth}": _IMAGENET
    | {"pattern": "ResNet", "blocks": blocks, "bottleneck": depth >= 50, "shortcut": "projection", "shrink_early": True}
    for depth, blocks in STAGES.items()
}
PRESETS["CIFAR ResNet-20"] = {
    "pattern": "ResNet", "blocks": (3, 3, 3), "width": 16, "bottleneck": False, "shortcut": "pad",
    "shrink_early": False, "side": 32, "classes": 10,
}  # fmt: skip
PRESETS["small"] = {
    "pattern": "VGG", "blocks": (1, 1, 2), "width": 16, "widest": 512, "hidden": 0, "side": 32, "classes": 10,
}  # fmt: skip
OWN = "your own"

MEASURES = {"parameters": "parameters", "activation_bytes": "activation memory", "multiply_adds": "multiply-adds"}
"""What is shown of each part, and how it is called."""

_CSS = """
.vl-builder { container-type: inline-size; --vl-kind: var(--vl-accent); }
.vl-builder [hidden] { display: none !important; }
.vl-builder fieldset { margin: 10px 0 0; padding: 0; border: 0; min-width: 0; }
.vl-builder legend { padding: 0; color: var(--vl-soft); font-size: 12px; }
.vl-builder .vl-check { flex: 0 0 auto; padding-bottom: 5px; }
.vl-builder .vl-choice { flex-basis: 105px; }
.vl-builder .vl-slider { max-width: 230px; column-gap: 8px; }
.vl-builder .vl-first { flex-basis: 165px; }
.vl-builder [data-kind="fully connected"] { --vl-kind: var(--vl-window); }
.vl-builder [data-kind="pooling"], .vl-builder [data-kind="image"] { --vl-kind: var(--vl-soft); }
.vl-builder [data-stale="true"] { opacity: 0.45; }
.vl-parts { display: flex; flex-wrap: wrap; align-items: end; gap: 14px 4px; margin: 16px 0 10px; }
.vl-parts figure {
  flex: 1 1 auto; min-width: 68px; max-width: 150px; margin: 0; text-align: center; font-size: 12px; line-height: 1.35;
  white-space: nowrap; font-variant-numeric: tabular-nums;
}
.vl-parts svg { display: block; margin: 0 auto 5px; }
.vl-parts b { display: block; font-weight: 600; font-size: 12.5px; }
.vl-parts span { display: block; color: var(--vl-soft); }
.vl-parts path { fill: var(--vl-kind); stroke: var(--vl-paper); stroke-width: 0.75; stroke-linejoin: round; }
.vl-parts .vl-top { fill-opacity: 0.45; }
.vl-parts .vl-side { fill-opacity: 0.65; }
.vl-costs { width: 100%; margin: 0; border-collapse: collapse; table-layout: fixed; }
.vl-explorer .vl-costs :is(th, td) {
  padding: 2px 12px 2px 0; border: 0; text-align: left; vertical-align: top; background: transparent;
  color: var(--vl-soft); font-size: 12.5px; line-height: 1.4; font-weight: 400; font-variant-numeric: tabular-nums;
  white-space: normal;
}
.vl-explorer .vl-costs :is(th, td):last-child { padding-right: 0; }
.vl-explorer .vl-costs tr { background: transparent; }
.vl-explorer .vl-costs :is(tbody th, b, td) { color: var(--vl-ink); }
.vl-explorer .vl-costs thead th { padding-bottom: 5px; font-size: 12px; line-height: 1.3; }
.vl-explorer .vl-costs tbody th { padding-top: 3px; }
.vl-costs th:first-child { width: 130px; }
.vl-costs b { font-weight: 600; }
.vl-costs thead b { display: block; font-size: 16px; }
.vl-costs td div {
  display: flex; justify-content: space-between; gap: 6px; padding: 1px 7px; border-radius: 3px;
  background: linear-gradient(var(--vl-tint) 0 0) 0 0 / var(--vl-fill) 100% no-repeat, var(--vl-well);
}
.vl-costs tr { --vl-tint: color-mix(in srgb, var(--vl-kind) 50%, transparent); }
@container (max-width: 700px) {
  .vl-explorer .vl-costs :is(th, td) { padding-right: 6px; font-size: 12px; }
  .vl-explorer .vl-costs th:first-child { width: 62px; }
  .vl-costs thead b { font-size: 13px; }
}
@container (max-width: 520px) {
  .vl-explorer .vl-costs :is(th, td) { padding-right: 4px; font-size: 11px; }
  .vl-explorer .vl-costs th:first-child { width: 52px; }
  .vl-costs thead b { font-size: 11px; }
  .vl-costs td div { display: block; padding: 1px 3px; }
  .vl-costs td b { display: block; }
}
"""


class Blocks(traitlets.Tuple):
    """How many blocks each stage has: one to five whole numbers, up to `MOST_BLOCKS`."""

    def validate(self, obj, value):
        """Check one value; see traitlets.TraitType."""
        allowed = ", ".join(map(str, MOST_BLOCKS))
        wanted = f"blocks should be one to five whole numbers, one for each stage, 1 to {allowed} at most"
        try:
            blocks = tuple(operator.index(count) for count in value)
        except TypeError:
            raise traitlets.TraitError(f"blocks is {value!r}: {wanted}") from None
        fits = all(1 <= count <= most for count, most in zip(blocks, MOST_BLOCKS, strict=False))
        if not 1 <= len(blocks) <= len(MOST_BLOCKS) or not fits:
            raise traitlets.TraitError(f"blocks is {blocks}: {wanted}")
        return blocks


class ArchitectureBuilder(Explorer):
    """Build a network by the VGG or the ResNet pattern: its picture, and what each part of it costs.

    The network runs on torch's meta device and is measured by `visionlab.nets.size_table`: parameters with biases,
    memory of one image's activations (what convolutions, poolings and fully connected layers put out, 4 bytes a
    number), multiply-adds of one forward pass.

    Parameters
    ----------
    preset : str
        A key of `PRESETS`: where to begin. Settings that its pattern does not have are at their defaults.
    **settings
        Any of the settings below, instead of the preset's.

    Attributes
    ----------
    preset : str
        The name of these settings in `PRESETS`, or "your own". Setting it sets all others; so these are in step with
        the browser, readable and settable:
    pattern : {"VGG", "ResNet"}
    blocks : tuple of int
        One number for each of one to five stages: 3×3 convolutions (VGG) or residual blocks (ResNet), up to
        `MOST_BLOCKS`.
    width : int
        Channels of the first stage, one of `WIDTHS`; each further stage has twice as many. (A bottleneck puts out 4
        times that.)
    side : int
        Of the square colour images, in pixels; one of `SIDES`.
    classes : {10, 1000}
    widest : int
        VGG: where the doubling stops, one of `WIDEST`; the last of them is never exceeded.
    hidden : int
        VGG: units of each of the two fully connected layers before the last, one of `HIDDEN`; 0 leaves them out.
    bottleneck : bool
        ResNet: blocks of 1×1, 3×3, 1×1 convolutions instead of two 3×3.
    shortcut : {"projection", "pad", "subsample"}
        ResNet: what a block whose output has another shape adds; see `visionlab.nets.residual_network`.
    shrink_early : bool
        ResNet: begin with a 7×7 convolution of stride 2 and a pooling of stride 2, or with a 3×3 convolution.
    settings : dict
        All settings that matter to the pattern. Read only.
    table : SizeTable
        The network's sizes layer by layer. Read only.
    depth : int
        Layers with weights, counted as the papers do: without the shortcuts' 1×1 convolutions. Read only.

    Raises
    ------
    ValueError
        If the images are too small for so many stages. (Later, when a setting is changed to one that cannot work, the
        explorer says so in words, and the last picture stays; `table`, `depth` and `network` raise the error.)

    Examples
    --------
    >>> builder = ArchitectureBuilder("ResNet-18", classes=10)
    >>> builder.preset, builder.depth, builder.table.totals.parameters
    ('your own', 18, 11181642)
    >>> builder.preset = "VGG-16"
    >>> builder.blocks, f"{builder.table.totals.parameters:,}"
    ((2, 2, 3, 3, 3), '138,357,544')
    >>> small = ArchitectureBuilder(pattern="VGG", blocks=(1, 1, 2), width=16, hidden=0, side=32, classes=10)
    >>> small.preset, sum(p.numel() for p in small.network().parameters())
    ('small', 70762)
    """

    _esm = browser_module("drawing.js", "architecture_builder.js")
    _css = style_sheet() + _CSS

    preset = Choice((*PRESETS, OWN)).tag(sync=True)
    pattern = Choice(tuple(SETTINGS)).tag(sync=True)
    blocks = Blocks((1,)).tag(sync=True)
    width = traitlets.Enum(WIDTHS, 64).tag(sync=True)
    side = traitlets.Enum(SIDES, 224).tag(sync=True)
    classes = traitlets.Enum(CLASSES, 1000).tag(sync=True)
    widest = traitlets.Enum(WIDEST, 512).tag(sync=True)
    hidden = traitlets.Enum(HIDDEN, 4096).tag(sync=True)
    bottleneck = traitlets.Bool(False).tag(sync=True)
    shortcut = Choice(SHORTCUTS).tag(sync=True)
    shrink_early = traitlets.Bool(True).tag(sync=True)

    # What the browser shows: never set from there.
    _picture = traitlets.Dict().tag(sync=True)
    _refused = traitlets.Unicode().tag(sync=True)
    _offer = traitlets.Dict(
        {
            "presets": (*PRESETS, OWN), "mostBlocks": MOST_BLOCKS, "widths": WIDTHS, "widest": WIDEST, "hidden": HIDDEN,
            "sides": SIDES, "classes": CLASSES,
        }
    ).tag(sync=True)  # fmt: skip

    def __init__(self, preset="VGG-16", **settings):
        if preset not in PRESETS:
            raise traitlets.TraitError(f"there is no preset {preset!r}; there are {', '.join(PRESETS)}")
        names = {name for pattern in SETTINGS.values() for name in pattern}
        if unknown := set(settings) - names:
            raise TypeError(f"there is no setting {unknown.pop()!r}; there are {', '.join(sorted(names))}")
        super().__init__(**PRESETS[preset] | settings)
        self._measure()
        if self._refused:
            self.close()
            raise ValueError(self._refused)
        self.observe(self._measure, list(names))
        self.observe(self._choose, "preset")

    @property
    def settings(self):
        """All settings that matter to the pattern."""
        return {name: getattr(self, name) for name in SETTINGS[self.pattern]}

    @property
    def table(self):
        """The network's sizes layer by layer."""
        return size_table(_maker(**self.settings))

    @property
    def depth(self):
        """Layers with weights, without the shortcuts' 1×1 convolutions."""
        return _measured(**self.settings)[0]

    def network(self):
        """Make the network, with new random weights.

        Returns
        -------
        visionlab.nets.Network
            From (N, 3, side, side) to scores (N, classes).

        Raises
        ------
        ValueError
            If the settings cannot work, or its parameters would take more than `MOST_BYTES`.
        """
        make = _maker(**self.settings)
        size = 4 * sum(part["parameters"] for part in _measured(**self.settings)[1])
        if size > MOST_BYTES:
            raise ValueError(
                f"the parameters of this network would take {memory(size)}, and {memory(MOST_BYTES)} is the most that "
                "is made here: fewer channels or blocks; in a VGG also fewer hidden units, or more stages (each halves "
                "the maps that the first fully connected layer reads)"
            )
        return make()

    # For readers without a kernel

    def _description(self):
        return f"{self._refused} Before that: {self._picture['said']}" if self._refused else self._picture["said"]

    def _figure(self):
        parts = self._picture["parts"]
        boxes = [self._picture["image"], *parts]
        fig = plt.figure(figsize=(9.6, 2.6 + 0.25 * len(parts)))
        grid = fig.add_gridspec(2, len(MEASURES), height_ratios=[1.75, 0.25 * len(parts)])
        _draw_boxes(fig.add_subplot(grid[0, :]), boxes)
        bars = [fig.add_subplot(grid[1, i]) for i in range(len(MEASURES))]
        for i, (ax, title) in enumerate(zip(bars, MEASURES.values(), strict=True)):
            for row, part in enumerate(parts):
                share, percent, words = part["costs"][i]
                ax.barh(row, share, color=_COLOURS[part["kind"]], height=0.62)
                ax.text(share + 0.015, row, f"{percent}  {words}", va="center", fontsize=8)
            ax.set(xlim=(0, 1.9), ylim=(len(parts) - 0.45, -0.55), xticks=[])
            ax.set_title(f"{title}: {self._picture['totals'][i + 1][0]}", fontsize=9.5)
            ax.set_yticks(range(len(parts)), [part["name"] for part in parts] if i == 0 else [])
            ax.tick_params(length=0, labelsize=9)
            ax.grid(False)
            ax.spines[:].set_visible(False)
        title = f"{self._picture['title']}: {' '.join(self._picture['totals'][0])}"
        fig.suptitle(title, fontsize=11, x=0.01, ha="left")
        note = self._refused or "In JupyterLab controls set stages, blocks and channels. " + self._picture["note"]
        fig.supxlabel(textwrap.fill(note, 165), fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig

    def _choose(self, change):
        with self.hold_sync(), self.hold_trait_notifications():
            for name, value in PRESETS.get(self.preset, {}).items():
                setattr(self, name, value)
        self.preset = self._name()  # "your own" is not a choice, but what settings without a name are called

    def _name(self):
        return next((name for name, settings in PRESETS.items() if settings == self.settings), OWN)

    def _measure(self, change=None):
        try:
            depth, parts = _measured(**self.settings)
        except ValueError as problem:
            refused, picture = str(problem), self._picture
        else:
            refused, picture = "", _picture(self._name(), self.settings, depth, parts)
        with self.hold_sync():
            self._picture, self._refused, self.preset = picture, refused, self._name()


_COLOURS = {"convolution": plots.BLUE, "fully connected": plots.ORANGE, "pooling": plots.GREY, "image": plots.GREY}


def _percent(share):
    """Write a share in per cent; what is nearly nothing or nearly all is not written as nothing or all.

    Examples
    --------
    >>> [_percent(share) for share in (0, 0.002, 0.014, 0.743, 0.998, 1)]
    ['0 %', '< 1 %', '1 %', '74 %', '> 99 %', '100 %']
    """
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    return "< 1 %" if share < 0.01 else "> 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def _draw_boxes(ax, parts):
    """Draw a row of boxes: height for the side of the maps, width for the root of their number."""
    at = 0
    for part in parts:
        maps, height = part["shape"][0], (part["shape"][1:] or (1,))[0]
        height = max(100 * height / parts[0]["shape"][1], 4)
        wide, deep = max(0.9 * maps**0.5, 2), 0.3 * height
        room = max(wide + deep, 82)
        x = at + (room - wide - deep) / 2
        faces = {
            1: [(0, 0), (wide, 0), (wide, height), (0, height)],
            0.45: [(0, height), (wide, height), (wide + deep, height + deep / 2), (deep, height + deep / 2)],
            0.65: [(wide, 0), (wide + deep, deep / 2), (wide + deep, height + deep / 2), (wide, height)],
        }
        for shade, corners in faces.items():
            face = [(x + a, b) for a, b in corners]
            ax.add_patch(plt.Polygon(face, fc=_COLOURS[part["kind"]], alpha=shade, ec="white", lw=0.6))
        middle = at + room / 2
        ax.text(middle, -7, part["name"], ha="center", va="top", fontsize=8.5, weight="bold")
        words = f"{'×'.join(map(str, part['shape']))}\n{part['about']}"
        ax.text(middle, -24, words, ha="center", va="top", fontsize=7.5, linespacing=1.3)
        at += room + 4
    ax.set(xlim=(0, max(at, 780)), ylim=(-58, 116))
    ax.axis("off")


def _maker(*, pattern, blocks, width, side, classes, hidden=0, **settings):
    """Return a function that makes the network, with weights or, inside ``torch.device("meta")``, without."""
    if pattern == "VGG":
        hidden = (hidden,) * 2 if hidden else ()
        return functools.partial(vgg, blocks, width=width, hidden=hidden, side=side, classes=classes, **settings)
    early = 4 if settings["shrink_early"] else 1
    if side // early >> (len(blocks) - 1) == 0:
        # torch would go on, with maps of 1×1 that are halved to 1×1.
        fits = (side // early).bit_length()
        raise ValueError(
            f"Images of {side}×{side} are too small: {'shrunk early, ' * (early > 1)}the maps of stage {fits} are 1×1, "
            f"and stage {fits + 1} has nothing left to halve. Fewer stages, or larger images"
            f"{', or do not shrink early' * (early > 1)}."
        )
    return functools.partial(residual_network, blocks, width, side=side, classes=classes, **settings)


_PLACES = {
    "VGG": re.compile(r"(?:conv|pool)(?P<stage>\d)(?:_(?P<block>\d))?$"),
    "ResNet": re.compile(r"stage(?P<stage>\d)\.(?P<block>\d)"),
}
"""Where a layer is, by its name."""
_SECOND = {"VGG": "2", "ResNet": "1"}


@functools.lru_cache(maxsize=256)
def _measured(**settings):
    """Measure a network: its depth, and what each part costs.

    All blocks of a stage but the first are alike: two are measured, and the second counts for all that follow.

    Returns
    -------
    depth : int
    parts : list of dict
        'name', 'kind', 'shape' and 'reads' (of the last layer with weights), and the sums `MEASURES` and 'units'.
    """
    pattern, blocks = settings["pattern"], settings["blocks"]
    short = _maker(**settings | {"blocks": tuple(min(count, 2) for count in blocks)})
    depth, parts = 0, {}
    for row in size_table(short).rows:
        times, name = 1, row.name
        if place := _PLACES[pattern].match(row.name):
            name = f"stage {place['stage']}"
            if place["block"] == _SECOND[pattern]:
                times = blocks[int(place["stage"]) - 1] - 1
        elif row.name in ("conv1", "norm1", "pool1"):
            name = "stem"
        part = parts.setdefault(name, {"name": name, "units": 0} | dict.fromkeys(MEASURES, 0))
        for measure in ("units", *MEASURES):
            part[measure] += times * getattr(row, measure)
        if row.kind in WEIGHTED or "kind" not in part:
            part |= {"kind": row.kind, "shape": row.output, "reads": row.weights // max(row.units, 1)}
        if row.kind in WEIGHTED and ".shortcut" not in row.name:
            depth += times
    return depth, list(parts.values())


def _picture(name, settings, depth, parts):
    """Return what the browser draws: all words and shares are made here."""
    whole = {measure: sum(part[measure] for part in parts) for measure in ("units", *MEASURES)}
    image = {"name": "image", "kind": "image", "shape": (3, settings["side"], settings["side"]), "about": "input"}
    shown = [
        {
            "name": part["name"],
            "kind": part["kind"],
            "shape": part["shape"],
            "about": _about(part, settings),
            "costs": [[part[m] / whole[m], _percent(part[m] / whole[m]), _written(m, part[m])] for m in MEASURES],
        }
        for part in parts
    ]
    totals = [
        (f"{depth}", "layers with weights"),
        (f"{whole['parameters']:,}", f"parameters ({memory(4 * whole['parameters'])})"),
        (memory(whole["activation_bytes"]), f"activations ({whole['units']:,} numbers)"),
        (f"{whole['multiply_adds']:,}", "multiply-adds"),
    ]
    most = {m: max(parts, key=lambda part: part[m]) for m in MEASURES}
    where = [f"{_percent(part[m] / whole[m])} of the {MEASURES[m]} in {part['name']}" for m, part in most.items()]
    title = "Your own " + settings["pattern"] if name == OWN else name
    said = (
        f"{title}: {depth} layers with weights, {_rounded(whole['parameters'])} parameters, "
        f"{memory(whole['activation_bytes'])} of activations for one image, {_rounded(whole['multiply_adds'])} "
        f"multiply-adds. The largest shares: {', '.join(where[:-1])} and {where[-1]}."
    )
    return {"title": title, "image": image, "parts": shown, "totals": totals, "said": said, "note": _note(settings)}


def _written(measure, value):
    return memory(value) if measure.endswith("bytes") else f"{value:,}"


def _rounded(count):
    """Write a number with three digits and a word.

    Examples
    --------
    >>> _rounded(138_357_544), _rounded(15_470_264_320), _rounded(70_762)
    ('138 million', '15.5 billion', '70.8 thousand')
    """
    for word in ("", " thousand", " million"):
        if count < 999.5:
            return f"{count:.3g}{word}"
        count /= 1000
    return f"{count:,.3g} billion" if count < 999.5 else f"{count:,.0f} billion"


def _note(settings):
    """Say how the picture is to be read, and where the maps shrink."""
    if settings["pattern"] == "VGG":
        halves = "After each stage a 2×2 pooling halves height and width."
    elif settings["shrink_early"]:
        halves = "A pooling after the stem, and the first block of each stage but stage 1, halve height and width."
    else:
        halves = "The first block of each stage but stage 1 halves height and width."
    return (
        f"Boxes are as tall as the maps, and as wide as the square root of their number. {halves} fc: fully connected. "
        "Activations: what convolutions, poolings and fully connected layers put out, for one image, 4 bytes a number."
    )


def _about(part, settings):
    """Say in a few words what a part consists of."""
    name = part["name"]
    if name == "stem":
        return "7×7, stride 2" if settings["shrink_early"] else "3×3"
    if name.startswith("stage"):
        count = settings["blocks"][int(name[-1]) - 1]
        kinds = {"VGG": "convolution", "ResNet": "bottleneck" if settings.get("bottleneck") else "block"}
        kind = kinds[settings["pattern"]]
        return f"×{count} {kind}{'s' * (count > 1)}"
    return f"reads {part['reads']:,}" if part["kind"] == "fully connected" else "of each map"
