"""Assignment 5: what proves an answer to each exercise right, and which mistakes it recognises."""

from autograder.exercise import Limits

from . import experiments, features, fine_tuning, own_classifier

EXERCISES = [
    features.PREPARE_IMAGES,
    features.EXTRACT_FEATURES,
    features.STANDARDISE,
    features.FIT_PROBE,
    features.HONEST_ACCURACY,
    fine_tuning.REPLACE_HEAD,
    fine_tuning.FROZEN,
    fine_tuning.LAYERWISE,
    fine_tuning.SET_TRAINED,
    fine_tuning.FINE_TUNE,
    experiments.NESTED_SUBSETS,
    experiments.ACCURACY_CURVE,
    experiments.CHOOSE_STRATEGIES,
    own_classifier.OWN_CLASSIFIER,
]

# Photographs go through a pretrained network in these notebooks, on a processor where there is no GPU.
LIMITS = Limits(cell_seconds=120, notebook_seconds=400)
RERUN_LIMITS = Limits(cell_seconds=1800, notebook_seconds=3600, cpu_seconds=7200, memory_bytes=16_000_000_000, gpu=True)
