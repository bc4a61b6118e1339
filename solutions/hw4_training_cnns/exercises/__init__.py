"""Assignment 4: what proves an answer to each exercise right, and which mistakes it recognises."""

from autograder.exercise import Limits

from . import architectures, modules, training

EXERCISES = [
    modules.HE_INIT,
    modules.BATCH_NORM,
    modules.DROPOUT,
    modules.RANDOM_FLIP,
    modules.RANDOM_CROP,
    training.SHUFFLED_BATCHES,
    training.TRAIN_EPOCH,
    training.EVALUATE,
    training.CAN_OVERFIT,
    training.LR_RANGE_TEST,
    training.KEEP_BEST,
    training.DIAGNOSE,
    architectures.MAKE_LENET,
    architectures.MAKE_VGG,
    architectures.RESIDUAL_BLOCK,
    architectures.MAKE_RESNET,
]

# Networks are trained in these notebooks, on a processor where there is no GPU.
LIMITS = Limits(cell_seconds=120, notebook_seconds=400)
