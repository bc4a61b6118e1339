"""`make bench`: the fast convolution of assignment 3's solution beside PyTorch's, forwards and backwards, in one run.

Both compute the same layers on the same number of threads, by turns; the ratio is what counts: milliseconds belong to
one machine. A turn is a tenth of a second of calls, after some more that do not count, as the threads of one library go
on spinning for a while after its last call; of each the fastest turn is taken, as other programs only make it slower.
"""

import argparse
import ctypes
import time
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.nn.functional import conv2d

from autograder.course import Course

ASSIGNMENT = "hw3_convolution"
LAYERS = [  # shape of x, shape of w, stride, padding
    ((100, 3, 31, 31), (25, 3, 3, 3), 2, 1),
    ((32, 16, 32, 32), (32, 16, 3, 3), 1, 1),
]


def contestants(layer):
    """Make a layer's numbers; return what each of the two does with them, as functions without arguments.

    Raises
    ------
    AssertionError
        If the two do not agree.
    """
    x_shape, w_shape, stride, pad = layer
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in (x_shape, w_shape, w_shape[:1])]
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    dout = torch.randn_like(conv2d(*tensors, stride=stride, padding=pad))
    references = Course(Path(__file__).resolve().parent.parent).assignment(ASSIGNMENT).references
    forward, backward = references["fast_conv_forward"], references["fast_conv_backward"]

    def ours():
        return forward(*arrays, stride, pad), *backward(dout.numpy(), *arrays[:2], stride, pad)

    def pytorch():
        out = conv2d(*tensors, stride=stride, padding=pad)
        return out.detach(), *torch.autograd.grad(out, tensors, dout)

    for own, theirs in zip(ours(), pytorch(), strict=True):
        assert own.dtype == np.float32
        np.testing.assert_allclose(own, theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs.numpy()).max())
    return {"ours": ours, "PyTorch": pytorch}


def keep_freed_memory():
    """Have glibc keep freed memory: whether calls get fresh pages from the kernel, at twice the time, would be luck."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        trim_threshold, mmap_threshold = -1, -3  # as malloc.h numbers them
        mallopt(trim_threshold, 2**30)
        mallopt(mmap_threshold, 2**25)


def fastest_turns(functions, turns, seconds=0.1):
    """Call the functions by turns; return the mean seconds of a call in the fastest turn of each."""
    best = dict.fromkeys(functions, float("inf"))
    for name in [*functions] * turns:
        call_for(seconds / 2, functions[name])
        best[name] = min(best[name], call_for(seconds, functions[name]))
    return best


def call_for(seconds, function):
    """Call a function for so long; return the mean seconds of a call."""
    start, calls = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        function()
        calls += 1
    return (time.perf_counter() - start) / calls


def main():
    """Measure the layers and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=10)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    with threadpool_limits(options.threads):
        for layer in LAYERS:
            best = fastest_turns(contestants(layer), options.turns)
            x_shape, w_shape, stride, pad = layer
            print(f"x {x_shape}, w {w_shape}, stride {stride}, pad {pad}, {options.threads} threads, there and back:")
            print(f"  ours {1000 * best['ours']:.1f} ms, PyTorch {1000 * best['PyTorch']:.1f} ms", end="; ")
            print(f"ours takes {best['ours'] / best['PyTorch']:.2f} times as long")


if __name__ == "__main__":
    main()
