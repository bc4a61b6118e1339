"""Assignment 6: what proves an answer to each exercise right, and which mistakes it recognises."""

from autograder.exercise import Limits

from . import evidence, fooling, units

EXERCISES = [
    units.RECEPTIVE_FIELD,
    units.FIELD_BOX,
    units.FIELD_BY_GRADIENT,
    units.FEATURE_MAPS,
    units.TOP_PLACES,
    evidence.OCCLUSION_MAP,
    evidence.SALIENCY,
    evidence.MAXIMISE_CLASS,
    fooling.FOOL_LINEAR,
    fooling.FGSM,
    fooling.ATTACK_SUCCESS,
    fooling.PGD,
    fooling.SHAPE_BIAS,
]

# A pretrained network looks at hundreds of images in these notebooks.
LIMITS = Limits(cell_seconds=60, notebook_seconds=240)
