"""Momentum, RMSProp and Adam: one step, and steps that follow one another."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import quarters, read_only_view, several

CLOSE = Tolerance(1e-5, 1e-6)


def signed(rng, *shape):
    """Gradients in quarters, none of them 0."""
    return rng.choice([-1.0, 1.0], shape) * rng.integers(1, 9, shape) / 4


# ---------------------------------------------------------------------------------------------------------------------
# momentum_update


def moved(student, w, g, m, **settings):
    """The two results by name."""
    w, m = several(student(w, g, m, **settings))
    return {"w": w, "m": m}


def momentum_first(student, rng):
    """the lecture's first step: w = 2, gradient −3, nothing remembered, η = 0.1"""
    return moved(student, np.array([2.0]), np.array([-3.0]), np.zeros(1), rate=0.1)


def momentum_second(student, rng):
    """a step with a memory: m = 10, gradient 1, β = 0.5, η = 0.25"""
    return moved(student, np.array([8.0]), np.array([1.0]), np.array([10.0]), rate=0.25, beta=0.5)


def momentum_two_steps(student, rng):
    """two steps, the second with what the first returned"""
    w, m = several(student(np.array([2.0, 1.0]), np.array([-3.0, 1.0]), np.zeros(2), rate=0.1))
    return moved(student, w, np.array([-3.0, 4.0]), m, rate=0.1)


def momentum_array(student, rng):
    """six weights of shape (2, 3), with the usual β"""
    return moved(student, quarters(rng, 2, 3), signed(rng, 2, 3), quarters(rng, 2, 3), rate=0.5)


def momentum_view(student, rng):
    """weights in float32, in arrays that are read-only and not contiguous"""
    w, g, m = (read_only_view(signed(rng, 3, 2).astype(np.float32)) for _ in range(3))
    return moved(student, w, g, m, rate=0.25, beta=0.75)


def momentum_drawn(student, rng):
    """settings drawn at random, three steps in a row"""
    rate, beta = float(rng.integers(1, 9)) / 16, float(rng.integers(1, 8)) / 8
    w, m, seen = quarters(rng, 3, 2), np.zeros((3, 2)), {}
    for step in range(3):
        w, m = several(student(w, signed(rng, 3, 2), m, rate=rate, beta=beta))
        seen |= {f"w after step {step + 1}": w, f"m after step {step + 1}": m}
    return seen


MOMENTUM_UPDATE = Exercise(
    "momentum_update",
    points=2,
    cases=[
        Case(momentum_first, tolerance=CLOSE),
        Case(momentum_second, tolerance=CLOSE),
        Case(momentum_two_steps, tolerance=CLOSE),
        Case(momentum_array, tolerance=CLOSE),
        Case(momentum_view, tolerance=CLOSE),
        Case(momentum_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "step uphill",
            "You step *along* the gradient, and the loss grows. Subtract.",
            ("w - rate * m", "w + rate * m"),
        ),
        Bug(
            "gradient in place of the velocity",
            "You step by the gradient alone; the velocity `m` is updated but not used. Step by η·m.",
            ("w - rate * m", "w - rate * g"),
        ),
        Bug(
            "old velocity used",
            "You step by the *old* velocity. First update m, then step by the new one.",
            ("    m = beta * m + g\n    return w - rate * m, m", "    return w - rate * m, beta * m + g"),
        ),
        Bug(
            "old velocity returned",
            "Your step is right, but you return the velocity as it came, so the next step remembers nothing. "
            "Return the new one.",
            ("    m = beta * m + g\n    return w - rate * m, m", "    return w - rate * (beta * m + g), m"),
        ),
        Bug(
            "learning rate in the velocity",
            "You put the learning rate into the velocity (m ← βm + ηg). With a fixed rate the steps are the "
            "same, but here, as in PyTorch, `m` is made of plain gradients, and η comes in with the step.",
            ("    m = beta * m + g\n    return w - rate * m, m", "    m = beta * m + rate * g\n    return w - m, m"),
        ),
        Bug(
            "velocity with the sign turned",
            "Your velocity is negative (m ← βm − ηg, as in CS231n). Here m collects the gradients themselves, "
            "and the minus and the learning rate come in with the step.",
            ("    m = beta * m + g\n    return w - rate * m, m", "    m = beta * m - rate * g\n    return w + m, m"),
        ),
        Bug(
            "gradient multiplied by 1 − β",
            "You take a running *mean* of the gradients (with the factor 1 − β). Momentum adds the gradient in full.",
            ("beta * m + g", "beta * m + (1 - beta) * g"),
        ),
        Bug(
            "β at the gradient",
            "You multiply the *gradient* by β. β is the share of the old velocity that is kept.",
            ("beta * m + g", "m + beta * g"),
        ),
        Bug(
            "old velocity not made smaller",
            "You add the gradient to the whole old velocity, so the ball never slows down. Keep the share β of it.",
            ("beta * m + g", "m + g"),
        ),
        Bug(
            "a look ahead",
            "You step by g + β·m with the new m: that is Nesterov's momentum. Plain momentum steps by m.",
            ("w - rate * m", "w - rate * (g + beta * m)"),
        ),
        Bug(
            "learning rate forgotten",
            "You step by the velocity in full. Multiply it by the learning rate.",
            ("w - rate * m", "w - m"),
        ),
        Bug(
            "β fixed",
            "You always use β = 0.9. It is an argument.",
            ("beta * m + g", "0.9 * m + g"),
        ),
        Bug(
            "weights changed in place",
            "You change `w` in place (`-=`). In this assignment nothing is: return a new array. (Whoever keeps "
            "the best weights so far would find that they have moved on.)",
            ("return w - rate * m, m", "w -= rate * m\n    return w, m"),
        ),
        Bug(
            "velocity changed in place",
            "You change `m` in place (`*=`, `+=`). In this assignment nothing is: make a new array.",
            ("    m = beta * m + g", "    m *= beta\n    m += g"),
        ),
        Bug(
            "weights alone returned",
            "You return the weights alone. The velocity is the second result: the next step needs it.",
            ("return w - rate * m, m", "return w - rate * m"),
        ),
    ],
    correct=[
        Correct(
            "weight by weight",
            """
import numpy as np
def momentum_update(w, g, m, rate, beta=0.9):
    new_w, new_m = np.zeros(w.shape), np.zeros(w.shape)
    for i in np.ndindex(w.shape):
        new_m[i] = m[i] * beta + g[i]
        new_w[i] = w[i] - new_m[i] * rate
    return new_w, new_m
""",
        ),
        Correct(
            "torch's SGD",
            """
import numpy as np
import torch
def momentum_update(w, g, m, rate, beta=0.9):
    w = torch.tensor(np.asarray(w).astype(float), requires_grad=True)
    optimiser = torch.optim.SGD([w], lr=rate, momentum=beta)
    optimiser.state[w]["momentum_buffer"] = torch.tensor(np.asarray(m).astype(float))
    w.grad = torch.tensor(np.asarray(g).astype(float))
    optimiser.step()
    return w.detach(), optimiser.state[w]["momentum_buffer"]
""",
        ),
        Correct(
            "float32, a list",
            """
import numpy as np
def momentum_update(w, g, m, rate, beta=0.9):
    velocity = (np.float32(beta) * m + g).astype(np.float32)
    return [w.astype(np.float32) - np.float32(rate) * velocity, velocity]
""",
        ),
        Correct(
            "copies, then in place",
            """
def momentum_update(w, g, m, rate, beta=0.9):
    w, m = w.astype(float), m.astype(float)
    m *= beta
    m += g
    w -= rate * m
    return w[...], m[...]
""",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# rmsprop_update


def scaled(student, w, g, v, **settings):
    """The two results by name."""
    w, v = several(student(w, g, v, **settings))
    return {"w": w, "v": v}


def rmsprop_first(student, rng):
    """a first step: w = 2, gradient −4, nothing remembered, ρ = 0.75, η = 0.5, ε = 0"""
    return scaled(student, np.array([2.0]), np.array([-4.0]), np.zeros(1), rate=0.5, rho=0.75, eps=0.0)


def rmsprop_second(student, rng):
    """a step with a memory: v = 8, gradient 4, ρ = 0.5, so that the new v is 12"""
    return scaled(student, np.array([2.0]), np.array([4.0]), np.array([8.0]), rate=0.5, rho=0.5)


def rmsprop_lecture(student, rng):
    """the lecture's first step: w = 2, gradient −3, η = 0.1, with the usual ρ"""
    return scaled(student, np.array([2.0]), np.array([-3.0]), np.zeros(1), rate=0.1)


def rmsprop_two_steps(student, rng):
    """two steps, the second with what the first returned"""
    w, v = several(student(np.array([2.0, 1.0]), np.array([-3.0, 1.0]), np.zeros(2), rate=0.1))
    return scaled(student, w, np.array([-3.0, 4.0]), v, rate=0.1)


def rmsprop_zero(student, rng):
    """a gradient of 0 and nothing remembered: the weight stays, and no nan"""
    return scaled(student, np.array([2.0, 3.0]), np.array([0.0, 1.0]), np.zeros(2), rate=0.1)


def rmsprop_epsilon(student, rng):
    """ε = 2 beside a root of 2"""
    return scaled(student, np.array([5.0]), np.array([4.0]), np.array([0.0]), rate=1.0, rho=0.75, eps=2.0)


def rmsprop_array(student, rng):
    """six weights of shape (2, 3)"""
    return scaled(student, quarters(rng, 2, 3), signed(rng, 2, 3), signed(rng, 2, 3) ** 2, rate=0.25)


def rmsprop_view(student, rng):
    """weights in float32, in arrays that are read-only and not contiguous"""
    w, g, v = (read_only_view(abs(signed(rng, 3, 2)).astype(np.float32)) for _ in range(3))
    return scaled(student, w, g, v, rate=0.25, rho=0.75)


def rmsprop_drawn(student, rng):
    """settings drawn at random, three steps in a row"""
    rate, rho, eps = float(rng.integers(1, 9)) / 16, float(rng.integers(1, 8)) / 8, float(rng.choice([1e-8, 0.5]))
    w, v, seen = quarters(rng, 3, 2), np.zeros((3, 2)), {}
    for step in range(3):
        w, v = several(student(w, signed(rng, 3, 2), v, rate=rate, rho=rho, eps=eps))
        seen |= {f"w after step {step + 1}": w, f"v after step {step + 1}": v}
    return seen


RMSPROP_UPDATE = Exercise(
    "rmsprop_update",
    points=2,
    cases=[
        Case(rmsprop_first, tolerance=CLOSE),
        Case(rmsprop_second, tolerance=CLOSE),
        Case(rmsprop_lecture, tolerance=CLOSE),
        Case(rmsprop_two_steps, tolerance=CLOSE),
        Case(rmsprop_zero, tolerance=CLOSE),
        Case(rmsprop_epsilon, tolerance=CLOSE),
        Case(rmsprop_array, tolerance=CLOSE),
        Case(rmsprop_view, tolerance=CLOSE),
        Case(rmsprop_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "step uphill",
            "You step *along* the gradient, and the loss grows. Subtract.",
            ("w - rate * g", "w + rate * g"),
        ),
        Bug(
            "gradient not squared",
            "You keep a mean of the gradients in `v`. RMSProp keeps a mean of their *squares*, so that signs "
            "don't cancel.",
            ("(1 - rho) * g**2", "(1 - rho) * g"),
        ),
        Bug(
            "absolute value instead of the square",
            "You keep a mean of the gradients' absolute values. RMSProp keeps a mean of the *squares* (the RMS "
            "in its name is root, mean, square).",
            ("(1 - rho) * g**2", "(1 - rho) * abs(g)"),
        ),
        Bug(
            "root forgotten",
            "You divide by v. It is a mean of squares: take its *root*, so that a gradient twice as large "
            "makes no larger step.",
            ("np.sqrt(v) + eps", "v + eps"),
        ),
        Bug(
            "ε under the root",
            "You add ε under the root. Here, as in PyTorch, it is added to the root.",
            ("np.sqrt(v) + eps", "np.sqrt(v + eps)"),
        ),
        Bug(
            "ε forgotten",
            "You leave out ε. Where all gradients so far were 0 you divide 0 by 0, and a nan never goes away again.",
            ("(np.sqrt(v) + eps)", "np.sqrt(v)"),
        ),
        Bug(
            "shares exchanged",
            "You give the *new* square the share ρ. ρ is the share of the old value that is kept.",
            ("rho * v + (1 - rho) * g**2", "(1 - rho) * v + rho * g**2"),
        ),
        Bug(
            "squares added up",
            "You add the squares up without forgetting any: that is AdaGrad, whose steps get smaller and "
            "smaller. RMSProp keeps a running mean.",
            ("rho * v + (1 - rho) * g**2", "v + g**2"),
        ),
        Bug(
            "share of the new square forgotten",
            "You add the new square in full. In a running mean the shares add up to 1: it gets 1 − ρ.",
            ("(1 - rho) * g**2", "g**2"),
        ),
        Bug(
            "old mean used",
            "You divide by the root of the *old* v, which is 0 at first. First update v, then step.",
            (
                "    v = rho * v + (1 - rho) * g**2\n    return w - rate * g / (np.sqrt(v) + eps), v",
                "    return w - rate * g / (np.sqrt(v) + eps), rho * v + (1 - rho) * g**2",
            ),
        ),
        Bug(
            "old mean returned",
            "Your step is right, but you return `v` as it came, so the next step remembers nothing. Return the "
            "new one.",
            (
                "    v = rho * v + (1 - rho) * g**2\n    return w - rate * g / (np.sqrt(v) + eps), v",
                "    new = rho * v + (1 - rho) * g**2\n    return w - rate * g / (np.sqrt(new) + eps), v",
            ),
        ),
        Bug(
            "multiplied by the root",
            "You *multiply* by the root. Weights with large gradients should take smaller steps: divide.",
            ("g / (np.sqrt(v) + eps)", "g * (np.sqrt(v) + eps)"),
        ),
        Bug(
            "one mean for all weights",
            "You take the mean over all weights. Each weight has a v of its own.",
            ("(1 - rho) * g**2", "(1 - rho) * (g**2).mean()"),
        ),
        Bug(
            "root kept",
            "Your step is right, but you return the *root* in place of v. The next step needs the mean of squares.",
            ("(np.sqrt(v) + eps), v", "(np.sqrt(v) + eps), np.sqrt(v)"),
        ),
        Bug(
            "weights changed in place",
            "You change `w` in place (`-=`). In this assignment nothing is: return a new array.",
            ("return w - rate * g / (np.sqrt(v) + eps), v", "w -= rate * g / (np.sqrt(v) + eps)\n    return w, v"),
        ),
        Bug(
            "memory changed in place",
            "You change `v` in place (`*=`, `+=`). In this assignment nothing is: make a new array.",
            ("    v = rho * v + (1 - rho) * g**2", "    v *= rho\n    v += (1 - rho) * g**2"),
        ),
    ],
    correct=[
        Correct(
            "weight by weight",
            """
import math
import numpy as np
def rmsprop_update(w, g, v, rate, rho=0.9, eps=1e-8):
    new_w, new_v = np.zeros(w.shape), np.zeros(w.shape)
    for i in np.ndindex(w.shape):
        new_v[i] = v[i] * rho + g[i] * g[i] * (1 - rho)
        new_w[i] = w[i] - rate / (math.sqrt(new_v[i]) + eps) * g[i] if g[i] else w[i]
    return new_w, new_v
""",
        ),
        Correct(
            "torch's RMSprop",
            """
import numpy as np
import torch
def rmsprop_update(w, g, v, rate, rho=0.9, eps=1e-8):
    w = torch.tensor(np.asarray(w).astype(float), requires_grad=True)
    w.grad = torch.tensor(np.asarray(g).astype(float))
    optimiser = torch.optim.RMSprop([w], lr=rate, alpha=rho, eps=eps)
    optimiser.state[w] = {"step": torch.tensor(1.0), "square_avg": torch.tensor(np.asarray(v).astype(float))}
    optimiser.step()
    return w.detach(), optimiser.state[w]["square_avg"]
""",
        ),
        Correct(
            "a step towards the new square, float32",
            """
import numpy as np
def rmsprop_update(w, g, v, rate, rho=0.9, eps=1e-8):
    g = g.astype(np.float32)
    mean = v.astype(np.float32) + np.float32(1 - rho) * (np.square(g) - v)
    return [w - np.float32(rate) * (g / (mean**0.5 + np.float32(eps))), mean]
""",
        ),
        Correct(
            "copies, then in place",
            """
import numpy as np
def rmsprop_update(w, g, v, rate, rho=0.9, eps=1e-8):
    v = np.array(v, dtype=float)
    v *= rho
    v += (1 - rho) * g * g
    step = np.array(g, dtype=float)
    step /= np.sqrt(v) + eps
    return (w - rate * step)[...], v[...]
""",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# adam_update


def adapted(student, w, g, m, v, t, **settings):
    """The three results by name."""
    w, m, v = several(student(w, g, m, v, t, **settings))
    return {"w": w, "m": m, "v": v}


def adam_first(student, rng):
    """the lecture's first step: w = 2, gradient −3, η = 0.1: whatever the gradient, the step has the length η"""
    return adapted(student, np.array([2.0]), np.array([-3.0]), np.zeros(1), np.zeros(1), 1, rate=0.1)


def adam_later(student, rng):
    """step 3, with memories m = 2 and v = 3, β₁ = 0.5, β₂ = 0.75"""
    settings = {"rate": 0.5, "beta1": 0.5, "beta2": 0.75, "eps": 0.0}
    return adapted(student, np.array([10.0]), np.array([4.0]), np.array([2.0]), np.array([3.0]), 3, **settings)


def adam_two_steps(student, rng):
    """two steps, the second with what the first returned"""
    zero = np.zeros(2)
    w, m, v = several(student(np.array([2.0, 1.0]), np.array([-3.0, 1.0]), zero, zero, 1, rate=0.1))
    return adapted(student, w, np.array([-3.0, 4.0]), m, v, 2, rate=0.1)


def adam_zero(student, rng):
    """a gradient of 0 and nothing remembered: the weight stays, and no nan"""
    return adapted(student, np.array([2.0, 3.0]), np.array([0.0, 1.0]), np.zeros(2), np.zeros(2), 1, rate=0.1)


def adam_epsilon(student, rng):
    """ε = 4 beside a root of 4"""
    settings = {"rate": 1.0, "beta1": 0.5, "beta2": 0.75, "eps": 4.0}
    return adapted(student, np.array([5.0]), np.array([4.0]), np.zeros(1), np.zeros(1), 1, **settings)


def adam_array(student, rng):
    """six weights of shape (2, 3), step 5, with the usual β₁ and β₂"""
    return adapted(
        student, quarters(rng, 2, 3), signed(rng, 2, 3), quarters(rng, 2, 3), signed(rng, 2, 3) ** 2, 5, rate=0.1
    )


def adam_view(student, rng):
    """weights in float32, in arrays that are read-only and not contiguous"""
    w, g, m, v = (read_only_view(abs(signed(rng, 3, 2)).astype(np.float32)) for _ in range(4))
    return adapted(student, w, g, m, v, 2, rate=0.25, beta1=0.75, beta2=0.875)


def adam_drawn(student, rng):
    """settings drawn at random, four steps in a row"""
    rate, beta1, beta2 = float(rng.integers(1, 9)) / 16, float(rng.integers(1, 8)) / 8, float(rng.integers(4, 8)) / 8
    settings = {"rate": rate, "beta1": beta1, "beta2": beta2, "eps": float(rng.choice([1e-8, 0.5]))}
    w, m, v, seen = quarters(rng, 3, 2), np.zeros((3, 2)), np.zeros((3, 2)), {}
    for t in range(1, 5):
        w, m, v = several(student(w, signed(rng, 3, 2), m, v, t, **settings))
        seen |= {f"w after step {t}": w, f"m after step {t}": m, f"v after step {t}": v}
    return seen


ADAM_UPDATE = Exercise(
    "adam_update",
    points=3,
    cases=[
        Case(adam_first, tolerance=CLOSE),
        Case(adam_later, tolerance=CLOSE),
        Case(adam_two_steps, tolerance=CLOSE),
        Case(adam_zero, tolerance=CLOSE),
        Case(adam_epsilon, tolerance=CLOSE),
        Case(adam_array, tolerance=CLOSE),
        Case(adam_view, tolerance=CLOSE),
        Case(adam_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "step uphill",
            "You step *along* the gradient, and the loss grows. Subtract.",
            ("w - rate", "w + rate"),
        ),
        Bug(
            "memories not corrected",
            "You use m and v as they are. They start at 0 and are much too small at first: divide by 1 − β₁ᵗ "
            "and 1 − β₂ᵗ.",
            ("m / (1 - beta1**t)", "m"),
            ("v / (1 - beta2**t)", "v"),
        ),
        Bug(
            "only m corrected",
            "You correct m, but not v. Both start at 0 and are too small at first: v is divided by 1 − β₂ᵗ.",
            ("v / (1 - beta2**t)", "v"),
        ),
        Bug(
            "only v corrected",
            "You correct v, but not m. Both start at 0 and are too small at first: m is divided by 1 − β₁ᵗ.",
            ("m / (1 - beta1**t)", "m"),
        ),
        Bug(
            "corrected memories returned",
            "Your step is right, but you return the *corrected* m and v. Next time they would be corrected "
            "again: the correction is for the step alone.",
            (", m, v\n", ", m_hat, v_hat\n"),
        ),
        Bug(
            "corrected without the power t",
            "You divide by 1 − β, without the power t. That is right in the first step alone: later the "
            "memories need less and less correction.",
            ("beta1**t", "beta1"),
            ("beta2**t", "beta2"),
        ),
        Bug(
            "steps counted from 0",
            "You correct with t − 1, as if the first step were number 0: then 1 − β⁰ = 0 is in the "
            "denominator. `t` is 1 at the first step.",
            ("beta1**t", "beta1 ** (t - 1)"),
            ("beta2**t", "beta2 ** (t - 1)"),
        ),
        Bug(
            "corrected with one step too many",
            "You correct with t + 1. `t` is 1 at the first step already.",
            ("beta1**t", "beta1 ** (t + 1)"),
            ("beta2**t", "beta2 ** (t + 1)"),
        ),
        Bug(
            "β times t",
            "You multiply β by t. It is β to the *power* of t: `beta1**t`.",
            ("beta1**t", "beta1 * t"),
            ("beta2**t", "beta2 * t"),
        ),
        Bug(
            "β₁ for both memories",
            "You use β₁ for v as well. The squares have a longer memory: β₂.",
            ("beta2", "beta1"),
            ("beta1=0.9, beta1=0.999", "beta1=0.9, beta2=0.999"),
        ),
        Bug(
            "gradient not squared",
            "You keep a mean of the gradients in v. v is a running mean of their *squares*.",
            ("g**2", "g"),
        ),
        Bug(
            "root forgotten",
            "You divide by v. It is a mean of squares: take its *root*.",
            ("np.sqrt(v_hat)", "v_hat"),
        ),
        Bug(
            "ε under the root",
            "You add ε under the root. It is added to the root.",
            ("np.sqrt(v_hat) + eps", "np.sqrt(v_hat + eps)"),
        ),
        Bug(
            "ε forgotten",
            "You leave out ε. Where all gradients so far were 0 you divide 0 by 0, and a nan never goes away again.",
            ("(np.sqrt(v_hat) + eps)", "np.sqrt(v_hat)"),
        ),
        Bug(
            "momentum without its share",
            "You add the gradient to m in full, as plain momentum does. In Adam m is a running *mean*: the "
            "gradient gets the share 1 − β₁.",
            ("(1 - beta1) * g\n", "g\n"),
        ),
        Bug(
            "gradient in place of m",
            "You step by the gradient itself; m is updated but not used. That is RMSProp.",
            ("rate * m_hat", "rate * g"),
        ),
        Bug(
            "old memories returned",
            "Your step is right, but you return m and v as they came, so the next step remembers nothing.",
            ("    m = beta1 * m", "    old = m, v\n    m = beta1 * m"),
            (", m, v\n", ", *old\n"),
        ),
        Bug(
            "weights changed in place",
            "You change `w` in place (`-=`). In this assignment nothing is: return a new array.",
            (
                "    return w - rate * m_hat / (np.sqrt(v_hat) + eps), m, v",
                "    w -= rate * m_hat / (np.sqrt(v_hat) + eps)\n    return w, m, v",
            ),
        ),
        Bug(
            "memory changed in place",
            "You change `m` in place (`*=`, `+=`). In this assignment nothing is: make a new array.",
            ("    m = beta1 * m + (1 - beta1) * g\n", "    m *= beta1\n    m += (1 - beta1) * g\n"),
        ),
        Bug(
            "memories in another order",
            "You return v before m. The order is w, m, v.",
            (", m, v\n", ", v, m\n"),
        ),
    ],
    correct=[
        Correct(
            "the rate corrected in place of the memories",
            """
import numpy as np
def adam_update(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    m = m + (1 - beta1) * (g - m)
    v = v + (1 - beta2) * (g * g - v)
    second = np.sqrt(1 - beta2**t)
    return w - rate * second / (1 - beta1**t) * m / (np.sqrt(v) + eps * second), m, v
""",
        ),
        Correct(
            "weight by weight",
            """
import math
import numpy as np
def adam_update(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    new = np.zeros((3, *w.shape))
    for i in np.ndindex(w.shape):
        first = beta1 * m[i] + (1 - beta1) * g[i]
        second = beta2 * v[i] + (1 - beta2) * g[i] ** 2
        down = math.sqrt(second / (1 - beta2**t)) + eps
        new[(0, *i)] = w[i] - rate * first / (1 - beta1**t) / down
        new[(1, *i)], new[(2, *i)] = first, second
    return new[0], new[1], new[2]
""",
        ),
        Correct(
            "torch's Adam",
            """
import numpy as np
import torch
def adam_update(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    w = torch.tensor(np.asarray(w).astype(float), requires_grad=True)
    w.grad = torch.tensor(np.asarray(g).astype(float))
    optimiser = torch.optim.Adam([w], lr=rate, betas=(beta1, beta2), eps=eps)
    optimiser.state[w] = {
        "step": torch.tensor(float(t - 1)),
        "exp_avg": torch.tensor(np.asarray(m).astype(float)),
        "exp_avg_sq": torch.tensor(np.asarray(v).astype(float)),
    }
    optimiser.step()
    state = optimiser.state[w]
    return w.detach(), state["exp_avg"], state["exp_avg_sq"]
""",
        ),
        Correct(
            "float32, a list",
            """
import numpy as np
def adam_update(w, g, m, v, t, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    f = np.float32
    m = f(beta1) * m.astype(f) + f(1 - beta1) * g.astype(f)
    v = f(beta2) * v.astype(f) + f(1 - beta2) * g.astype(f) ** 2
    step = (m / f(1 - beta1**t)) / (np.sqrt(v / f(1 - beta2**t)) + f(eps))
    return [w.astype(f) - f(rate) * step, m, v]
""",
        ),
    ],
)
