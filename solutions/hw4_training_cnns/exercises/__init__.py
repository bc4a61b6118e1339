"""Assignment 4: what proves an answer to each exercise right, and which mistakes it recognises."""

from autograder.exercise import Limits

from . import modules

EXERCISES = [
    modules.HE_INIT,
    modules.BATCH_NORM,
    modules.DROPOUT,
    modules.RANDOM_FLIP,
    modules.RANDOM_CROP,
]

# Networks are trained in these notebooks, on a processor where there is no GPU.
LIMITS = Limits(cell_seconds=60, notebook_seconds=300)
