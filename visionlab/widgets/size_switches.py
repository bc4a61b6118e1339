"""Count a network in many ways: each published figure of its size follows from some conventions."""

import functools
import html
from dataclasses import dataclass, field

import ipywidgets
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.nets import alexnet, googlenet, lenet5, lenet_1989, simple_lenet, size_table, vgg
from visionlab.widgets.controls import Menu
from visionlab.widgets.quiz import Illustrated


@dataclass(frozen=True)
class Figure:
    """A published figure.

    Attributes
    ----------
    what : str
        'units', 'connections', 'weights' or 'parameters'.
    number : int
        As it comes out, to the last digit.
    where : str
        Who prints it, and how.
    """

    what: str
    number: int
    where: str


@dataclass(frozen=True)
class Counted:
    """A network, the switches that matter to it, and what has been published about it.

    Attributes
    ----------
    make : callable
        Makes the network; takes ``partial`` if that is among the switches.
    switches : dict of str to bool
        Keys of `SWITCHES`, and how they stand at first.
    figures : tuple of Figure
    """

    make: callable
    switches: dict
    figures: tuple = field(default=())


SWITCHES = {
    "biases": "count biases",
    "pooling": "count pooling layers",
    "output": "count the output layer",
    "inputs": "count the image's numbers as units",
    "convolutions": "convolutions only",
    "partial": "C3 reads only some of the maps, as in 1998",
    "grouped": "two groups (maps on one GPU don't read the other's)",
    "printed": "conv1 as printed in the paper: 253,440 units",
    "trainable": "only what is trained",
}
"""What each switch says."""

ALL_LAYERS = {"biases": True, "pooling": True, "output": True}

NETWORKS = {
    "LeNet, as courses draw it": Counted(
        simple_lenet,
        ALL_LAYERS | {"partial": False},
        (
            Figure("connections", 422_824, "the sum of COMS 4995's table"),
            Figure("weights", 61_470, "the sum of COMS 4995's table"),
            Figure("units", 8_084, "COMS 4995's comparison"),
        ),
    ),
    "LeNet-5 as published, 1998": Counted(
        lenet5,
        ALL_LAYERS | {"partial": True, "trainable": False},
        (
            Figure("connections", 340_908, "the paper (COMS 4995's comparison: 344,000)"),
            Figure("parameters", 60_000, "the paper, and COMS 4995's comparison"),
        ),
    ),
    "LeNet, 1989": Counted(
        lenet_1989,
        {"biases": True, "output": True, "inputs": False},
        (
            Figure("units", 1_256, "COMS 4995's comparison"),
            Figure("parameters", 9_760, "COMS 4995's comparison"),
            Figure("connections", 64_660, "the paper (COMS 4995's comparison: 65,000)"),
        ),
    ),
    "AlexNet, 2012": Counted(
        alexnet,
        ALL_LAYERS | {"convolutions": False, "grouped": True, "printed": False},
        (
            Figure("parameters", 60_965_224, "“60 million”: the paper, CS 1674, COMS 4995"),
            Figure("parameters", 62_378_344, "many courses: the shapes of CS 1674's slide"),
            Figure("units", 658_272, "COMS 4995's comparison: 658,000 (CS 1674: 650,000)"),
            Figure("connections", 652_368_384, "COMS 4995's comparison: 652 million"),
            Figure("connections", 724_406_816, "what the same comparison should hold, with 55·55·96 units in conv1"),
        ),
    ),
    "VGG-16, 2014": Counted(
        functools.partial(vgg, "D"),
        ALL_LAYERS | {"inputs": False, "convolutions": False},
        (
            Figure("parameters", 138_357_544, "the paper's table 2, CS 1674: 138 million"),
            Figure("units", 15_237_608, "Stanford's CS231n: 15.2 million numbers, 61 MB an image"),
        ),
    ),
    "GoogLeNet, 2014": Counted(
        googlenet,
        ALL_LAYERS | {"convolutions": False},
        (
            Figure("parameters", 6_998_552, "“7 million”; the paper's own column sums to 6.8 million"),
            Figure("weights", 5_966_272, "“12 times fewer than AlexNet” (the paper): nearly"),
        ),
    ),
}
"""The networks to choose from."""


class SizeSwitches(Illustrated):
    """A network's table of sizes with a switch for each convention, beside the figures that have been published.

    Parameters
    ----------
    network : str
        One of `NETWORKS`.
    **switches : bool
        As in `SWITCHES`; those that don't matter to the network are an error.

    Attributes
    ----------
    table : visionlab.nets.SizeTable
        As counted now.
    found : list of Figure
        The published figures that come out now.

    Examples
    --------
    >>> count = SizeSwitches("LeNet, as courses draw it")
    >>> count.table.totals.connections, [figure.number for figure in count.found]
    (429342, [61470])
    >>> count.set(biases=False)
    >>> [figure.number for figure in count.found]
    [422824, 61470]
    """

    def __init__(self, network="LeNet, as courses draw it", **switches):
        if network not in NETWORKS:
            raise ValueError(f"there is no network {network!r}; there are {', '.join(map(repr, NETWORKS))}")
        self._network = Menu(network, NETWORKS, description="network")
        self._row = ipywidgets.HBox(layout={"flex_flow": "row wrap", "margin": "2px 0"})
        self._published, self._rows = ipywidgets.HTML(), ipywidgets.HTML()
        self._choose()
        self.set(**switches)
        super().__init__([self._network, self._row, self._published, self._rows], self._picture(), self._describe())
        self._network.observe(lambda _: self._choose(), "value")

    @property
    def network(self):
        """Name of the network; settable."""
        return self._network.value

    @network.setter
    def network(self, name):
        self._network.value = name

    def set(self, **switches):
        """Set some switches."""
        if unknown := [name for name in switches if name not in self._switches]:
            allowed = ", ".join(self._switches)
            raise ValueError(f"{', '.join(unknown)}: for {self.network} there are the switches {allowed}")
        for name, value in switches.items():
            self._switches[name].value = value

    def _choose(self):
        """Show the switches of the network chosen, as they stand at first."""
        for switch in self._row.children:
            switch.close()
        self._switches = {
            name: ipywidgets.Checkbox(
                value,
                description=SWITCHES[name],
                indent=False,
                layout={"width": "max-content", "margin": "2px 1.6em 2px 0"},
            )
            for name, value in NETWORKS[self.network].switches.items()
        }
        for switch in self._switches.values():
            switch.observe(lambda _: self._show(), "value")
        self._row.children = list(self._switches.values())
        self._show()

    def _show(self):
        on = {name: switch.value for name, switch in self._switches.items()}
        self.table = _count(self.network, tuple(on.items()))
        figures = NETWORKS[self.network].figures
        self.found = [figure for figure in figures if getattr(self.table.totals, figure.what) == figure.number]
        rows = "".join(
            f"<tr><td style='color: {plots.GREEN}; width: 1.2em'>{'✓' if figure in self.found else ''}</td>"
            f"<td style='text-align: right; font-variant-numeric: tabular-nums'>{figure.number:,}</td>"
            f"<td>{figure.what}</td><td>{html.escape(figure.where)}</td></tr>"
            for figure in figures
        )
        self._published.value = (
            f"<div role='status' aria-live='polite'><b>{len(self.found)} of {len(figures)}</b> published figures come "
            f"out now:<table style='line-height: 1.4; border-spacing: 8px 0'>{rows}</table></div>"
        )
        self._rows.value = self.table._repr_html_()

    def _describe(self):
        total = self.table.totals
        return (
            f"{self.table._caption()} In all {total.units:,} units, {total.connections:,} connections, "
            f"{total.parameters:,} parameters. In JupyterLab switches change what is counted."
        )

    def _picture(self):
        cells = self.table._cells()
        picture, ax = plt.subplots(figsize=(9.2, 0.2 * (len(cells) + 2.5)))
        ax.axis("off")
        drawn = ax.table(cells[1:], colLabels=cells[0], loc="upper center", edges="horizontal", cellLoc="right")
        drawn.auto_set_font_size(False)
        drawn.set_fontsize(9)
        drawn.auto_set_column_width(range(len(cells[0])))
        for (_, column), cell in drawn.get_celld().items():
            cell.set(linewidth=0.3, edgecolor=plots.GREY)
            cell.get_text().set_horizontalalignment("left" if column < 3 else "right")
        ax.set_title(f"{self.table._caption()}\nIn JupyterLab there is a switch for each convention.", fontsize=10)
        return picture


@functools.lru_cache(maxsize=64)
def _count(network, switches):
    on = dict(switches)
    make = NETWORKS[network].make
    if "partial" in on:
        make = functools.partial(make, partial=on.pop("partial"))
    if on.pop("convolutions", False):
        on["only"] = "convolution"
    if on.pop("printed", False):
        on["printed_units"] = {"conv1": 253_440}
    return size_table(make, **on)
