"""Choosing without fooling oneself: statistics from the training set, settings by validation."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import read_only_view, whole

# ---------------------------------------------------------------------------------------------------------------------
# standardise

DIVIDED = Tolerance(relative=1e-5, absolute=1e-6)
"""A division by a deviation in float32 is right to six digits."""


def standardised(student, X_train, X_new):
    """Ask for both sets, standardised."""
    train, new = student(X_train, X_new)
    return {"train": train, "new": new}


def standardise_one_number(student, rng):
    """two training images of one number, 1 and 5, and a new one, 7"""
    return standardised(student, np.array([[1.0], [5.0]]), np.array([[7.0]]))


def standardise_two_numbers(student, rng):
    """two training images of two numbers, two new ones"""
    return standardised(student, np.array([[0.0, 10.0], [2.0, 50.0]]), np.array([[1.0, 30.0], [4.0, 70.0]]))


def standardise_unequal_sets(student, rng):
    """four training images, one new one"""
    return standardised(student, whole(rng, 4, 3, low=-9, high=9), whole(rng, 1, 3, low=-9, high=9))


def standardise_constant(student, rng):
    """a number that is the same in all training images, as in the corner of every digit"""
    return standardised(student, np.array([[3.0, 1.0], [3.0, 5.0]]), np.array([[3.0, 2.0], [4.0, 6.0]]))


def standardise_bytes(student, rng):
    """images as bytes (dtype uint8)"""
    X_train = np.array([[0, 255, 7], [200, 1, 9], [100, 50, 8]], dtype=np.uint8)
    return standardised(student, X_train, np.array([[10, 20, 30]], dtype=np.uint8))


def standardise_single_precision(student, rng):
    """images in float32"""
    X_train, X_new = (whole(rng, count, 4, low=-9, high=9).astype(np.float32) for count in (5, 3))
    return standardised(student, X_train, X_new)


def standardise_view(student, rng):
    """arrays that are read-only and not contiguous"""
    X_train, X_new = (read_only_view(whole(rng, count, 3, low=-9, high=9)) for count in (4, 2))
    return standardised(student, X_train, X_new)


def standardise_twice(student, rng):
    """images that are needed again afterwards"""
    return standardised(student, whole(rng, 3, 2) + 5, whole(rng, 4, 2) + 5)


def standardise_drawn(student, rng):
    """shapes drawn at random"""
    seen = {}
    for draw in range(4):
        train, new, numbers = (int(n) for n in rng.integers(2, 7, 3))
        X_train, X_new = (whole(rng, count, numbers, low=-20, high=20) for count in (train, new))
        if draw == 3:
            X_train[:, 0] = 4
        first, second = student(X_train, X_new)
        seen |= {f"train {draw + 1}": first, f"new {draw + 1}": second}
    return seen


STANDARDISE = Exercise(
    "standardise",
    points=2,
    cases=[
        Case(standardise_one_number, tolerance=DIVIDED),
        Case(standardise_two_numbers, tolerance=DIVIDED),
        Case(standardise_constant, tolerance=DIVIDED),
        Case(standardise_bytes, tolerance=DIVIDED),
        Case(standardise_twice, tolerance=DIVIDED),
        Case(standardise_unequal_sets, tolerance=DIVIDED),
        Case(standardise_view, tolerance=DIVIDED),
        Case(standardise_single_precision, tolerance=DIVIDED),
        Case(standardise_drawn, hidden=True, weight=2, tolerance=DIVIDED),
    ],
    bugs=[
        Bug(
            "new images by their own statistics",
            "You standardise the new images with *their own* mean and deviation. Then a picture that is brighter than "
            "all others would look average. Mean and deviation come from the training images, for both.",
            (
                "(X_new - mean) / deviation",
                "(X_new - X_new.mean(axis=0)) / np.where(X_new.std(axis=0) == 0, 1, X_new.std(axis=0))",
            ),
        ),
        Bug(
            "new images about their own mean",
            "From the new images you subtract *their own* mean. A set of new images that is brighter than the "
            "training images would look average. Mean and deviation come from the training images, for both.",
            ("(X_new - mean)", "(X_new - X_new.mean(axis=0))"),
        ),
        Bug(
            "statistics of both sets together",
            "Mean and deviation come from the training and the new images together. New images must have no say in "
            "how the training images are prepared: use the training images alone.",
            (
                "mean, deviation = X_train.mean(axis=0), X_train.std(axis=0)",
                "both = np.concatenate([X_train, X_new])\n    mean, deviation = both.mean(axis=0), both.std(axis=0)",
            ),
        ),
        Bug(
            "new images left as they are",
            "You standardise the training images only. The classifier would see new images on another scale.",
            ("(X_new - mean) / deviation", "X_new"),
        ),
        Bug(
            "mean not subtracted",
            "You divide by the deviation without subtracting the mean first.",
            ("(X_train - mean)", "X_train"),
            ("(X_new - mean)", "X_new"),
        ),
        Bug(
            "not divided by the deviation",
            "You subtract the mean, but don't divide by the standard deviation.",
            ("(X_train - mean) / deviation, (X_new - mean) / deviation", "X_train - mean, X_new - mean"),
        ),
        Bug(
            "divided by the variance",
            "You divide by the variance. Divide by its root, the standard deviation.",
            ("X_train.std(axis=0)", "X_train.var(axis=0)"),
        ),
        Bug(
            "deviation with n − 1",
            "You divide by n − 1 in the deviation (`ddof=1`, which is torch's default). Here it is n, as `np.std` "
            "does it.",
            ("X_train.std(axis=0)", "X_train.std(axis=0, ddof=1)"),
        ),
        Bug(
            "deviation about 0",
            "You take the root of the mean square, without subtracting the mean. The deviation is measured from the "
            "mean.",
            ("X_train.std(axis=0)", "np.sqrt((X_train.astype(float) ** 2).mean(axis=0))"),
        ),
        Bug(
            "one mean and one deviation for all",
            "You take one mean and one deviation over all numbers. Each column has its own: take them along axis 0.",
            ("X_train.mean(axis=0), X_train.std(axis=0)", "X_train.mean(), X_train.std()"),
        ),
        Bug(
            "each image by itself",
            "You take mean and deviation of each *image* (axis 1). Each *column* is to be standardised, over all "
            "training images: axis 0.",
            source='''
import numpy as np
def standardise(X_train, X_new):
    """Row by row."""
    means = [X.mean(axis=1, keepdims=True) for X in (X_train, X_new)]
    deviations = [X.std(axis=1, keepdims=True) for X in (X_train, X_new)]
    deviations = [np.where(deviation == 0, 1, deviation) for deviation in deviations]
    return (X_train - means[0]) / deviations[0], (X_new - means[1]) / deviations[1]
''',
        ),
        Bug(
            "divided by zero",
            "A number that is the same in all training images has the deviation 0, and a division by it gives nan or "
            "infinity. Divide by 1 there.",
            ("    deviation = np.where(deviation == 0, 1, deviation)\n", ""),
        ),
        Bug(
            "a little added to the deviation",
            "You add a small number to the deviation, so that it is never 0. But a new image that differs from a "
            "constant column becomes huge then: (4 − 3)/1e-8. Divide by 1 where the deviation is 0.",
            ("np.where(deviation == 0, 1, deviation)", "deviation + 1e-8"),
        ),
        Bug(
            "bytes subtracted",
            "You subtract bytes (dtype uint8), which have no negative numbers. Let the mean be a float.",
            ("(X_train - mean)", "(X_train - mean.astype(X_train.dtype))"),
            ("(X_new - mean)", "(X_new - mean.astype(X_train.dtype))"),
        ),
        Bug(
            "images changed",
            "You change the images that you were given (`X_train -= …`). Whoever called your function still needs "
            "them: return new arrays.",
            (
                "    return (X_train - mean) / deviation, (X_new - mean) / deviation",
                "    X_train -= mean\n    X_train /= deviation\n    X_new -= mean\n    X_new /= deviation\n    return "
                "X_train, X_new",
            ),
        ),
        Bug(
            "scaled to between 0 and 1",
            "You scale each column to lie between 0 and 1. Here it is mean 0 and standard deviation 1.",
            (
                "mean, deviation = X_train.mean(axis=0), X_train.std(axis=0)",
                "mean, deviation = X_train.min(axis=0).astype(float), np.ptp(X_train, axis=0).astype(float)",
            ),
        ),
    ],
    correct=[
        Correct(
            "column by column",
            '''
import numpy as np
def standardise(X_train, X_new):
    """One number of the images after the other."""
    train, new = np.zeros(X_train.shape), np.zeros(X_new.shape)
    for j in range(X_train.shape[1]):
        column = X_train[:, j].astype(float)
        mean = sum(column) / len(column)
        deviation = (sum((column - mean) ** 2) / len(column)) ** 0.5
        train[:, j] = column - mean
        new[:, j] = X_new[:, j] - mean
        if deviation > 0:
            train[:, j] /= deviation
            new[:, j] /= deviation
    return train, new
''',
        ),
        Correct(
            "in float32",
            '''
import numpy as np
def standardise(X_train, X_new):
    """Seven digits are enough."""
    a, b = X_train.astype(np.float32), X_new.astype(np.float32)
    m, s = a.mean(0, keepdims=True), a.std(0, keepdims=True)
    s[s == 0] = 1
    return (a - m) / s, (b - m) / s
''',
        ),
        Correct(
            "torch, tensors as results",
            '''
import numpy as np
import torch
def standardise(X_train, X_new):
    """Torch divides by n - 1 unless told otherwise."""
    a, b = (torch.tensor(np.array(X, dtype=float)) for X in (X_train, X_new))
    s = a.std(dim=0, unbiased=False)
    s = torch.where(s == 0, torch.ones_like(s), s)
    return (a - a.mean(dim=0)) / s, (b - a.mean(dim=0)) / s
''',
        ),
        Correct(
            "scikit-learn, a list as result",
            '''
from sklearn.preprocessing import StandardScaler
def standardise(X_train, X_new):
    """Somebody else's."""
    scaler = StandardScaler().fit(X_train)
    return [scaler.transform(X_train), scaler.transform(X_new)]
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# best_settings


class Trials:
    """Gives each setting the error that stands in a table, and remembers what was tried."""

    def __init__(self, rates, strengths, table):
        self.errors = {
            (rate, strength): float(error)
            for rate, row in zip(rates, table, strict=True)
            for strength, error in zip(strengths, row, strict=True)
        }
        self.tried = []

    def error(self, rate, strength):
        """The validation error with this setting."""
        self.tried.append([float(rate), float(strength)])
        return self.errors.get((float(rate), float(strength)), 1000.0)


def settings_of(student, rates, strengths, table):
    """Let the best setting be found in a table of errors."""
    trials = Trials(rates, strengths, table)
    rate, strength, errors = student(trials.error, rates, strengths)
    return {
        "calls, sorted": sorted(trials.tried),
        "errors": np.asarray(errors, dtype=float),
        "rate": float(rate),
        "strength": float(strength),
    }


def settings_of_two_rates(student, rng):
    """two rates, one strength; the errors are 30 and 20"""
    return settings_of(student, [0.5, 0.25], [0.0], [[30.0], [20.0]])


def settings_of_two_strengths(student, rng):
    """one rate, three strengths; the errors are 30, 10 and 20"""
    return settings_of(student, [0.5], [0.0, 0.125, 2.0], [[30.0, 10.0, 20.0]])


def settings_not_square(student, rng):
    """three rates, two strengths; the lowest error is in the middle"""
    return settings_of(student, [1.0, 0.5, 0.25], [0.0, 4.0], [[60.0, 50.0], [40.0, 15.0], [20.0, 30.0]])


def settings_only_together(student, rng):
    """a rate and a strength that are good only together"""
    return settings_of(student, [1.0, 0.5, 0.25], [0.0, 4.0], [[20.0, 90.0], [30.0, 10.0], [40.0, 50.0]])


def settings_tie(student, rng):
    """errors 30 and 10 with the first rate, 10 and 10 with the second: of equally low ones the first wins"""
    return settings_of(student, [1.0, 0.5], [0.0, 4.0], [[30.0, 10.0], [10.0, 10.0]])


def settings_not_a_number(student, rng):
    """errors nan and nan with the first rate, 25 and 35 with the second: training that has exploded never wins"""
    return settings_of(student, [8.0, 0.5], [0.0, 4.0], [[float("nan"), float("nan")], [25.0, 35.0]])


def settings_large_errors(student, rng):
    """errors 400 and 300 with the first rate, 200 and 250 with the second"""
    return settings_of(student, [1.0, 0.5], [0.0, 4.0], [[400.0, 300.0], [200.0, 250.0]])


def settings_all_right(student, rng):
    """errors 5 and 1 with the first rate, 2 and 0 with the second"""
    return settings_of(student, [1.0, 0.5], [0.0, 4.0], [[5.0, 1.0], [2.0, 0.0]])


def settings_drawn(student, rng):
    """tables drawn at random, some with training that has exploded"""
    seen = {}
    for draw in range(5):
        shape = tuple(int(n) for n in rng.integers(1, 6, 2))
        table = rng.permutation(shape[0] * shape[1]).reshape(shape) + 1.0
        table[(rng.random(shape) < 0.2) & (table > 1)] = float("nan")
        rates, strengths = (np.sort(rng.permutation(20)[:count] / 8.0).tolist() for count in shape)
        found = settings_of(student, rates, strengths, table)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


BEST_SETTINGS = Exercise(
    "best_settings",
    points=3,
    cases=[
        Case(settings_of_two_rates),
        Case(settings_of_two_strengths),
        Case(settings_tie),
        Case(settings_all_right),
        Case(settings_large_errors),
        Case(settings_not_a_number),
        Case(settings_not_square),
        Case(settings_only_together),
        Case(settings_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "largest error chosen",
            "You choose the setting with the *largest* error.",
            ("np.nanargmin", "np.nanargmax"),
        ),
        Bug(
            "nan chosen",
            "You choose a training that has exploded: `np.argmin` takes the first nan for the smallest number. Leave "
            "out what isn't a number.",
            ("np.nanargmin", "np.argmin"),
        ),
        Bug(
            "nan noted as something else",
            "Your choice is right, but in the table you have replaced nan by another number. Let the table say "
            "honestly that this training exploded.",
            ("    row, column =", "    errors = np.where(np.isnan(errors), 100.0, errors)\n    row, column ="),
        ),
        Bug(
            "rate and strength swapped in the result",
            "You return the right two numbers in the wrong order: first the rate, then the strength.",
            ("return rates[row], strengths[column], errors", "return strengths[column], rates[row], errors"),
        ),
        Bug(
            "rate and strength swapped in the call",
            "You hand the strength over as rate, and the rate as strength: the order is `validation_error(rate, "
            "strength)`.",
            ("validation_error(rate, strength)", "validation_error(strength, rate)"),
        ),
        Bug(
            "only pairs tried",
            "You try the first rate with the first strength, the second with the second, and so on (`zip`). *Every* "
            "rate is to be tried with *every* strength.",
            source='''
import numpy as np
def best_settings(validation_error, rates, strengths):
    """Go along both lists at the same time."""
    pairs = list(zip(rates, strengths))
    errors = np.array([validation_error(rate, strength) for rate, strength in pairs])
    best = int(np.nanargmin(errors))
    return *pairs[best], errors
''',
        ),
        Bug(
            "one after the other",
            "You choose the rate first, with one strength, and the strength then. The best rate may be another one "
            "with another strength: try all combinations.",
            source='''
import numpy as np
def best_settings(validation_error, rates, strengths):
    """First the rate, then the strength."""
    errors = np.full((len(rates), len(strengths)), np.nan)
    errors[:, 0] = [validation_error(rate, strengths[0]) for rate in rates]
    row = int(np.nanargmin(errors[:, 0]))
    errors[row, 1:] = [validation_error(rates[row], strength) for strength in strengths[1:]]
    return rates[row], strengths[int(np.nanargmin(errors[row]))], errors
''',
        ),
        Bug(
            "trained twice",
            "You ask for some errors twice. Each question trains a classifier, which may take hours: ask once for "
            "each setting, and keep the answer.",
            (
                "    return rates[row], strengths[column], errors",
                "    validation_error(rates[row], strengths[column])\n    return rates[row], strengths[column], errors",
            ),
        ),
        Bug(
            "table turned round",
            "Your table lies on its side: it has a row for each *rate* and a column for each *strength*.",
            ("strengths[column], errors", "strengths[column], errors.T"),
        ),
        Bug(
            "table flattened",
            "You return the errors as one long list. A table is wanted: a row for each rate, a column for each "
            "strength.",
            ("strengths[column], errors", "strengths[column], errors.ravel()"),
        ),
        Bug(
            "lowest error returned for the table",
            "You return the lowest error. The third result is the table of *all* errors.",
            ("strengths[column], errors", "strengths[column], np.nanmin(errors)"),
        ),
        Bug(
            "positions instead of settings",
            "You return *where* the best setting stands in the lists. Return the rate and the strength themselves.",
            ("return rates[row], strengths[column]", "return row, column"),
        ),
        Bug(
            "later of equals chosen",
            "Of equally low errors you choose the last one. The first is asked for: only a *lower* error is an "
            "improvement.",
            ("np.unravel_index(np.nanargmin(errors), errors.shape)", "np.argwhere(errors == np.nanmin(errors))[-1]"),
        ),
        Bug(
            "columns before rows in a tie",
            "Of equally low errors you take the first one column by column. Go through the table row by row: the "
            "first rate with all strengths, then the second rate.",
            (
                "np.unravel_index(np.nanargmin(errors), errors.shape)",
                "np.unravel_index(np.nanargmin(errors.T), errors.T.shape)[::-1]",
            ),
        ),
        Bug(
            "best rate and best strength apart",
            "You take the rate with the lowest error on average, and the strength with the lowest error on average. "
            "What counts is the lowest *single* error: rate and strength belong together.",
            (
                "np.unravel_index(np.nanargmin(errors), errors.shape)",
                "(\n        np.argmin(np.nan_to_num(errors, nan=1e9).mean(axis=1)),\n        "
                "np.argmin(np.nan_to_num(errors, nan=1e9).mean(axis=0)),\n    )",
            ),
        ),
        Bug(
            "start not high enough",
            "Your search starts with some number as the lowest error so far (1 or 100, say), and errors can be "
            "larger. Start with infinity.",
            source='''
import numpy as np
def best_settings(validation_error, rates, strengths):
    """Look for an error below 100."""
    errors = np.zeros((len(rates), len(strengths)))
    best, rate_kept, strength_kept = 100.0, rates[0], strengths[0]
    for i, rate in enumerate(rates):
        for j, strength in enumerate(strengths):
            errors[i, j] = validation_error(rate, strength)
            if errors[i, j] < best:
                best, rate_kept, strength_kept = errors[i, j], rate, strength
    return rate_kept, strength_kept, errors
''',
        ),
    ],
    correct=[
        Correct(
            "two loops",
            '''
import numpy as np
def best_settings(validation_error, rates, strengths):
    """The lowest so far."""
    table, best = [], (float("inf"), None, None)
    for rate in rates:
        table.append([])
        for strength in strengths:
            error = validation_error(rate, strength)
            table[-1].append(error)
            if error < best[0]:
                best = (error, rate, strength)
    return best[1], best[2], np.array(table)
''',
        ),
        Correct(
            "a dictionary and a list of lists",
            '''
import itertools
import math
def best_settings(validation_error, rates, strengths):
    """min takes the first of equals."""
    errors = {pair: validation_error(*pair) for pair in itertools.product(rates, strengths)}
    rate, strength = min((p for p in errors if not math.isnan(errors[p])), key=errors.get)
    return rate, strength, [[errors[r, s] for s in strengths] for r in rates]
''',
        ),
        Correct(
            "columns first, a view as result",
            '''
import numpy as np
def best_settings(validation_error, rates, strengths):
    """Strength by strength, turned round at the end."""
    table = np.full((len(strengths), len(rates)), np.inf)
    for column, strength in enumerate(strengths):
        for row, rate in enumerate(rates):
            table[column, row] = validation_error(rate, strength)
    errors = table.T
    row, column = np.argwhere(errors == np.nanmin(errors))[0]
    return rates[row], strengths[column], errors
''',
        ),
        Correct(
            "infinity for nan, a tensor as result",
            '''
import torch
def best_settings(validation_error, rates, strengths):
    """Let torch find it."""
    errors = torch.tensor([[validation_error(r, s) for s in strengths] for r in rates], dtype=torch.float64)
    flat = torch.nan_to_num(errors.ravel(), nan=float("inf"))
    row, column = divmod(int(flat.argmin()), len(strengths))
    return rates[row], strengths[column], errors
''',
        ),
    ],
)
