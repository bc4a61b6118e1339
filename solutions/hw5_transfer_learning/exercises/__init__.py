"""Assignment 5: what proves an answer to each exercise right, and which mistakes it recognises."""

from autograder.exercise import Limits

from . import features

EXERCISES = [
    features.PREPARE_IMAGES,
    features.EXTRACT_FEATURES,
    features.STANDARDISE,
    features.FIT_PROBE,
    features.HONEST_ACCURACY,
]

# Photographs go through a pretrained network in these notebooks, on a processor where there is no GPU.
LIMITS = Limits(cell_seconds=120, notebook_seconds=400)
