"""Assignment 1: what proves an answer to each exercise right, and which mistakes it recognises."""

from autograder.exercise import Limits

from . import choices, descent, gradients, losses, neighbours, objective, slides

EXERCISES = [
    neighbours.PAIRWISE_DISTANCES,
    neighbours.PREDICT_LABELS,
    gradients.NUMERICAL_GRADIENT,
    gradients.RELATIVE_ERROR,
    losses.HINGE_LOSS_LOOPS,
    losses.HINGE_LOSS,
    losses.SOFTMAX_LOSS_ONE,
    losses.SOFTMAX_LOSS,
    slides.LINEAR_HINGE,
    slides.LOGISTIC_LOSS,
    objective.L2_PENALTY,
    objective.L1_PENALTY,
    objective.SOFTMAX_OBJECTIVE,
    descent.SGD_STEP,
    descent.MINIBATCHES,
    descent.TRAIN_LINEAR,
    descent.RANDOM_SEARCH,
    choices.STANDARDISE,
    choices.BEST_SETTINGS,
]

# Trainings with loops left in them are right too, and take their time.
LIMITS = Limits(cell_seconds=60, notebook_seconds=240)
