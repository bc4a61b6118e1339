"""Assignment 4: what proves an answer to each exercise right, and which mistakes it recognises."""

from autograder.exercise import Limits

from . import architectures, modules, own_network, training

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
    own_network.OWN_NETWORK,
]

# Small networks are trained in these notebooks; that of one's own is not, when it is graded.
LIMITS = Limits(cell_seconds=120, notebook_seconds=400)
RERUN_LIMITS = Limits(cell_seconds=1800, notebook_seconds=3600, cpu_seconds=7200, memory_bytes=16_000_000_000, gpu=True)
