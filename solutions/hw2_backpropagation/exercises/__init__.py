"""Assignment 2: what proves an answer to each exercise right, and which mistakes it recognises."""

from autograder.exercise import Limits

from . import activations, affine, autograd, batchnorm, by_hand, checking, dropout, loss, training, updates

EXERCISES = [
    by_hand.GRADIENTS_BY_HAND,
    by_hand.TOPOLOGICAL_ORDER,
    autograd.VALUE,
    affine.AFFINE_FORWARD,
    affine.AFFINE_BACKWARD,
    activations.RELU_FORWARD,
    activations.RELU_BACKWARD,
    activations.SIGMOID_FORWARD,
    activations.SIGMOID_BACKWARD,
    loss.SOFTMAX_LOSS,
    checking.NUMERICAL_BACKWARD,
    checking.BACKWARD_THROUGH,
    batchnorm.BATCHNORM_FORWARD,
    batchnorm.BATCHNORM_BACKWARD,
    dropout.DROPOUT_FORWARD,
    dropout.DROPOUT_BACKWARD,
    updates.MOMENTUM_UPDATE,
    updates.RMSPROP_UPDATE,
    updates.ADAM_UPDATE,
    training.TWO_LAYER_LOSS,
    training.EARLY_STOPPING,
    training.TRAIN_NETWORK,
]

# Answers that go number by number, or that leave all to torch, train for longer.
LIMITS = Limits(cell_seconds=30, notebook_seconds=240)
