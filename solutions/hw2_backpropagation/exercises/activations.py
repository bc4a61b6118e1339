"""ReLU and sigmoid, forward and backward."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, replaced
from visionlab.checks.draws import quarters, read_only_view, several, whole

FLOAT32 = Tolerance(1e-5, 1e-6)

# ---------------------------------------------------------------------------------------------------------------------
# relu_forward


def forward(student, x):
    """Output and cache by name."""
    out, cache = several(student(x))
    return {"out": out, "cache": cache}


def relu_tiny(student, rng):
    """four numbers in a row: −2, 3, 0, 0.5"""
    return forward(student, np.array([[-2.0, 3.0, 0.0, 0.5]]))


def relu_rows(student, rng):
    """three rows of four numbers"""
    return forward(student, whole(rng, 3, 4))


def relu_images(student, rng):
    """two maps of 2×3 numbers with two channels"""
    return forward(student, quarters(rng, 2, 2, 2, 3))


def relu_large(student, rng):
    """large and tiny numbers"""
    return forward(student, np.array([[-1e6, 2e5, 1.0, -0.001, 0.001]]))


def relu_view(student, rng):
    """whole numbers (dtype int64), in an array that is read-only and not contiguous"""
    return forward(student, read_only_view(rng.integers(-9, 10, (3, 5))))


def relu_drawn(student, rng):
    """shapes drawn at random"""
    seen = {}
    for draw in range(4):
        x = quarters(rng, *(int(n) for n in rng.integers(1, 5, draw + 1)))
        seen |= {f"{name} {draw + 1}": value for name, value in forward(student, x.astype(np.float32)).items()}
    return seen


RELU_FORWARD = Exercise(
    "relu_forward",
    points=1,
    cases=[
        Case(relu_tiny),
        Case(relu_rows),
        Case(relu_images),
        Case(relu_large),
        Case(relu_view),
        Case(relu_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "written into x",
            "You set the negative numbers to 0 in `x` itself, so whoever called you has lost them, and so has "
            "the cache. Make a new array.",
            source="""
import numpy as np
def relu_forward(x):
    x[x < 0] = 0
    return x, x
""",
        ),
        Bug(
            "output kept instead of input",
            "Your output is right, but you keep the *output*. Asked for is the input `x` as it came.",
            ("return np.maximum(x, 0), x", "out = np.maximum(x, 0)\n    return out, out"),
        ),
        Bug(
            "cache overwritten by the output",
            "Your copy of `x` is cached *and* written into: output and cache are one array. Keep `x`, and "
            "write into another one.",
            ("return np.maximum(x, 0), x", "x = x.copy()\n    return np.maximum(x, 0, out=x), x"),
        ),
        Bug(
            "absolute value",
            "You turn negative numbers into positive ones. ReLU makes 0 of them.",
            ("np.maximum(x, 0)", "np.abs(x)"),
        ),
        Bug(
            "signs the wrong way round",
            "You keep the negative numbers. ReLU keeps the positive ones and makes 0 of the others.",
            ("np.maximum(x, 0)", "np.minimum(x, 0)"),
        ),
        Bug(
            "a step",
            "You return 1 where `x` is positive. That is ReLU's *slope*; ReLU itself hands positive numbers on "
            "as they are.",
            ("np.maximum(x, 0)", "(x > 0) * 1.0"),
        ),
        Bug(
            "cut off at 1",
            "You cut off numbers above 1. ReLU has no upper limit.",
            ("np.maximum(x, 0)", "np.clip(x, 0, 1)"),
        ),
        Bug(
            "leaky",
            "You let a hundredth of negative numbers through: that is the leaky ReLU. Here they become 0.",
            ("np.maximum(x, 0)", "np.maximum(x, 0.01 * x)"),
        ),
        Bug(
            "one maximum of all",
            "You take one maximum of all numbers. Each number is compared with 0 for itself: `np.maximum`, or a mask.",
            ("np.maximum(x, 0)", "max(x.max(), 0)"),
        ),
        Bug(
            "positive numbers only",
            "You return only the positive numbers (`x[x > 0]`), so the output has lost its shape. The others "
            "stay in their places, as 0.",
            ("np.maximum(x, 0)", "x[x > 0]"),
        ),
        Bug(
            "output alone returned",
            "You return the output alone. Forward has two results: the output, and the cache with what "
            "backward will need.",
            ("return np.maximum(x, 0), x", "return np.maximum(x, 0)"),
        ),
    ],
    correct=[
        Correct("a mask", "def relu_forward(x):\n    return x * (x > 0), x"),
        Correct(
            "where, float32",
            "import numpy as np\ndef relu_forward(x):\n    return np.where(x > 0, x, 0).astype(np.float32), x",
        ),
        Correct("half of x and its size", "def relu_forward(x):\n    return [(x + abs(x)) / 2, x.copy()]"),
        Correct(
            "number by number",
            """
import numpy as np
def relu_forward(x):
    out = np.empty(x.shape)
    for place, number in np.ndenumerate(x):
        out[place] = number if number > 0 else 0
    return out, x
""",
        ),
        Correct(
            "torch",
            "import torch\ndef relu_forward(x):\n    return torch.relu(torch.tensor(x)), x",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# relu_backward


def relu_back_tiny(student, rng):
    """four numbers: x is −2, 3, 0, 0.5"""
    return {"dx": student(np.array([[5.0, 7.0, 9.0, 11.0]]), np.array([[-2.0, 3.0, 0.0, 0.5]]))}


def relu_back_negative(student, rng):
    """gradients of both signs: x is −2, −2, 3, 3"""
    return {"dx": student(np.array([[5.0, -5.0, 7.0, -7.0]]), np.array([[-2.0, -2.0, 3.0, 3.0]]))}


def relu_back_rows(student, rng):
    """three rows of four numbers"""
    return {"dx": student(whole(rng, 3, 4, low=-9, high=9), whole(rng, 3, 4))}


def relu_back_images(student, rng):
    """two maps of 2×3 numbers with two channels, whole numbers (dtype int64) with gradients in quarters"""
    return {"dx": student(quarters(rng, 2, 2, 2, 3), rng.integers(-3, 4, (2, 2, 2, 3)))}


def relu_back_view(student, rng):
    """arrays in float32 that are read-only and not contiguous"""
    dout, x = (read_only_view(quarters(rng, 3, 5).astype(np.float32)) for _ in range(2))
    return {"dx": student(dout, x)}


def relu_back_drawn(student, rng):
    """shapes drawn at random"""
    seen = {}
    for draw in range(4):
        shape = tuple(int(n) for n in rng.integers(2, 5, draw + 1))
        seen[f"dx {draw + 1}"] = student(quarters(rng, *shape), whole(rng, *shape))
    return seen


RELU_BACKWARD = Exercise(
    "relu_backward",
    points=1,
    cases=[
        Case(relu_back_tiny),
        Case(relu_back_negative),
        Case(relu_back_rows),
        Case(relu_back_images),
        Case(relu_back_view),
        Case(relu_back_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "gradient cut off instead of the input",
            "You set negative *gradients* to 0. ReLU decides by its input: where `x` was positive every "
            "gradient passes, negative ones too; elsewhere none.",
            ("dout * (cache > 0)", "np.maximum(dout, 0)"),
        ),
        Bug(
            "gradient cut off as well",
            "You let a gradient pass only if it is positive too. ReLU decides by its input alone: where `x` "
            "was positive every gradient passes.",
            ("dout * (cache > 0)", "np.maximum(dout, 0) * (cache > 0)"),
        ),
        Bug(
            "everything passes",
            "You hand the gradient on everywhere. Where `x` was negative the output is 0, whatever x does: "
            "nothing passes.",
            ("dout * (cache > 0)", "dout * 1.0"),
        ),
        Bug(
            "passes at 0",
            "At x = 0 there is a corner, and the docstring fixes the slope there: 0. Compare with `>`, not `>=`.",
            ("cache > 0", "cache >= 0"),
        ),
        Bug(
            "passes where x was negative",
            "You let the gradient pass where `x` was *negative*: the mask is the wrong way round.",
            ("cache > 0", "cache < 0"),
        ),
        Bug(
            "upstream gradient ignored",
            "You return ReLU's own slope, 0 or 1. Multiply it by the gradient that arrives, `dout`.",
            ("dout * (cache > 0)", "(cache > 0) * 1.0"),
        ),
        Bug(
            "multiplied by the output",
            "You multiply the gradient by ReLU's *output*. ReLU's slope is 1 where x is positive: the gradient "
            "passes as it is.",
            ("dout * (cache > 0)", "dout * np.maximum(cache, 0)"),
        ),
        Bug(
            "ReLU of the product",
            "You return max(0, dout·x). Backward multiplies `dout` by ReLU's slope, which is 0 or 1.",
            ("dout * (cache > 0)", "np.maximum(dout * cache, 0)"),
        ),
        Bug(
            "written into dout",
            "You set numbers in `dout` itself to 0. It belongs to whoever called you, and may be used "
            "elsewhere in the graph: make a new array.",
            ("return dout * (cache > 0)", "dout[cache <= 0] = 0\n    return dout"),
        ),
        Bug(
            "gradient of whole numbers",
            "You store the gradient in an array of the type of `x`: where that is whole numbers, numpy "
            "silently cuts off everything behind the point.",
            ("return dout * (cache > 0)", "return (dout * (cache > 0)).astype(cache.dtype)"),
        ),
    ],
    correct=[
        Correct(
            "where", "import numpy as np\ndef relu_backward(dout, cache):\n    return np.where(cache > 0, dout, 0.0)"
        ),
        Correct(
            "a copy with zeros",
            "import numpy as np\ndef relu_backward(dout, cache):\n    dx = np.array(dout)\n    dx[cache <= 0] = 0\n"
            "    return dx",
        ),
        Correct(
            "the sign in float32",
            "import numpy as np\ndef relu_backward(dout, cache):\n"
            "    return (dout * np.maximum(np.sign(cache), 0)).astype(np.float32)",
        ),
        Correct(
            "a view, number by number",
            """
import numpy as np
def relu_backward(dout, cache):
    dx = np.zeros(2 * dout.size)
    for i, (gradient, number) in enumerate(zip(dout.ravel(), cache.ravel())):
        if number > 0:
            dx[2 * i] = gradient
    return dx[::2].reshape(dout.shape)
""",
        ),
        Correct(
            "torch",
            """
import torch
def relu_backward(dout, cache):
    x = torch.tensor(cache, dtype=torch.float64, requires_grad=True)
    torch.relu(x).backward(torch.tensor(dout, dtype=torch.float64))
    return x.grad
""",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# sigmoid_forward


def sigmoid_tiny(student, rng):
    """four numbers: 0, 2, −2, 0.5"""
    return forward(student, np.array([[0.0, 2.0, -2.0, 0.5]]))


def sigmoid_rows(student, rng):
    """two rows of three numbers"""
    return forward(student, quarters(rng, 2, 3))


def sigmoid_large(student, rng):
    """1000: the output is 1, and no nan"""
    return forward(student, np.array([[1000.0]]))


def sigmoid_small(student, rng):
    """−1000: the output is 0, and no nan"""
    return forward(student, np.array([[-1000.0, -30.0]]))


def sigmoid_view(student, rng):
    """whole numbers (dtype int64), in an array that is read-only and not contiguous"""
    return forward(student, read_only_view(rng.integers(-5, 6, (2, 2, 3))))


def sigmoid_float32(student, rng):
    """large numbers in float32"""
    return forward(student, np.array([[-200.0, -90.0, 90.0, 200.0]], dtype=np.float32))


def sigmoid_drawn(student, rng):
    """numbers drawn at random, small and large"""
    return forward(student, whole(rng, 3, 4, low=-900, high=900)) | {
        f"{name} of small numbers": value for name, value in forward(student, quarters(rng, 3, 2, 4)).items()
    }


SIGMOID_TWO_WAYS = """
import numpy as np
def sigmoid_forward(x):
    out = np.empty(x.shape)
    high = x >= 0
    out[high] = 1 / (1 + np.exp(-x[high]))
    e = np.exp(x[~high])
    out[~high] = e / (1 + e)
    return out, out
"""

SIGMOID_FORWARD = Exercise(
    "sigmoid_forward",
    points=2,
    cases=[
        Case(sigmoid_tiny, tolerance=FLOAT32),
        Case(sigmoid_rows, tolerance=FLOAT32),
        Case(sigmoid_large, tolerance=FLOAT32),
        Case(sigmoid_small, tolerance=FLOAT32),
        Case(sigmoid_view, tolerance=FLOAT32),
        Case(sigmoid_float32, tolerance=FLOAT32),
        Case(sigmoid_drawn, hidden=True, weight=2, tolerance=FLOAT32),
    ],
    bugs=[
        Bug(
            "nan for large numbers",
            "For large x you divide infinity by infinity, which gives nan. eˣ overflows beyond 709 (in float32 "
            "beyond 88): let the exponential only ever see numbers ≤ 0, or divide by 1 + e⁻ˣ.",
            source="import numpy as np\ndef sigmoid_forward(x):\n    out = np.exp(x) / (1 + np.exp(x))\n"
            "    return out, out",
        ),
        Bug(
            "nan for very negative numbers",
            "For very negative x you divide infinity by infinity, which gives nan. e⁻ˣ overflows there: let "
            "the exponential only ever see numbers ≤ 0.",
            source="import numpy as np\ndef sigmoid_forward(x):\n    out = 1 - np.exp(-x) / (1 + np.exp(-x))\n"
            "    return out, out",
        ),
        Bug(
            "sign of x missing",
            "You calculate 1/(1 + eˣ), which *falls* from 1 to 0. The sigmoid rises: 1/(1 + e⁻ˣ).",
            ("np.where(x >= 0, 1, e)", "np.where(x <= 0, 1, e)"),
        ),
        Bug(
            "input kept instead of output",
            "Your output is right, but you keep `x`. The slope of the sigmoid needs nothing but its *output*: "
            "keep that.",
            ("return out, out", "return out, x"),
        ),
        Bug(
            "slope returned",
            "You return σ(1 − σ), which is the sigmoid's slope. Forward returns σ itself.",
            ("return out, out", "return out * (1 - out), out"),
        ),
        Bug(
            "tanh",
            "Your output runs from −1 to 1: that is tanh. The sigmoid runs from 0 to 1.",
            source="import numpy as np\ndef sigmoid_forward(x):\n    out = np.tanh(x)\n    return out, out",
        ),
        Bug(
            "softmax",
            "Your numbers add up to 1: that is the softmax. The sigmoid treats each number for itself.",
            source="import numpy as np\ndef sigmoid_forward(x):\n    e = np.exp(x - x.max(axis=-1, keepdims=True))\n"
            "    out = e / e.sum(axis=-1, keepdims=True)\n    return out, out",
        ),
        Bug(
            "exponential without the 1",
            "You divide by e⁻ˣ alone, which is eˣ. The denominator is 1 + e⁻ˣ: mind the brackets.",
            source="import numpy as np\ndef sigmoid_forward(x):\n    out = 1 / 1 + np.exp(-x)\n    return out, out",
        ),
        Bug(
            "x cut off too early",
            "You cut `x` off (at ±10 or so) to avoid an overflow. Beyond that the sigmoid still changes: at "
            "−30 it is 10⁻¹³, and the logarithm of it matters to a loss.",
            ("    e =", "    x = np.clip(x, -10, 10)\n    e ="),
        ),
        Bug(
            "written into x",
            "You calculate in `x` itself (`*=`, `out=x`), so whoever called you has lost it. Make a new array.",
            source="import numpy as np\ndef sigmoid_forward(x):\n    np.exp(-x, out=x)\n    x += 1\n"
            "    return 1 / x, 1 / x",
        ),
        Bug(
            "output alone returned",
            "You return the output alone. Forward has two results: the output, and the cache with what "
            "backward will need.",
            ("return out, out", "return out"),
        ),
        Bug(
            "output of whole numbers",
            "You store the results in an array of the type of `x`: where that is whole numbers, all that "
            "remains of numbers between 0 and 1 is 0.",
            source=replaced(SIGMOID_TWO_WAYS, ("np.empty(x.shape)", "np.empty_like(x)")),
        ),
    ],
    correct=[
        Correct("two formulas", SIGMOID_TWO_WAYS),
        Correct(
            "by tanh",
            "import numpy as np\ndef sigmoid_forward(x):\n    out = (np.tanh(x / 2) + 1) / 2\n"
            "    return out, out.copy()",
        ),
        Correct(
            "one formula, whose overflow does no harm",
            "import numpy as np\ndef sigmoid_forward(x):\n    with np.errstate(over='ignore'):\n"
            "        out = 1 / (1 + np.exp(-x.astype(float)))\n    return [out, out]",
        ),
        Correct(
            "torch in float32",
            "import torch\ndef sigmoid_forward(x):\n    out = torch.sigmoid(torch.tensor(x, dtype=torch.float32))\n"
            "    return out, out",
        ),
        Correct(
            "logaddexp",
            "import numpy as np\ndef sigmoid_forward(x):\n    out = np.exp(-np.logaddexp(0, -x))\n    return out, out",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# sigmoid_backward


def sigmoid_back_tiny(student, rng):
    """four outputs: 0.5, 0.25, 0.75, 0.125"""
    return {"dx": student(np.array([[8.0, 16.0, -16.0, 64.0]]), np.array([[0.5, 0.25, 0.75, 0.125]]))}


def sigmoid_back_rows(student, rng):
    """two rows of three numbers"""
    return {"dx": student(whole(rng, 2, 3, low=-9, high=9), rng.integers(1, 16, (2, 3)) / 16)}


def sigmoid_back_ends(student, rng):
    """outputs of 0 and 1, where nothing passes"""
    return {"dx": student(np.array([[3.0, -5.0, 7.0]]), np.array([[0.0, 1.0, 0.5]]))}


def sigmoid_back_view(student, rng):
    """maps in float32, in arrays that are read-only and not contiguous"""
    cache = read_only_view((rng.integers(1, 16, (2, 2, 3)) / 16).astype(np.float32))
    return {"dx": student(read_only_view(quarters(rng, 2, 2, 3).astype(np.float32)), cache)}


def sigmoid_back_drawn(student, rng):
    """shapes drawn at random"""
    seen = {}
    for draw in range(4):
        shape = tuple(int(n) for n in rng.integers(2, 5, draw + 1))
        seen[f"dx {draw + 1}"] = student(quarters(rng, *shape), rng.integers(0, 17, shape) / 16)
    return seen


SIGMOID_BACKWARD = Exercise(
    "sigmoid_backward",
    points=1,
    cases=[
        Case(sigmoid_back_tiny),
        Case(sigmoid_back_rows),
        Case(sigmoid_back_ends),
        Case(sigmoid_back_view, tolerance=FLOAT32),
        Case(sigmoid_back_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "sigmoid applied once more",
            "You apply the sigmoid to the cache. The cache holds its *output* already.",
            ("    return", "    cache = 1 / (1 + np.exp(-cache))\n    return"),
        ),
        Bug(
            "upstream gradient ignored",
            "You return the sigmoid's own slope. Multiply it by the gradient that arrives, `dout`.",
            ("dout * cache", "cache"),
        ),
        Bug(
            "upstream gradient added",
            "You *add* `dout` to the sigmoid's slope. Along a way back one multiplies.",
            ("dout * cache", "dout + cache"),
        ),
        Bug(
            "slope without 1 − σ",
            "You multiply by σ. The sigmoid's slope is σ·(1 − σ): it is small at *both* ends.",
            ("dout * cache * (1 - cache)", "dout * cache"),
        ),
        Bug(
            "slope without σ",
            "You multiply by 1 − σ. The sigmoid's slope is σ·(1 − σ): it is small at *both* ends.",
            ("dout * cache * (1 - cache)", "dout * (1 - cache)"),
        ),
        Bug(
            "slope of tanh",
            "1 − σ² is the slope of tanh. The sigmoid's is σ·(1 − σ).",
            ("cache * (1 - cache)", "(1 - cache**2)"),
        ),
        Bug(
            "σ applied to the gradient",
            "You put `dout` into the slope's formula. The slope comes from the cache; `dout` multiplies it once.",
            ("dout * cache * (1 - cache)", "cache * dout * (1 - dout)"),
        ),
        Bug(
            "sign turned",
            "Your gradient has the wrong sign: the sigmoid rises everywhere, its slope σ·(1 − σ) is positive.",
            ("(1 - cache)", "(cache - 1)"),
        ),
        Bug(
            "written into dout",
            "You change `dout` in place (`*=`). It belongs to whoever called you, and may be used elsewhere in "
            "the graph: make a new array.",
            ("return dout * cache * (1 - cache)", "dout *= cache * (1 - cache)\n    return dout"),
        ),
        Bug(
            "written into the cache",
            "You change the cache in place (`*=`). It is the layer's output, which others may still need: make "
            "a new array.",
            ("return dout * cache * (1 - cache)", "cache *= 1 - cache\n    return dout * cache"),
        ),
    ],
    correct=[
        Correct("a difference of squares", "def sigmoid_backward(dout, cache):\n    return dout * (cache - cache**2)"),
        Correct(
            "around a half, in float32",
            "import numpy as np\ndef sigmoid_backward(dout, cache):\n"
            "    return ((0.25 - (cache - 0.5) ** 2) * dout).astype(np.float32)",
        ),
        Correct(
            "number by number",
            """
import numpy as np
def sigmoid_backward(dout, cache):
    pairs = zip(dout.ravel(), cache.ravel())
    return np.reshape([g * s * (1 - s) for g, s in pairs], dout.shape)
""",
        ),
        Correct(
            "a torch tensor",
            """
import torch
def sigmoid_backward(dout, cache):
    s, g = torch.tensor(cache), torch.tensor(dout)
    return torch.ops.aten.sigmoid_backward(g, s)
""",
        ),
        Correct(
            "einsum, a view",
            "import numpy as np\ndef sigmoid_backward(dout, cache):\n"
            "    return np.einsum('...,...,...->...', dout, cache, 1 - cache)[...]",
        ),
    ],
)
