"""Boxes: how much two of them overlap, which of many to keep, and how good a detector is.

A box is left, top, right, bottom, with right and bottom just outside; an array of boxes has the shape (N, 4).
"""

from typing import NamedTuple

import numpy as np

RULES = ("every point", "11 points", "101 points")


class Found(NamedTuple):
    """What a detector says about one picture.

    Attributes
    ----------
    boxes : numpy.ndarray
        Of shape (N, 4).
    labels : numpy.ndarray
        int, of shape (N,).
    scores : numpy.ndarray
        The higher, the surer; of shape (N,).
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    def only(self, chosen):
        """Return those at some indices, in that order, or where a mask is true."""
        return Found(self.boxes[chosen], self.labels[chosen], self.scores[chosen])


def iou(boxes, others):
    """Intersection over union of each box with each of others.

    Parameters
    ----------
    boxes, others : array
        Of shapes (N, 4) and (M, 4).

    Returns
    -------
    numpy.ndarray
        Of shape (N, M), from 0, apart, to 1, the same.

    Raises
    ------
    ValueError
        If a box has its right side left of its left one, or its bottom above its top.

    Examples
    --------
    >>> iou([[0, 0, 2, 2]], [[1, 0, 3, 2], [5, 5, 6, 6]]).round(3)
    array([[0.333, 0.   ]])
    """
    boxes, others = (np.asarray(some, float).reshape(-1, 4) for some in (boxes, others))
    for some in (boxes, others):
        if (some[:, 2:] < some[:, :2]).any():
            raise ValueError("A box is left, top, right, bottom: right ≥ left and bottom ≥ top. Here one is not.")
    corner, far = np.maximum(boxes[:, None, :2], others[:, :2]), np.minimum(boxes[:, None, 2:], others[:, 2:])
    shared = np.prod(np.clip(far - corner, 0, None), axis=2)
    areas, other_areas = (np.prod(some[:, 2:] - some[:, :2], axis=1) for some in (boxes, others))
    union = areas[:, None] + other_areas - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def suppress(boxes, scores, most):
    """Non-maximum suppression: keep the best box, drop what overlaps it too much, go on with the best that is left.

    Parameters
    ----------
    boxes : array
        Of shape (N, 4).
    scores : array
        Of shape (N,).
    most : float
        A box is dropped if its intersection over union with a better one that is kept is larger than this.

    Returns
    -------
    list of int
        Indices of those kept, best first.

    Examples
    --------
    >>> suppress([[0, 0, 4, 4], [1, 0, 5, 4], [9, 9, 12, 12]], [0.6, 0.9, 0.8], most=0.5)
    [1, 2]
    """
    overlap = iou(boxes, boxes)
    kept = []
    for index in np.argsort(-np.asarray(scores), kind="stable").tolist():
        if not (overlap[index, kept] > most).any():
            kept.append(index)
    return kept


def judge(found, truth, label, least=0.5):
    """Decide which detections of a class are hits, over all pictures, by the rule of PASCAL VOC.

    From the surest on, each detection is held against the true box of its class that it overlaps most. It is a hit if
    that is enough and no surer one has hit this box before.

    Parameters
    ----------
    found : list of Found
        One a picture.
    truth : list of tuple
        For each picture the true boxes (M, 4) and their labels (M,).
    label : int
        The class.
    least : float
        The intersection over union that makes a hit.

    Returns
    -------
    hits : list of numpy.ndarray
        For each picture, which of its detections are hits; those of other classes are not. bool.
    missed : list of numpy.ndarray
        For each picture, the indices of true boxes of the class that nothing has hit.

    Examples
    --------
    >>> twice = Found(np.array([[0, 0, 4, 4], [0, 0, 4, 5]]), np.array([7, 7]), np.array([0.9, 0.8]))
    >>> judge([twice], [([[0, 0, 4, 5], [8, 8, 9, 9]], [7, 7])], label=7)
    ([array([ True, False])], [array([1])])
    """
    if len(found) != len(truth):
        raise ValueError(f"{len(found)} pictures with detections, but the truth about {len(truth)}")
    hits, missed = [], []
    for guess, (boxes, labels) in zip(found, truth, strict=True):
        wanted = np.flatnonzero(np.asarray(labels) == label)
        overlap = iou(guess.boxes, np.asarray(boxes, float).reshape(-1, 4)[wanted])
        hit, free = np.zeros(len(guess.scores), bool), np.ones(len(wanted), bool)
        for index in np.argsort(-guess.scores, kind="stable"):
            if guess.labels[index] == label and len(wanted):
                best = overlap[index].argmax()
                hit[index] = free[best] and overlap[index, best] >= least
                free[best] &= not hit[index]
        hits.append(hit)
        missed.append(wanted[free])
    return hits, missed


def ranking(found, hits, label):
    """Put the detections of a class from all pictures into one list.

    Parameters
    ----------
    found : list of Found
    hits : list of numpy.ndarray
        As from `judge`.
    label : int

    Returns
    -------
    scores : numpy.ndarray
        Largest first.
    right : numpy.ndarray
        Whether each is a hit; bool.
    """
    of_class = [guess.labels == label for guess in found]
    scores = np.concatenate([guess.scores[mine] for guess, mine in zip(found, of_class, strict=True)])
    right = np.concatenate([hit[mine] for hit, mine in zip(hits, of_class, strict=True)])
    order = np.argsort(-scores, kind="stable")
    return scores[order], right[order]


def average_precision(right, truths, rule="every point"):
    """Area under the curve of precision over recall, by one of the rules in use.

    All three read, at a recall, the best precision that is reached at this recall or beyond, and 0 beyond the last.

    Parameters
    ----------
    right : sequence of bool
        Whether each detection is a hit, the surest first.
    truths : int
        How many there were to be found.
    rule : {"every point", "11 points", "101 points"}
        PASCAL VOC since 2010: the exact area. PASCAL VOC until 2009: the mean at recall 0, 0.1, …, 1. COCO: the mean
        at recall 0, 0.01, …, 1 (COCO's headline number is then averaged over ten overlaps, 0.50 … 0.95).

    Returns
    -------
    float
        0 … 1; nan if there was nothing to be found.

    Examples
    --------
    >>> [round(average_precision([1, 0, 1, 1, 0], truths=4, rule=rule), 4) for rule in RULES]
    [0.625, 0.6136, 0.6287]
    """
    if rule not in RULES:
        raise ValueError(f"rule is {rule!r}: it must be one of {', '.join(map(repr, RULES))}")
    if truths == 0:
        return float("nan")
    right = np.asarray(right, bool)
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    if rule == "every point":
        return float(best_from_here[right].sum() / truths)
    steps = 10 if rule == "11 points" else 100
    # In whole numbers: found / truths ≥ level / steps, which rounding would get wrong at, say, 3/10 ≥ 0.3.
    first = np.searchsorted(steps * found, truths * np.arange(steps + 1))
    return float(np.append(best_from_here, 0)[first].mean())


def mean_average_precision(found, truth, labels, least=0.5, rule="every point"):
    """The mean of the average precisions of the classes; those with nothing to be found don't count.

    Parameters
    ----------
    found, truth, least
        As for `judge`.
    labels : sequence of int
        The classes.
    rule
        As for `average_precision`.

    Returns
    -------
    mean : float
    each : numpy.ndarray
        Of shape (classes,).
    """
    each = []
    for label in labels:
        hits, missed = judge(found, truth, label, least)
        _, right = ranking(found, hits, label)
        each.append(average_precision(right, int(right.sum()) + sum(map(len, missed)), rule))
    return float(np.nanmean(each)), np.array(each)
