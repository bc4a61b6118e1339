"""What proves an answer to each exercise right, and which mistakes it recognises.

`autograder new-assignment` made this with one example exercise, to be changed into your own.
"""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Limits

# A case asks the student's function something, and returns what it saw, by name. The first line of its docstring is
# what the student reads. Small cases come first: the first one that fails is the one that is shown.


def tiny(brighten, rng):
    """two pixels, and nothing to cut off"""
    return {"result": brighten(np.array([[10, 200]], dtype=np.uint8), 40)}


def too_bright(brighten, rng):
    """a pixel that would be brighter than white"""
    return {"result": brighten(np.array([[10, 250]], dtype=np.uint8), 40)}


def too_dark(brighten, rng):
    """a pixel that would be darker than black"""
    return {"result": brighten(np.array([[10, 250]], dtype=np.uint8), -40)}


def drawn(brighten, rng):
    """an image drawn at random"""
    height, width = rng.permutation(4)[:2] + 2  # never square
    image = rng.integers(0, 256, (height, width)).astype(np.uint8)
    return {f"amount {amount}": brighten(image, amount) for amount in (60, -60)}


EXERCISES = [
    Exercise(
        "brighten",
        points=2,  # as in the notebook's graded cell
        cases=[
            Case(tiny),
            Case(too_bright),
            Case(too_dark),
            Case(drawn, hidden=True, weight=2),  # never released; all cases are drawn afresh at each grading
        ],
        # Each bug is a change of the solution's text, or with source="…" a whole answer.
        bugs=[
            Bug(
                "bytes overflow",
                "You add in bytes: there 250 + 40 is 34. Turn the image into whole numbers first: `image.astype(int)`.",
                source="def brighten(image, amount):\n    return image + amount",
            ),
            Bug(
                "no upper limit",
                "Nothing can be brighter than white: what is above 255 becomes 255.",
                ("np.clip(image.astype(int) + amount, 0, 255)", "np.maximum(image.astype(int) + amount, 0)"),
            ),
            Bug(
                "no lower limit",
                "Nothing can be darker than black: what is below 0 becomes 0.",
                ("np.clip(image.astype(int) + amount, 0, 255)", "np.minimum(image.astype(int) + amount, 255)"),
            ),
            Bug(
                "input changed",
                "You write into the image that you were given. Make a new one: whoever called you still needs the old.",
                ("    return ", "    image[...] = "),
                ("astype(np.uint8)", "astype(np.uint8)\n    return image"),
            ),
        ],
        # Right answers in another style must pass too.
        correct=[
            Correct(
                "a loop",
                """
def brighten(image, amount):
    return np.array([[min(max(int(pixel) + amount, 0), 255) for pixel in row] for row in image], dtype=np.uint8)
""",
            ),
        ],
    ),
]

# What one submission may use while it is graded.
LIMITS = Limits(cell_seconds=20, notebook_seconds=60)
