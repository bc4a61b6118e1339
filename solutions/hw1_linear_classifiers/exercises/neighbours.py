"""Nearest neighbours: distances without loops, and the vote."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise
from visionlab.checks.draws import distinct, quarters, read_only_view, whole

# ---------------------------------------------------------------------------------------------------------------------
# pairwise_distances


def distances_tiny(student, rng):
    """one new image of two pixels, two known ones"""
    return {"distances": student(np.array([[1.0, 2.0]]), np.array([[4.0, 6.0], [1.0, 0.0]]))}


def distances_shape(student, rng):
    """two new images, three known ones, two pixels each"""
    return {"distances": student(whole(rng, 2, 2), whole(rng, 3, 2) + 4)}


def distances_one_known(student, rng):
    """three new images, a single known one"""
    return {"distances": student(whole(rng, 3, 4), whole(rng, 1, 4))}


def distances_as_many(student, rng):
    """three new images, as many known ones, three pixels each"""
    return {"distances": student(whole(rng, 3, 3), whole(rng, 3, 3) + 3)}


def distances_halves(student, rng):
    """images of quarters (dtype float32)"""
    X_test, X_train = quarters(rng, 2, 5).astype(np.float32), quarters(rng, 4, 5).astype(np.float32)
    return {"distances": student(X_test, X_train)}


def distances_bytes(student, rng):
    """pixels as they come from a file, whole numbers from 0 to 255 (dtype uint8)"""
    X_test = np.array([[10, 250, 3]], dtype=np.uint8)
    X_train = np.array([[250, 10, 3], [10, 254, 0]], dtype=np.uint8)
    return {"distances": student(X_test, X_train)}


def distances_view(student, rng):
    """arrays that are read-only and not contiguous"""
    return {"distances": student(read_only_view(whole(rng, 3, 4)), read_only_view(whole(rng, 5, 4)))}


def distances_to_itself(student, rng):
    """new images that are among the known ones: their distance is 0, up to rounding"""
    X = rng.random((60, 8))
    distances = student(X, X)
    return {
        "every distance is a number": bool(np.isfinite(distances).all()),
        "every image is at distance 0 from itself": bool(np.abs(np.diagonal(distances)).max() < 1e-3),
    }


def distances_drawn(student, rng):
    """shapes drawn at random"""
    seen = {}
    for draw in range(4):
        tests, known, pixels = (int(n) for n in rng.permutation(6)[:3] + 2)
        X_test, X_train = whole(rng, tests, pixels, low=-9, high=9), whole(rng, known, pixels, low=-9, high=9)
        seen[f"distances {draw + 1}"] = student(X_test, X_train)
    return seen


def distances_of_digits(student, rng):
    """a dozen images of 784 bytes against twenty"""
    X_test, X_train = (rng.integers(0, 256, (count, 784)).astype(np.uint8) for count in (12, 20))
    return {"distances": student(X_test, X_train)}


PAIRWISE_DISTANCES = Exercise(
    "pairwise_distances",
    points=4,
    cases=[
        Case(distances_tiny),
        Case(distances_shape),
        Case(distances_one_known),
        Case(distances_as_many),
        Case(distances_halves),
        Case(distances_bytes),
        Case(distances_view),
        Case(distances_to_itself),
        Case(distances_drawn, hidden=True, weight=2),
        Case(distances_of_digits, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "no square root",
            "You return the squared distances. The neighbours come in the same order, but the distance is the *root* "
            "of the sum of squares.",
            ("np.sqrt(np.maximum(squares, 0))", "np.maximum(squares, 0)"),
        ),
        Bug(
            "sum of absolute differences",
            "You add up the absolute differences: that is the L1 distance. Here the L2 distance is wanted: square, "
            "add up, take the root.",
            source='''
import numpy as np
def pairwise_distances(X_test, X_train):
    """Add up the absolute differences."""
    return np.abs(X_test.astype(float)[:, None] - X_train.astype(float)).sum(axis=2)
''',
        ),
        Bug(
            "mean instead of sum",
            "You take the mean over the pixels. The L2 distance is the root of the *sum* of the squared differences.",
            ("np.maximum(squares, 0)", "np.maximum(squares, 0) / X_test.shape[1]"),
        ),
        Bug(
            "test and training images swapped",
            "Your table lies on its side: row i, column j belongs to *test* image i and *training* image j, and yours "
            "has a row for each training image.",
            ("np.sqrt(np.maximum(squares, 0))", "np.sqrt(np.maximum(squares, 0)).T"),
        ),
        Bug(
            "image compared with its own row only",
            "You compare test image i with training image i alone. Every test image needs its distance to *every* "
            "training image: the result has as many rows as there are test images, and a column for each training "
            "image.",
            source='''
import numpy as np
def pairwise_distances(X_test, X_train):
    """Subtract row from row."""
    return np.sqrt(((X_test.astype(float) - X_train.astype(float)) ** 2).sum(axis=1))
''',
        ),
        Bug(
            "bytes overflow",
            "You compute with bytes (dtype uint8). They end at 255 and then begin again at 0: 10 − 250 becomes 16, "
            "and 16·16 becomes 0. Turn both arrays into floats first.",
            source='''
import numpy as np
def pairwise_distances(X_test, X_train):
    """Subtract all pairs, in whatever type they have."""
    return np.sqrt(((X_test[:, None] - X_train) ** 2).sum(axis=2))
''',
        ),
        Bug(
            "bytes overflow in the squares",
            "You compute with bytes (dtype uint8). They end at 255 and then begin again at 0, so squares and dot "
            "products of pixels come out wrong. Turn both arrays into floats first.",
            ("X_test.astype(float), X_train.astype(float)", "X_test, X_train"),
        ),
        Bug(
            "root of a negative number",
            "Where two images are equal, your three terms cancel, and rounding may leave something like −1e-15 "
            "instead of 0. Its root is not a number (nan). Cut the squared distances off at 0 before you take the "
            "root.",
            ("np.maximum(squares, 0)", "squares"),
        ),
        Bug(
            "plus instead of minus in the middle",
            "The middle term has the wrong sign: (a − b)² is a² *minus* 2ab plus b².",
            ("- 2 * (tests", "+ 2 * (tests"),
        ),
        Bug(
            "middle term once",
            "You subtract the dot products once. (a − b)² is a² − 2ab + b²: the middle term counts twice.",
            ("- 2 * (tests", "- (tests"),
        ),
        Bug(
            "squares of the training images missing",
            "The term of the training images alone is missing. It is not the same for all of them, so it can't be "
            "left out: a² − 2ab + *b²*.",
            (" + (known**2).sum(axis=1)[None, :]", ""),
        ),
        Bug(
            "squares of the test images missing",
            "The term of the test images alone is missing. Within a row it is the same for all, so the order of the "
            "neighbours is right; but the distances aren't: *a²* − 2ab + b².",
            ("(tests**2).sum(axis=1)[:, None] + ", ""),
        ),
        Bug(
            "one number for all squares",
            "You add up the squares of *all* images in one number (`sum` without an axis). Each image has its own sum "
            "of squares: add up along its pixels only.",
            ("(tests**2).sum(axis=1)[:, None]", "(tests**2).sum()"),
            ("(known**2).sum(axis=1)[None, :]", "(known**2).sum()"),
        ),
        Bug(
            "squares of the test images in the wrong direction",
            "You add the squares of the test images along the rows, so column j gets those of test image j. They "
            "belong to the rows of the table: make a column of them (shape (N_test, 1)).",
            ("(tests**2).sum(axis=1)[:, None]", "(tests**2).sum(axis=1)"),
        ),
        Bug(
            "added up over the images",
            "You add up the squared differences over the images (the wrong axis). A distance belongs to a *pair* of "
            "images: add up over their pixels.",
            source='''
import numpy as np
def pairwise_distances(X_test, X_train):
    """Subtract all pairs, add up along the training images."""
    return np.sqrt(((X_test.astype(float)[:, None] - X_train.astype(float)) ** 2).sum(axis=1))
''',
        ),
        Bug(
            "squares not of the differences",
            "You square first and subtract then: the root of |Σa² − Σb²|. That compares how bright two images are, "
            "not where they differ. Subtract pixel from pixel *before* you square.",
            (" - 2 * (tests @ known.T)", ""),
            ("[:, None] + (known", "[:, None] - (known"),
            ("np.maximum(squares, 0)", "np.abs(squares)"),
        ),
        Bug(
            "lengths instead of squared lengths",
            "In the first and last term you use the lengths of the images (`norm`). Their *squares* are wanted there.",
            ("(tests**2).sum(axis=1)[:, None]", "np.linalg.norm(tests, axis=1)[:, None]"),
            ("(known**2).sum(axis=1)[None, :]", "np.linalg.norm(known, axis=1)[None, :]"),
        ),
        Bug(
            "distances cut to whole numbers",
            "You store the distances in an array of whole numbers, and numpy silently cuts off everything behind the "
            "point. Let them be floats.",
            ("np.sqrt(np.maximum(squares, 0))", "np.sqrt(np.maximum(squares, 0)).astype(int)"),
        ),
    ],
    correct=[
        Correct(
            "two loops",
            '''
import numpy as np
def pairwise_distances(X_test, X_train):
    """One pair after the other."""
    distances = np.zeros((len(X_test), len(X_train)))
    for i in range(len(X_test)):
        for j in range(len(X_train)):
            distances[i, j] = np.sqrt(np.sum((X_test[i].astype(float) - X_train[j].astype(float)) ** 2))
    return distances
''',
        ),
        Correct(
            "one loop, in float32",
            '''
import numpy as np
def pairwise_distances(X_test, X_train):
    """One test image after the other."""
    known = X_train.astype(np.float32)
    return np.array([np.linalg.norm(known - image.astype(np.float32), axis=1) for image in X_test])
''',
        ),
        Correct(
            "all pairs at once",
            '''
import numpy as np
def pairwise_distances(X_test, X_train):
    """Much memory, few words."""
    difference = X_test[:, np.newaxis, :].astype(float) - X_train[np.newaxis, :, :]
    return np.sqrt((difference * difference).sum(-1))
''',
        ),
        Correct(
            "torch, a tensor as result",
            '''
import numpy as np
import torch
def pairwise_distances(X_test, X_train):
    """Let torch do it."""
    a, b = (torch.tensor(np.array(rows, dtype=np.float64)) for rows in (X_test, X_train))
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
''',
        ),
        Correct(
            "dot products, a view as result",
            '''
import numpy as np
def pairwise_distances(X_test, X_train):
    """Training images first, turned round at the end."""
    a, b = np.array(X_train, dtype=float), np.array(X_test, dtype=float)
    squares = np.einsum("ij,ij->i", a, a)[:, None] - 2 * np.dot(a, b.T) + np.einsum("ij,ij->i", b, b)
    squares[squares < 0] = 0
    return (squares**0.5).T
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# predict_labels


def labels_nearest(student, rng):
    """one new image, three known ones, k = 1"""
    return {"labels": student(np.array([[3.0, 1.0, 2.0]]), np.array([5, 8, 4]), 1)}


def labels_three_vote(student, rng):
    """one new image, five known ones, k = 3"""
    return {"labels": student(np.array([[4.0, 1.0, 3.0, 9.0, 2.0]]), np.array([7, 2, 7, 7, 7]), 3)}


def labels_vote_against_nearest(student, rng):
    """the nearest image is outvoted by the second and the third"""
    return {"labels": student(np.array([[6.0, 3.0, 1.0, 2.0]]), np.array([0, 4, 9, 4]), 3)}


def labels_tie(student, rng):
    """a tie of two classes: the smaller label wins, although the other is nearer"""
    return {"labels": student(np.array([[1.0, 4.0, 3.0, 2.0, 9.0]]), np.array([8, 3, 3, 8, 5]), 4)}


def labels_tie_of_all(student, rng):
    """three neighbours of three classes"""
    return {"labels": student(np.array([[2.0, 1.0, 3.0, 4.0]]), np.array([6, 9, 1, 0]), 3)}


def labels_everybody_votes(student, rng):
    """all known images vote (k = 4)"""
    return {"labels": student(np.array([[2.0, 1.0, 3.0, 4.0]]), np.array([1, 6, 6, 0]), 4)}


def labels_several(student, rng):
    """three new images, five known ones, k = 3"""
    return {"labels": student(distinct(rng, 3, 5) + 8, np.array([2, 0, 2, 1, 0]), 3)}


def labels_as_many(student, rng):
    """four new images, as many known ones, k = 1"""
    return {"labels": student(distinct(rng, 4, 4) + 9, np.array([3, 1, 0, 7]), 1)}


def labels_view(student, rng):
    """distances in an array that is read-only and not contiguous, labels as bytes (dtype uint8)"""
    return {"labels": student(read_only_view(distinct(rng, 2, 6) + 7), np.array([9, 4, 4, 0, 9, 9], np.uint8), 5)}


def labels_drawn(student, rng):
    """distances, labels and k drawn at random"""
    seen = {}
    for draw in range(5):
        tests, known = int(rng.integers(1, 6)), int(rng.integers(6, 20))
        labels, k = rng.integers(0, 5, known), int(rng.integers(1, known + 1))
        seen[f"labels {draw + 1}"] = student(distinct(rng, tests, known) + tests * known, labels, k)
    return seen


def labels_ties_drawn(student, rng):
    """ties drawn at random"""
    seen = {}
    for draw in range(4):
        labels = np.repeat(rng.permutation(10)[:3], 2)[rng.permutation(6)]
        seen[f"labels {draw + 1}"] = student(distinct(rng, 3, 6) + 20, labels, 6)
    return seen


PREDICT_LABELS = Exercise(
    "predict_labels",
    points=2,
    cases=[
        Case(labels_nearest),
        Case(labels_three_vote),
        Case(labels_vote_against_nearest),
        Case(labels_tie),
        Case(labels_tie_of_all),
        Case(labels_everybody_votes),
        Case(labels_several),
        Case(labels_as_many),
        Case(labels_view),
        Case(labels_drawn, hidden=True, weight=2),
        Case(labels_ties_drawn, hidden=True),
    ],
    bugs=[
        Bug(
            "farthest instead of nearest",
            "You let the k *farthest* images vote. `np.argsort` sorts from small to large: the nearest come first.",
            ("[:, :k]", "[:, -k:]"),
        ),
        Bug(
            "k ignored",
            "You always take the label of the single nearest image. The k nearest vote.",
            ("[:, :k]", "[:, :1]"),
        ),
        Bug(
            "one neighbour too few",
            "One neighbour too few votes. A slice `[:n]` already stops before n.",
            ("[:, :k]", "[:, : max(1, k - 1)]"),
        ),
        Bug(
            "one neighbour too many",
            "One neighbour too many votes. A slice `[:n]` takes n elements.",
            ("[:, :k]", "[:, : k + 1]"),
        ),
        Bug(
            "nearest image skipped",
            "You leave out the nearest image. That would be right if the image itself were among the known ones; here "
            "the new images aren't.",
            ("[:, :k]", "[:, 1 : k + 1]"),
            ("np.bincount(row)", "np.bincount(row, minlength=1)"),
        ),
        Bug(
            "positions instead of labels",
            "You return *where* the nearest images stand among the known ones. Look up their labels in `y_train`.",
            ("y_train[nearest]", "nearest"),
        ),
        Bug(
            "sorted along the wrong axis",
            "You sort the columns of the table. The distances of *one* new image stand in a row, so sort along axis 1.",
            ("axis=1", "axis=0"),
        ),
        Bug(
            "distances sorted, not their positions",
            "You sort the distances and use them as if they were positions. What you need is the *order* that would "
            "sort them (`np.argsort`).",
            ('np.argsort(distances, axis=1, kind="stable")', "(np.sort(distances, axis=1).astype(int) % len(y_train))"),
        ),
        Bug(
            "mean of the labels",
            "You take the mean of the labels. A 2 and an 8 don't make a 5: labels are names, and names can only be "
            "counted.",
            ("np.bincount(row).argmax()", "int(row.mean())"),
        ),
        Bug(
            "median of the labels",
            "You take the middle one of the sorted labels. Labels are names, and names can only be counted: which "
            "label comes most often?",
            ("np.bincount(row).argmax()", "int(np.median(row))"),
        ),
        Bug(
            "number of votes instead of label",
            "You return how many votes the winner has. Return *which* label has most votes.",
            (".argmax()", ".max()"),
        ),
        Bug(
            "tie goes to the largest label",
            "In a tie you take the largest of the labels. The exercise asks for the smallest.",
            ("np.bincount(row).argmax()", "row.max() - np.bincount(row)[::-1].argmax()"),
        ),
        Bug(
            "tie goes to the nearest",
            "In a tie you take the class of the nearest image. That is sensible, but not what is asked here: the "
            "smallest label wins.",
            ("np.bincount(row).argmax()", "row[np.bincount(row)[row].argmax()]"),
        ),
        Bug(
            "smallest label of the neighbours",
            "You take the smallest label among the neighbours. The smallest wins only in a tie: count the votes first.",
            ("np.bincount(row).argmax()", "row.min()"),
        ),
        Bug(
            "distances of all images mixed",
            "You sort the distances of all new images together (`np.argsort` with `axis=None`, or of the flattened "
            "array). Every new image has neighbours of its own: sort row by row.",
            (
                'np.argsort(distances, axis=1, kind="stable")[:, :k]',
                "np.tile(np.argsort(distances, axis=None)[:k] % len(y_train), (len(distances), 1))",
            ),
        ),
        Bug(
            "all new images get the first one's label",
            "All new images get the label of the first. Every row of `distances` has its own neighbours.",
            ("for row in votes", "for row in votes[:1].repeat(len(votes), axis=0)"),
        ),
        Bug(
            "distances sorted in place",
            "You sort the distances themselves (`distances.sort()`), and whoever called your function finds them "
            "jumbled. Ask for the order with `np.argsort` and leave the array alone.",
            ("    votes =", "    distances.sort(axis=1)\n    votes ="),
        ),
        Bug(
            "argpartition at the end of the row",
            "`np.argpartition(row, k)` needs an element number k, and with k = number of known images there is none. "
            "Partition at k − 1, or simply sort.",
            ('np.argsort(distances, axis=1, kind="stable")', "np.argpartition(distances, k, axis=1)"),
        ),
    ],
    correct=[
        Correct(
            "counting by hand",
            '''
def predict_labels(distances, y_train, k=1):
    """Count in a dictionary."""
    import numpy as np
    answers = []
    for row in distances:
        near = sorted(range(len(row)), key=lambda j: row[j])[:k]
        votes = {}
        for j in near:
            label = int(y_train[j])
            votes[label] = votes.get(label, 0) + 1
        most = max(votes.values())
        answers.append(min(label for label in votes if votes[label] == most))
    return np.array(answers)
''',
        ),
        Correct(
            "np.unique",
            '''
import numpy as np
def predict_labels(distances, y_train, k=1):
    """np.unique sorts the labels, so argmax takes the smallest of equals."""
    out = np.zeros(distances.shape[0], dtype=y_train.dtype)
    for i in range(distances.shape[0]):
        labels, counts = np.unique(y_train[distances[i].argpartition(k - 1)[:k]], return_counts=True)
        out[i] = labels[counts.argmax()]
    return out
''',
        ),
        Correct(
            "one-hot votes",
            '''
import numpy as np
def predict_labels(distances, y_train, k=1):
    """Votes of all images in one table."""
    near = y_train[distances.argsort(axis=1)[:, :k]]
    return (near[:, :, None] == np.arange(near.max() + 1)).sum(axis=1).argmax(axis=1)
''',
        ),
        Correct(
            "torch's mode, as floats",
            '''
import numpy as np
import torch
def predict_labels(distances, y_train, k=1):
    """Torch's mode also takes the smallest of equals."""
    order = torch.tensor(np.array(distances)).argsort(dim=1)[:, :k]
    return torch.tensor(y_train.astype(np.int64))[order].mode(dim=1).values.float()
''',
        ),
    ],
)
