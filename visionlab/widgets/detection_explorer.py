"""A detector's boxes on many scenes, and three knobs: which are shown, which are dropped, and what counts as a hit."""

import functools

import numpy as np
import traitlets
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from visionlab import plots
from visionlab.detection import Found, average_precision, judge, ranking, suppress
from visionlab.widgets.explorer import Explorer, Whole, browser_module, style_sheet

ALL = -1
"""In place of a class: all of them."""
_CSS = """
.vl-detect { display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); gap: 8px 24px; }
.vl-detect > div { max-width: 440px; }
.vl-detect h4 { margin: 10px 0 4px; font-size: 13px; font-weight: 600; color: var(--vl-ink); }
.vl-shown { position: relative; aspect-ratio: 1; background: #000; border-radius: 4px; overflow: hidden; }
.vl-shown canvas, .vl-shown svg { position: absolute; inset: 0; width: 100%; height: 100%; image-rendering: pixelated; }
.vl-shown rect { fill: none; vector-effect: non-scaling-stroke; }
.vl-shown text { font: 600 3.1px system-ui, sans-serif; paint-order: stroke; stroke: #000; stroke-width: 0.8px; }
.vl-curve { width: 100%; overflow: visible; }
.vl-curve text { fill: var(--vl-ink); font: 12px var(--jp-ui-font-family, system-ui, sans-serif); }
.vl-curve .vl-axis { stroke: var(--vl-soft); stroke-width: 1; fill: none; }
.vl-curve .vl-under { fill: var(--vl-accent); opacity: 0.16; }
.vl-curve .vl-steps { stroke: var(--vl-accent); stroke-width: 2; fill: none; }
.vl-curve .vl-now { fill: var(--vl-window); stroke: var(--vl-paper); stroke-width: 1.5; }
.vl-key { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 12px; color: var(--vl-soft); }
.vl-key i { display: inline-block; width: 16px; margin-right: 5px; border-top: 3px solid; vertical-align: middle; }
"""


class DetectionExplorer(Explorer):
    """Look at a detector's boxes scene by scene, and at its precision and recall over all of them.

    Parameters
    ----------
    images : array
        Floats from 0 to 1, of shape (N, H, H).
    found : list of visionlab.detection.Found
        All that the detector says about each, before suppression; labels 0 … 9, scores from 0 to 1.
    truth : list of tuple
        For each the true boxes (M, 4) and their labels (M,).
    scene : int
        Which one is shown.
    least_score, most_overlap, least_overlap : int
        In percent: the score from which on a box is shown; the overlap with a better box beyond which suppression drops
        it (100: no suppression); the overlap with a true box that makes a hit.
    digit : int
        Whose curve is drawn; −1 for all digits in one ranking.

    Attributes
    ----------
    scene, least_score, most_overlap, least_overlap, digit
        As above; in step with the browser, readable and settable.
    counts : dict of str to int
        'hits', 'false alarms' and 'missed' over all scenes, of the boxes shown. Read only.
    precision, recall : float
        Of the boxes shown, over all scenes; precision is nan if none is shown. Read only.
    average_precision, mean_average_precision : float
        Of the curve that is drawn, and the mean over the digits. Read only.

    Examples
    --------
    >>> found = [Found(np.array([[2, 2, 8, 8], [3, 2, 9, 8.0]]), np.array([5, 5]), np.array([0.9, 0.6]))]
    >>> explorer = DetectionExplorer(np.zeros((1, 16, 16)), found, [([[2, 2, 8, 9]], [5])], most_overlap=100)
    >>> explorer.counts
    {'hits': 1, 'false alarms': 1, 'missed': 0}
    >>> explorer.most_overlap = 50
    >>> explorer.counts
    {'hits': 1, 'false alarms': 0, 'missed': 0}
    """

    _esm = browser_module("drawing.js", "detection_explorer.js")
    _css = style_sheet() + _CSS

    scene = Whole(0, 0).tag(sync=True)
    least_score = Whole(50, 0, 100).tag(sync=True)
    most_overlap = Whole(30, 0, 100).tag(sync=True)
    least_overlap = Whole(50, 5, 95).tag(sync=True)
    digit = Whole(ALL, ALL, 9).tag(sync=True)

    # For the browser: never set from there.
    _pixels = traitlets.Bytes().tag(sync=True)  # N·H·H
    _size = traitlets.List().tag(sync=True)  # N, H
    _state = traitlets.Dict().tag(sync=True)

    def __init__(self, images, found, truth, **settings):
        images = np.asarray(images, float)
        if images.ndim != 3 or images.shape[1] != images.shape[2] or not (images.min() >= 0 and images.max() <= 1):
            raise ValueError(f"images of shape {images.shape}: must be (N, H, H), with values from 0 to 1")
        if not len(images) == len(found) == len(truth):
            raise ValueError(f"{len(images)} images, detections in {len(found)}, the truth about {len(truth)}")
        self._found, self._count = [Found(*map(np.asarray, one)) for one in found], len(images)
        self._truth = [(np.asarray(boxes, float).reshape(-1, 4), np.asarray(labels, int)) for boxes, labels in truth]
        # Recent answers only: a slider goes through many settings.
        self._kept = functools.lru_cache(8)(self._kept)
        self._judged = functools.lru_cache(8)(self._judged)
        super().__init__(**settings)
        self._pixels = np.round(255 * images).astype(np.uint8).tobytes()
        self._size = list(images.shape[:2])
        self._tell()
        self.observe(self._tell, ["scene", "least_score", "most_overlap", "least_overlap", "digit"])

    @traitlets.validate("scene")
    def _there(self, proposal):
        if proposal["value"] >= self._count:
            raise traitlets.TraitError(f"scene is {proposal['value']}: there are {self._count}, counted from 0")
        return proposal["value"]

    def _kept(self, most_overlap):
        """For each scene the indices that suppression keeps."""
        if most_overlap == 100:
            return [list(range(len(one.scores))) for one in self._found]
        return [suppress(one.boxes, one.scores, most_overlap / 100) for one in self._found]

    def _judged(self, most_overlap, least_overlap):
        """What is left of the detections, which of them are hits, and for each digit its ranking and its truths."""
        found = [one.only(kept) for one, kept in zip(self._found, self._kept(most_overlap), strict=True)]
        hits = [np.zeros(len(one.scores), bool) for one in found]
        ranked, truths = {}, {}
        for digit in range(10):
            right, _ = judge(found, self._truth, digit, least_overlap / 100)
            ranked[digit] = ranking(found, right, digit)
            truths[digit] = sum(int((labels == digit).sum()) for _, labels in self._truth)
            for all_hits, mine in zip(hits, right, strict=True):
                all_hits |= mine
        scores, right = (np.concatenate(parts) for parts in zip(*ranked.values(), strict=True))
        order = np.argsort(-scores, kind="stable")
        ranked[ALL], truths[ALL] = (scores[order], right[order]), sum(truths.values())
        return found, hits, ranked, truths

    def _now(self):
        return self._judged(self.most_overlap, self.least_overlap)

    @property
    def counts(self):
        """Hits, false alarms and missed digits over all scenes, of the boxes shown and of the digit chosen."""
        _, _, ranked, truths = self._now()
        scores, right = ranked[self.digit]
        shown = right[scores >= self.least_score / 100]
        hits = int(shown.sum())
        return {"hits": hits, "false alarms": len(shown) - hits, "missed": truths[self.digit] - hits}

    @property
    def precision(self):
        """Of the boxes shown, the share that are hits."""
        counts = self.counts
        shown = counts["hits"] + counts["false alarms"]
        return counts["hits"] / shown if shown else float("nan")

    @property
    def recall(self):
        """Of the digits there are, the share that is hit by a box shown."""
        counts = self.counts
        there = counts["hits"] + counts["missed"]
        return counts["hits"] / there if there else float("nan")

    @property
    def average_precision(self):
        """Exact area under the curve that is drawn."""
        _, _, ranked, truths = self._now()
        return average_precision(ranked[self.digit][1], truths[self.digit])

    @property
    def mean_average_precision(self):
        """Mean over the digits that occur."""
        _, _, ranked, truths = self._now()
        each = [average_precision(ranked[digit][1], truths[digit]) for digit in range(10) if truths[digit]]
        return float(np.mean(each)) if each else float("nan")

    def _curve(self):
        """Recall and precision after each detection of the ranking."""
        _, _, ranked, truths = self._now()
        right = np.cumsum(ranked[self.digit][1])
        return right / max(truths[self.digit], 1), right / np.arange(1, len(right) + 1)

    def _boxes(self):
        """The boxes of the scene shown: left, top, right, bottom, label, score in percent, kind."""
        found, hits, *_ = self._now()
        rows = []
        kept = set(self._kept(self.most_overlap)[self.scene])
        before = self._found[self.scene]
        for i, (box, label, score) in enumerate(zip(*before, strict=True)):
            if i not in kept and score >= self.least_score / 100:
                rows.append([*box, label, 100 * score, "dropped"])
        shown = found[self.scene]
        for box, label, score, hit in zip(*shown, hits[self.scene], strict=True):
            if score >= self.least_score / 100:
                rows.append([*box, label, 100 * score, "hit" if hit else "false alarm"])
        boxes, labels = self._truth[self.scene]
        for digit in np.unique(labels):
            visible = [one.only(one.scores >= self.least_score / 100) for one in found[self.scene : self.scene + 1]]
            _, (missed,) = judge(visible, self._truth[self.scene : self.scene + 1], digit, self.least_overlap / 100)
            for i in np.flatnonzero(labels == digit):
                rows.append([*boxes[i], digit, 0, "missed" if i in missed else "truth"])
        return [[*map(float, row[:4]), int(row[4]), round(float(row[5])), row[6]] for row in rows]

    def _tell(self, _=None):
        recall, precision = self._curve()

        def finite(value):
            return None if np.isnan(value) else float(value)

        self._state = {
            "scene": self.scene, "boxes": self._boxes(), "counts": self.counts,
            "curve": [recall.round(4).tolist(), precision.round(4).tolist()],
            "precision": finite(self.precision), "recall": finite(self.recall),
            "average": finite(self.average_precision), "mean": finite(self.mean_average_precision),
        }  # fmt: skip

    # For readers without a kernel

    def _description(self):
        counts = self.counts
        whose = "all digits" if self.digit == ALL else f"the digit {self.digit}"
        return (
            f"Detections in scene {self.scene} of {self._count}, and the curve of precision over recall for {whose}. "
            f"Boxes with a score of at least {self.least_score} %, suppression from {self.most_overlap} % overlap on, "
            f"hits from {self.least_overlap} % on: {counts['hits']} hits, {counts['false alarms']} false alarms, "
            f"{counts['missed']} missed. Average precision {self.average_precision:.2f}, mean over the digits "
            f"{self.mean_average_precision:.2f}."
        )

    def _figure(self):
        fig, (ax, curve) = plt.subplots(1, 2, figsize=(8.8, 4.3))
        side = self._size[1]
        picture = np.frombuffer(self._pixels, np.uint8).reshape(self._size[0], side, side)[self.scene]
        ax.imshow(picture, extent=(0, side, side, 0), vmin=0, vmax=255)
        looks = {
            "hit": (plots.GREEN, "-", 2.5), "false alarm": (plots.VERMILLION, "-", 2.5), "truth": ("white", ":", 1.5),
            "missed": ("white", "--", 2.5), "dropped": (plots.GREY, "-", 0.8),
        }  # fmt: skip
        for left, top, right, bottom, label, score, kind in self._boxes():
            colour, style, width = looks[kind]
            ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour, ls=style, lw=width))
            if kind in ("hit", "false alarm"):
                ax.text(
                    left, top - 0.6, f"{label}: {score} %", color="white", fontsize=9, va="bottom",
                    bbox={"fc": colour, "ec": "none", "pad": 1.2},
                )  # fmt: skip
        ax.set_title(f"scene {self.scene}", loc="center", fontsize=11)
        ax.axis("off")
        recall, precision = self._curve()
        if len(recall):
            # A step begins at the recall before; the area is that under the best precision at or beyond a recall.
            edges, best = np.append(0, recall), np.maximum.accumulate(precision[::-1])[::-1]
            curve.fill_between(edges, np.append(best[0], best), step="pre", color=plots.BLUE, alpha=0.15)
            curve.step(edges, np.append(precision[0], precision), where="pre", color=plots.BLUE, lw=1.6)
        if np.isfinite(self.precision):
            curve.plot(self.recall, self.precision, "o", color=plots.ORANGE, ms=10, mec="white")
        curve.set(xlim=(0, 1.03), ylim=(0, 1.05), xlabel="recall", ylabel="precision")
        curve.set_title(
            f"AP {self.average_precision:.2f}, mean over the digits {self.mean_average_precision:.2f}", fontsize=11
        )
        fig.supxlabel(
            "Green: hit. Red: false alarm. Dashed: missed. Dotted: true box. Thin: dropped by suppression. Live in "
            "JupyterLab.",
            fontsize=9, color=plots.GREY, x=0.01, ha="left",
        )  # fmt: skip
        return fig
