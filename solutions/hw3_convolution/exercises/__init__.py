"""Assignment 3: what proves an answer to each exercise right, and which mistakes it recognises.

All arrays are drawn from small whole numbers and quarters: they print short, and every sum of products is exact even
in float32, so a right answer in any style and any precision agrees to the last digit.
"""

from autograder.exercise import Limits

from . import backward, convolution, lenet, own_network

EXERCISES = [*convolution.EXERCISES, *backward.EXERCISES, *lenet.EXERCISES, *own_network.EXERCISES]
LIMITS = Limits(cell_seconds=60, notebook_seconds=240)  # part 3 trains LeNet with the student's own layers
