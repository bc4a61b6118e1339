"""How large is a network? Units, connections, weights, memory and work of each layer.

A *unit* is one number that a layer puts out; it takes memory while training. A *connection* is a pair of a unit and a
number that it reads: one multiplication. A *weight* may be shared by many connections. Published figures follow
different conventions (are biases counted? pooling? the output?), so `size_table` has a switch for each.
"""

import dataclasses
import html
from itertools import chain

import torch
from torch import nn

KINDS = {
    "convolution": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
    "fully connected": (nn.Linear,),
    "pooling": (
        nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d,
        nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d,
    ),
    "normalisation": (
        nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm,
    ),
}  # fmt: skip
"""Layers that have rows of their own. A layer of another class can name its kind in an attribute ``kind``."""

WEIGHTED = ("convolution", "fully connected")


@dataclasses.dataclass(frozen=True)
class LayerSize:
    """One row of a `SizeTable`, for one image.

    Attributes
    ----------
    name, kind : str
    output : tuple of int
        Shape of what the layer puts out, without the batch.
    units, connections, weights, biases : int
        As counted under the table's conventions.
    multiply_adds : int
        Products added up by convolutions and fully connected layers in the forward pass; biases and pooling are free.
    activation_bytes, parameter_bytes : int
        Memory of the units, and of weights and biases.
    counted : bool
        False for a layer that the conventions leave out: all its numbers are 0.
    """

    name: str
    kind: str
    output: tuple
    units: int = 0
    connections: int = 0
    weights: int = 0
    biases: int = 0
    multiply_adds: int = 0
    activation_bytes: int = 0
    parameter_bytes: int = 0
    counted: bool = True

    @property
    def parameters(self):
        """Weights and biases together."""
        return self.weights + self.biases


NUMBERS = ("units", "connections", "weights", "biases", "multiply_adds", "activation_bytes", "parameter_bytes")


@dataclasses.dataclass(frozen=True, repr=False)
class SizeTable:
    """The sizes of a network, layer by layer. Shows itself as a table in a notebook, and as text when printed.

    Attributes
    ----------
    title : str
    rows : list of LayerSize
        In the order in which the layers ran.
    conventions : tuple of str
        What is counted otherwise than by default, in words.
    """

    title: str
    rows: list
    conventions: tuple = ()

    @property
    def totals(self):
        """The sums over all rows, as a `LayerSize`."""
        return _sum("total", "", (), self.rows)

    def __repr__(self):
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(w) if i < 3 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        rule = "-" * len(lines[0])
        return "\n".join(map(str.rstrip, [self._caption(), lines[0], rule, *lines[1:-1], rule, lines[-1]]))

    def _repr_html_(self):
        head, *body, foot = self._cells()
        rows = [
            f"<tr class='{'' if row.counted else 'vl-out'}'>{_tags(cells, 'td')}</tr>"
            for row, cells in zip(self.rows, body, strict=True)
        ]
        return (
            f'{_STYLE}<div class="vl-size-table"><table><caption>{html.escape(self._caption())}</caption>'
            f"<thead><tr>{_tags(head, 'th')}</tr></thead><tbody>{''.join(rows)}</tbody>"
            f"<tfoot><tr>{_tags(foot, 'td')}</tr></tfoot></table></div>"
        )

    def _caption(self):
        return ". ".join([self.title, *self.conventions]) + "."

    def _cells(self):
        """Return all cells as text: heads, rows, totals. A column of nothing but zeros is left out."""
        shown = [field for field in NUMBERS if getattr(self.totals, field)]
        heads = {"multiply_adds": "multiply-adds", "activation_bytes": "activations", "parameter_bytes": "parameters"}
        cells = [["layer", "kind", "output", *(heads.get(field, field) for field in shown)]]
        for row in (*self.rows, self.totals):
            numbers = [
                "–" if not row.counted else memory(value) if value and field.endswith("bytes") else f"{value:,}"
                for field, value in ((field, getattr(row, field)) for field in shown)
            ]
            cells.append([row.name, row.kind, "×".join(map(str, row.output)), *numbers])
        return cells


def size_table(
    network, input_shape=None, *, only=None, biases=True, pooling=True, output=True, inputs=False, grouped=True,
    trainable=False, printed_units=None, depth=None,
):  # fmt: skip
    """Measure a network layer by layer.

    The network runs once on torch's "meta" device, where tensors have shapes but no numbers: no memory is taken, and
    the network is left as it was. Each call of a layer is a row; a layer called twice has its weights in the first.

    Parameters
    ----------
    network : torch.nn.Module or callable
        Of ordinary layers; or a function that makes one, which then never gets weights: ``lambda: resnet(152)``.
    input_shape : tuple of int, optional
        Of one image, (C, H, W); by default ``network.input_shape``.
    only : {"convolution", "fully connected"}, optional
        The one kind of layer that counts.
    biases : bool
        Count biases (also those of normalisations), and a connection for each unit that has one.
    pooling : bool
        Count units and connections of pooling layers.
    output : bool
        Count the last layer that has weights, or leave it out.
    inputs : bool
        Count the image's numbers as units.
    grouped : bool
        False: as if each map of a convolution read all maps before it.
    trainable : bool
        True: leave frozen parameters out (their connections stay).
    printed_units : dict of str to int, optional
        Layers for which a paper prints another number of units than the shapes give; connections and multiply-adds
        follow.
    depth : int, optional
        Merge layers whose names agree in so many parts: 1 makes a row of each stage or module of a network.

    Returns
    -------
    SizeTable

    Raises
    ------
    ValueError
        If the shape does not fit; the message names the layer and what it expects.

    Examples
    --------
    The units of AlexNet are usually given without pooling and without the 1000 outputs:

    >>> from visionlab.nets import alexnet, simple_lenet
    >>> size_table(alexnet, pooling=False, output=False).totals.units
    658272
    >>> size_table(simple_lenet, biases=False, only="convolution")
    LeNet, simplified, input 1×28×28. Biases not counted. Only convolution layers counted.
    layer   kind             output    units  connections  weights  multiply-adds  activations  parameters
    ------------------------------------------------------------------------------------------------------
    C1      convolution      6×28×28   4,704      117,600      150        117,600      18.8 kB   600 bytes
    S2      pooling          6×14×14       –            –        –              –            –           –
    C3      convolution      16×10×10  1,600      240,000    2,400        240,000       6.4 kB      9.6 kB
    S4      pooling          16×5×5        –            –        –              –            –           –
    F5      fully connected  120           –            –        –              –            –           –
    F6      fully connected  84            –            –        –              –            –           –
    output  fully connected  10            –            –        –              –            –           –
    ------------------------------------------------------------------------------------------------------
    total                              6,304      357,600    2,550        357,600      25.2 kB     10.2 kB
    """
    if not isinstance(network, nn.Module):
        with torch.device("meta"):
            network = network()
    if only not in (None, *WEIGHTED):
        raise ValueError(f"only={only!r}: one kind of layer, {' or '.join(map(repr, WEIGHTED))}, or None for all")
    input_shape = _checked(input_shape or getattr(network, "input_shape", None), network)
    calls = _run(network, (1, *input_shape))
    printed_units = dict(printed_units or {})
    if unknown := printed_units.keys() - {call.name for call in calls}:
        raise ValueError(f"printed_units names {', '.join(sorted(unknown))}: there is no such layer")
    last = max((i for i, call in enumerate(calls) if _kind(call.layer) in WEIGHTED), default=None)
    size = next((p.element_size() for p in network.parameters()), 4)
    rows, seen, unknown = [], set(), []
    if inputs:
        count = torch.Size(input_shape).numel()
        rows.append(LayerSize("input", "", input_shape, units=count, activation_bytes=count * size))
    for i, call in enumerate(calls):
        kind, own = _kind(call.layer), list(call.layer.parameters(recurse=False))
        if kind is None and not own:
            continue
        shape = call.output[1:]
        if (i == last and not output) or only not in (None, kind):
            rows.append(LayerSize(call.name, kind or type(call.layer).__name__, shape, counted=False))
            continue
        # Connections follow from the layer's weights even where they are frozen, or were counted in an earlier row.
        bias = getattr(call.layer, "bias", None)
        spread = 1 if grouped else getattr(call.layer, "groups", 1)
        weights = sum(p.numel() for p in own if p is not bias) * spread
        new = [p for p in own if id(p) not in seen and (p.requires_grad or not trainable)]
        seen.update(map(id, own))
        row = {
            "weights": sum(p.numel() for p in new if p is not bias) * spread,
            "biases": sum(p.numel() for p in new if p is bias) * biases,
        }
        if kind in WEIGHTED or (kind == "pooling" and pooling):
            row["units"] = printed_units.get(call.name, torch.Size(shape).numel())
            if kind == "pooling":
                row["connections"] = _pool_connections(call, row["units"])
            else:
                maps = shape[0] if kind == "convolution" else shape[-1]
                row["connections"] = row["multiply_adds"] = weights * row["units"] // maps
            row["connections"] += row["units"] * (bias is not None and biases)
        elif kind is None:
            unknown.append(f"{call.name} ({type(call.layer).__name__})")
        row["activation_bytes"] = row.get("units", 0) * size
        row["parameter_bytes"] = (row["weights"] + row["biases"]) * size
        rows.append(LayerSize(call.name, kind or type(call.layer).__name__, shape, **row))
    conventions = {
        "Biases not counted": not biases,
        "Pooling units not counted": not pooling,
        "Output layer not counted": not output,
        f"Only {only} layers counted": only,
        "Input counted": inputs,
        "Groups undone": not grouped,
        "Only trainable parameters": trainable,
        "Units as printed: " + ", ".join(f"{name} {units:,}" for name, units in printed_units.items()): printed_units,
        "Units and connections unknown: " + ", ".join(unknown): unknown,
    }
    if depth is not None:
        rows = _merge(rows, calls, depth)
    title = f"{getattr(network, 'title', type(network).__name__)}, input {'×'.join(map(str, input_shape))}"
    return SizeTable(title, rows, tuple(text for text, holds in conventions.items() if holds))


def memory(size):
    """Write a number of bytes with three digits.

    Examples
    --------
    >>> memory(600), memory(7_375_872)
    ('600 bytes', '7.38 MB')
    """
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def misfit(network, images):
    """Say which layer cannot work on these images, and why; an empty string if their shape and dtype are right."""
    wanted = next((p.dtype for p in network.parameters()), images.dtype)
    if images.dtype != wanted:
        cure = "images.float() / 255" if images.dtype == torch.uint8 else f"images.to({wanted})"
        return f"the network computes with {wanted} numbers, and these images are {images.dtype}: try {cure}"
    try:
        _run(network, tuple(images.shape))
    except ValueError as problem:
        return str(problem)
    return ""


@dataclasses.dataclass(frozen=True)
class _Call:
    name: str
    layer: nn.Module
    input: tuple
    output: tuple


def _run(network, shape):
    """Run a network on the meta device, in eval mode, and return its calls: what was called with which shapes."""
    calls, inside = [], []
    names = {module: name or type(network).__name__ for name, module in network.named_modules()}
    hooks = []
    for module in names:
        hooks.append(module.register_forward_pre_hook(lambda layer, args: inside.append((layer, _shape(args)))))
        hooks.append(module.register_forward_hook(lambda layer, args, result: _leave(inside, calls, names, result)))
    modes = {module: module.training for module in names}
    tensors = chain(network.named_parameters(), network.named_buffers())
    empty = {name: tensor.detach().to("meta") for name, tensor in tensors}
    dtype = next((p.dtype for p in network.parameters()), torch.float32)
    try:
        network.eval()
        with torch.no_grad(), torch.device("meta"):
            torch.func.functional_call(network, empty, (torch.empty(shape, dtype=dtype),))
    except (RuntimeError, ValueError, IndexError, TypeError) as problem:
        layer, entered = inside[-1] if inside else (network, shape)
        raise ValueError(_explain(network, shape, names[layer], layer, entered, problem)) from None
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
    return calls


def _leave(inside, calls, names, result):
    layer, entered = inside.pop()
    calls.append(_Call(names[layer], layer, entered, _shape((result,))))


def _shape(values):
    first = values[0] if isinstance(values, tuple) and values else values
    return tuple(first.shape) if isinstance(first, torch.Tensor) else ()


def _explain(network, shape, name, layer, entered, problem):
    text = "the network " if layer is network else f"{name} ({type(layer).__name__}) "
    if hasattr(layer, "in_channels") and len(entered) > 1 and entered[1] != layer.in_channels:
        text += f"expects {layer.in_channels:,} channels, and its input of shape {entered} has {entered[1]:,}."
    elif hasattr(layer, "in_features") and entered and entered[-1] != layer.in_features:
        text += f"expects {layer.in_features:,} numbers per image, and gets {entered[-1]:,}."
    else:
        text += f"cannot work on an input of shape {entered}: {str(problem).splitlines()[0].rstrip('.')}."
    if wanted := getattr(network, "input_shape", None):
        text += f" The network is made for images of shape (N, {', '.join(map(str, wanted))}); these are {shape}."
    return text


def _checked(shape, network):
    if shape is None:
        raise ValueError(
            f"which input? Give the shape of one image: size_table({type(network).__name__}, (3, 224, 224))"
        )
    shape = tuple(shape)
    if not all(isinstance(size, int) and size > 0 for size in shape):
        raise ValueError(f"the input shape should be positive whole numbers, as (3, 224, 224); {shape} is not")
    return shape


def _kind(layer):
    if (named := getattr(layer, "kind", None)) in KINDS:
        return named
    return next((kind for kind, classes in KINDS.items() if isinstance(layer, classes)), None)


def _pool_connections(call, units):
    """Count what the windows read; zeros at the border are counted as if they were there."""
    window = getattr(call.layer, "kernel_size", None)
    if window is None:  # adaptive pooling divides its input among its windows
        return torch.Size(call.input[1:]).numel()
    dimensions = len(call.output) - 2
    return units * (window**dimensions if isinstance(window, int) else torch.Size(window).numel())


def _sum(name, kind, output, rows):
    sums = {field: sum(getattr(row, field) for row in rows) for field in NUMBERS}
    return LayerSize(name, kind, output, **sums, counted=any(row.counted for row in rows))


def _merge(rows, calls, depth):
    groups = {}
    for row in rows:
        groups.setdefault(".".join(row.name.split(".")[:depth]), []).append(row)
    whole = {call.name: call for call in calls}
    merged = []
    for name, group in groups.items():
        if len(group) == 1 and group[0].name == name:
            merged += group
        else:
            merged.append(_sum(name, type(whole[name].layer).__name__, whole[name].output[1:], group))
    return merged


def _tags(cells, tag):
    return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)


_STYLE = """<style>
.vl-size-table {overflow-x: auto; margin: 4px 0; line-height: 1.5; color: var(--jp-ui-font-color1, #1c1c1c)}
.vl-size-table.vl-size-table table {border-collapse: collapse; border: none; margin: 0; font-size: 12px; color: inherit;
  font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-variant-numeric: tabular-nums; table-layout: auto}
.vl-size-table.vl-size-table caption {caption-side: top; text-align: left; padding: 2px 6px 6px; color: inherit}
.vl-size-table.vl-size-table :is(th, td) {text-align: right; padding: 2px 6px; border: none; white-space: nowrap;
  background: none; color: inherit; vertical-align: baseline}
.vl-size-table.vl-size-table tr > :nth-child(-n + 3) {text-align: left}
.vl-size-table.vl-size-table tr {background: none}
.vl-size-table.vl-size-table tbody tr:hover {background: var(--jp-layout-color2, #f3f3f3)}
.vl-size-table.vl-size-table tr.vl-out td {color: var(--jp-ui-font-color2, #6b6b6b)}
.vl-size-table.vl-size-table thead th {border-bottom: 1px solid var(--jp-border-color1, #999); font-weight: 600}
.vl-size-table.vl-size-table tfoot td {border-top: 1px solid var(--jp-border-color1, #999); font-weight: 600}
</style>"""
