"""Batch normalisation, forward in training and in use, and backward."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, replaced
from visionlab.checks.draws import quarters, read_only_view, several, whole

CLOSE = Tolerance(1e-5, 1e-5)


def settings(features, mode="train", eps=0.0, momentum=0.75, mean=0.0, var=1.0):
    """Parameters of a layer that has seen nothing yet."""
    running = {"running_mean": np.full(features, mean), "running_var": np.full(features, var)}
    return {"mode": mode, "eps": eps, "momentum": momentum} | running


# ---------------------------------------------------------------------------------------------------------------------
# batchnorm_forward


def normalised(student, x, gamma, beta, bn_param):
    """The output and the new running statistics by name."""
    out, _, after = several(student(x, gamma, beta, bn_param))
    return {"out": out, "running_mean": after["running_mean"], "running_var": after["running_var"]}


def norm_tiny(student, rng):
    """two rows of one number, 1 and 3: mean 2, variance 1"""
    return {"out": normalised(student, np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), settings(1))["out"]}


def norm_spread(student, rng):
    """four rows of one number, 0, 0, 4 and 4: mean 2, variance 4"""
    x = np.array([[0.0], [0.0], [4.0], [4.0]])
    return {"out": normalised(student, x, np.ones(1), np.zeros(1), settings(1))["out"]}


def norm_scale_and_shift(student, rng):
    """two rows of two numbers, with γ = (10, 20) and β = (1, −2)"""
    x = np.array([[1.0, 8.0], [3.0, 2.0]])
    return {"out": normalised(student, x, np.array([10.0, 20.0]), np.array([1.0, -2.0]), settings(2))["out"]}


def norm_epsilon(student, rng):
    """variance 1 and ε = 3, so that the sum has the root 2"""
    return {"out": normalised(student, np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), settings(1, eps=3.0))["out"]}


def norm_running(student, rng):
    """the running statistics after one batch of mean 2 and variance 4, with momentum 0.75"""
    x = np.array([[0.0], [0.0], [4.0], [4.0]])
    return normalised(student, x, np.ones(1), np.zeros(1), settings(1, mean=10.0, var=8.0))


def norm_running_twice(student, rng):
    """two batches, one after the other"""
    first, second = np.array([[0.0, 2.0], [4.0, 2.0]]), np.array([[1.0, -1.0], [3.0, 7.0]])
    _, _, bn_param = several(student(first, np.ones(2), np.zeros(2), settings(2, eps=1.0)))
    return normalised(student, second, np.ones(2), np.zeros(2), bn_param)


def norm_in_use(student, rng):
    """mode "eval": the running statistics, mean 10 and variance 16, are used and stay as they are"""
    x = np.array([[2.0], [14.0], [10.0]])
    return normalised(student, x, np.array([5.0]), np.array([1.0]), settings(1, "eval", mean=10.0, var=16.0))


def norm_one_row_in_use(student, rng):
    """mode "eval" with a single row"""
    bn_param = settings(3, "eval", eps=1.0, mean=2.0, var=8.0)
    return normalised(student, whole(rng, 1, 3) + 5, np.array([1.0, 2.0, -1.0]), np.zeros(3), bn_param)


def norm_one_row(student, rng):
    """a batch of a single row in training: the output is β"""
    x = np.array([[5.0, -3.0]])
    return normalised(student, x, np.array([2.0, 3.0]), np.array([7.0, -1.0]), settings(2, eps=1.0))


def norm_kept(student, rng):
    """what is kept for the way back: x̂, γ and the deviation, the root of variance + ε"""
    x = np.array([[1.0, 8.0], [3.0, 2.0]])
    out, cache, _ = several(student(x, np.array([10.0, 20.0]), np.array([1.0, -2.0]), settings(2)))
    return {"out": out, "cache": tuple(cache)}


def norm_other_settings(student, rng):
    """what else stands in `bn_param` is handed on"""
    _, _, after = several(student(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), settings(1, momentum=0.5)))
    return {"mode": after["mode"], "eps": after["eps"], "momentum": after["momentum"]}


def norm_far_from_zero(student, rng):
    """numbers far from 0 in float32: 5001, 5003"""
    x = np.array([[5001.0, 0.5], [5003.0, 1.5]], dtype=np.float32)
    return {"out": normalised(student, x, np.ones(2), np.zeros(2), settings(2))["out"]}


def norm_whole_numbers(student, rng):
    """whole numbers (dtype int64), in an array that is read-only and not contiguous"""
    x = read_only_view(rng.integers(-5, 6, (5, 3)))
    return normalised(student, x, quarters(rng, 3) + 3, quarters(rng, 3), settings(3, eps=0.5))


def norm_drawn(student, rng):
    """batches drawn at random, several in a row"""
    features = int(rng.integers(1, 5))
    bn_param = settings(features, eps=1e-5, momentum=0.9)
    gamma, beta, seen = quarters(rng, features) + 3, quarters(rng, features), {}
    for draw in range(3):
        x = 4 * quarters(rng, int(rng.integers(2, 9)), features) + 10 * draw
        out, cache, bn_param = several(student(x, gamma, beta, bn_param))
        seen |= {f"out {draw + 1}": out, f"cache {draw + 1}": tuple(cache)}
    seen |= {f"{name} at the end": bn_param[name] for name in ("running_mean", "running_var")}
    in_use = normalised(student, quarters(rng, 2, features), gamma, beta, bn_param | {"mode": "eval"})
    return seen | {f"{name}, in use": value for name, value in in_use.items()}


def norm_larger(student, rng):
    """a batch of 60 rows of 20 numbers in float32"""
    x = read_only_view(quarters(rng, 60, 20).astype(np.float32))
    return normalised(student, x, quarters(rng, 20) + 3, quarters(rng, 20), settings(20, eps=1e-3, momentum=0.9))


RUNNING_IN_PLACE = """
import numpy as np
def batchnorm_forward(x, gamma, beta, bn_param):
    eps, momentum = bn_param["eps"], bn_param["momentum"]
    if bn_param["mode"] == "train":
        mean, var = x.mean(axis=0), x.var(axis=0)
        bn_param["running_mean"] = momentum * bn_param["running_mean"] + (1 - momentum) * mean
        bn_param["running_var"] = momentum * bn_param["running_var"] + (1 - momentum) * var
    else:
        mean, var = bn_param["running_mean"], bn_param["running_var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std), bn_param
"""

BATCHNORM_FORWARD = Exercise(
    "batchnorm_forward",
    points=5,
    cases=[
        Case(norm_tiny, tolerance=CLOSE),
        Case(norm_spread, tolerance=CLOSE),
        Case(norm_scale_and_shift, tolerance=CLOSE),
        Case(norm_epsilon, tolerance=CLOSE),
        Case(norm_running, tolerance=CLOSE),
        Case(norm_running_twice, tolerance=CLOSE),
        Case(norm_in_use, tolerance=CLOSE),
        Case(norm_one_row_in_use, tolerance=CLOSE),
        Case(norm_one_row, tolerance=CLOSE),
        Case(norm_kept, tolerance=CLOSE),
        Case(norm_other_settings),
        Case(norm_far_from_zero, tolerance=Tolerance(1e-4, 1e-4)),
        Case(norm_whole_numbers, tolerance=CLOSE),
        Case(norm_drawn, hidden=True, weight=3, tolerance=Tolerance(1e-4, 1e-5)),
        Case(norm_larger, hidden=True, tolerance=Tolerance(1e-4, 1e-4)),
    ],
    bugs=[
        Bug(
            "statistics along the wrong axis",
            "You take mean and variance of each *row*. Batch normalisation takes them of each feature (column) "
            "over the batch: axis 0.",
            ("x.mean(axis=0), x.var(axis=0)", "x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)"),
        ),
        Bug(
            "one mean for all features",
            "You take one mean and one variance over the whole array. Each feature (column) has its own: axis 0.",
            ("x.mean(axis=0), x.var(axis=0)", "x.mean(), x.var()"),
        ),
        Bug(
            "variance with N − 1",
            "You divide the sum of squares by N − 1. Here, as everywhere in batch normalisation's forward "
            "pass, it is divided by N. (`torch.var` takes N − 1 unless told otherwise, `np.var` takes N.)",
            ("x.var(axis=0)", "((x - x.mean(axis=0)) ** 2).sum(axis=0) / (len(x) - 1)"),
        ),
        Bug(
            "running variance with N − 1",
            "Your output is right, but for the *running* variance you divide by N − 1. PyTorch does so; here "
            "it is the same variance as in the output, with N.",
            ("(1 - momentum) * var\n", "(1 - momentum) * var * len(x) / (len(x) - 1)\n"),
        ),
        Bug(
            "mean not subtracted",
            "You divide by the deviation without subtracting the mean first.",
            ("(x - mean) / std", "x / std"),
        ),
        Bug(
            "divided by the variance",
            "You divide by the variance. To make the *deviation* 1 divide by its square root.",
            ("np.sqrt(var + eps)", "(var + eps)"),
        ),
        Bug(
            "ε added to the deviation",
            "You add ε after the root. It goes inside: the root of (variance + ε).",
            ("np.sqrt(var + eps)", "(np.sqrt(var) + eps)"),
        ),
        Bug(
            "ε ignored",
            "You don't use `eps`. Where all numbers of a feature are equal you would divide by 0.",
            ("np.sqrt(var + eps)", "np.sqrt(var)"),
        ),
        Bug(
            "ε fixed",
            'You use a fixed ε in place of `bn_param["eps"]`.',
            ("np.sqrt(var + eps)", "np.sqrt(var + 1e-5)"),
        ),
        Bug(
            "γ and β exchanged",
            "You multiply by β and add γ. γ is the factor, β is added.",
            ("gamma * x_hat + beta", "beta * x_hat + gamma"),
        ),
        Bug(
            "γ and β left out",
            "You return x̂ itself. The layer's output is γ·x̂ + β.",
            ("gamma * x_hat + beta", "x_hat * 1.0"),
        ),
        Bug(
            "β left out",
            "You never add β. The layer's output is γ·x̂ + β.",
            ("gamma * x_hat + beta", "gamma * x_hat"),
        ),
        Bug(
            "momentum on the other side",
            "You give the *new* batch the share `momentum`. That is PyTorch's way of counting (with 0.1); here "
            "`momentum` is the share of the old value that is kept.",
            (
                'momentum * bn_param["running_mean"] + (1 - momentum) * mean',
                '(1 - momentum) * bn_param["running_mean"] + momentum * mean',
            ),
            (
                'momentum * bn_param["running_var"] + (1 - momentum) * var',
                '(1 - momentum) * bn_param["running_var"] + momentum * var',
            ),
        ),
        Bug(
            "running statistics subtracted",
            "You *subtract* the batch's share from the running statistics. It is added: both shares together make 1.",
            ("+ (1 - momentum)", "- (1 - momentum)"),
        ),
        Bug(
            "running statistics without forgetting",
            "You add the batch's share without making the old one smaller, so the running statistics grow and grow.",
            ("momentum * bn_param", "bn_param"),
        ),
        Bug(
            "running statistics replaced",
            "You replace the running statistics by those of the last batch. They are a mixture: `momentum` "
            "times the old one plus (1 − momentum) times the new one.",
            ('momentum * bn_param["running_mean"] + (1 - momentum) * mean', "mean"),
            ('momentum * bn_param["running_var"] + (1 - momentum) * var', "var"),
        ),
        Bug(
            "running statistics not handed back",
            "You return the running statistics as they came. In training they move a little with every batch; "
            "return the new ones in the new `bn_param`.",
            ('bn_param = bn_param | {"running_mean": new_mean, "running_var": new_var}', "pass"),
        ),
        Bug(
            "running deviation in place of variance",
            "You keep the running *deviation* in `running_var`. It is the variance that is kept, without ε and "
            "without a root.",
            ("(1 - momentum) * var\n", "(1 - momentum) * np.sqrt(var)\n"),
        ),
        Bug(
            "ε in the running variance",
            "You put ε into the running variance. It is added only where one divides.",
            ("(1 - momentum) * var\n", "(1 - momentum) * (var + eps)\n"),
        ),
        Bug(
            "batch statistics in use",
            'In mode "eval" you normalise with the batch\'s own mean and variance. In use the answer for one '
            "image must not depend on the others: take the running ones.",
            (
                'mean, var = bn_param["running_mean"], bn_param["running_var"]',
                "mean, var = x.mean(axis=0), x.var(axis=0)",
            ),
        ),
        Bug(
            "running statistics moved in use",
            'In mode "eval" you move the running statistics. They only learn in training.',
            (
                'mean, var = bn_param["running_mean"], bn_param["running_var"]\n',
                'mean, var = bn_param["running_mean"], bn_param["running_var"]\n'
                "        new_mean = momentum * mean + (1 - momentum) * x.mean(axis=0)\n"
                "        new_var = momentum * var + (1 - momentum) * x.var(axis=0)\n"
                '        bn_param = bn_param | {"running_mean": new_mean, "running_var": new_var}\n',
            ),
        ),
        Bug(
            "running statistics in training",
            "In training you normalise with the *running* statistics. There it is the batch's own mean and "
            "variance; the running ones are for use.",
            ("    std =", '    if bn_param["mode"] == "train":\n        mean, var = new_mean, new_var\n    std ='),
        ),
        Bug(
            "bn_param changed in place",
            "You write the new running statistics into the dict that you were given (or into an array in it). "
            "In this assignment nothing is changed in place: make a new dict, `bn_param | {…}`, with new "
            "arrays.",
            source=RUNNING_IN_PLACE,
        ),
        Bug(
            "x centred in place",
            "You subtract the mean from `x` itself (`-=`). It belongs to whoever called you: make a new array.",
            ("    x_hat = (x - mean) / std", "    x -= mean\n    x_hat = x / std"),
        ),
        Bug(
            "cache overwritten by the output",
            "You scale and shift x̂ in place (`*=`, `+=`), so the cache, which holds the same array, is "
            "changed as well. Make a new array for the output.",
            (
                "    out = gamma * x_hat + beta",
                "    x_hat *= gamma\n    x_hat += beta\n    out = x_hat",
            ),
        ),
        Bug(
            "variance kept instead of the deviation",
            "Your output is right, but in the cache the third part should be the *deviation*, the root of "
            "variance + ε. You keep the variance.",
            ("(x_hat, gamma, std)", "(x_hat, gamma, var)"),
        ),
        Bug(
            "centred instead of normalised x kept",
            "Your output is right, but in the cache the first part should be x̂, centred *and* divided by the "
            "deviation. You keep the centred one.",
            ("(x_hat, gamma, std)", "(x - mean, gamma, std)"),
        ),
        Bug(
            "variance as a difference of squares",
            "You take the variance as mean of squares minus square of the mean. Far from 0 these are two huge, "
            "nearly equal numbers, and in float32 nothing is left of their difference. Subtract the mean "
            "first, then square.",
            ("x.var(axis=0)", "np.maximum((x**2).mean(axis=0) - x.mean(axis=0) ** 2, 0)"),
        ),
        Bug(
            "other settings lost",
            "Your new `bn_param` holds the running statistics alone. Hand on the other entries as well, mode, "
            "eps and momentum: the next batch needs them.",
            ("bn_param = bn_param | {", "bn_param = {"),
        ),
        Bug(
            "two results",
            "You return two things. Three are asked for: the output, the cache, and the new `bn_param`.",
            ("return out, (x_hat, gamma, std), bn_param", "return out, (x_hat, gamma, std)"),
        ),
    ],
    correct=[
        Correct(
            "column by column",
            """
import numpy as np
def batchnorm_forward(x, gamma, beta, bn_param):
    new = dict(bn_param)
    N, D = x.shape
    x_hat, std = np.zeros((N, D)), np.zeros(D)
    running_mean, running_var = np.array(bn_param["running_mean"]), np.array(bn_param["running_var"])
    for d in range(D):
        column = [float(v) for v in x[:, d]]
        if bn_param["mode"] == "eval":
            mean, var = running_mean[d], running_var[d]
        else:
            mean = sum(column) / N
            var = sum((v - mean) ** 2 for v in column) / N
            m = bn_param["momentum"]
            running_mean[d] = m * running_mean[d] + (1 - m) * mean
            running_var[d] = m * running_var[d] + (1 - m) * var
        std[d] = (var + bn_param["eps"]) ** 0.5
        x_hat[:, d] = [(v - mean) / std[d] for v in column]
    new["running_mean"], new["running_var"] = running_mean, running_var
    return x_hat * gamma + beta, (x_hat, gamma, std), new
""",
        ),
        Correct(
            "a step towards the batch, a list",
            """
import numpy as np
def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, share = bn_param["mode"], bn_param["eps"], 1 - bn_param["momentum"]
    mu, v = bn_param["running_mean"], bn_param["running_var"]
    if mode == "train":
        batch_mu = np.average(x, axis=0)
        batch_v = np.square(x - batch_mu).sum(0) / x.shape[0]
        after = {**bn_param, "running_mean": mu + share * (batch_mu - mu), "running_var": v + share * (batch_v - v)}
        mu, v = batch_mu, batch_v
    else:
        after = bn_param
    deviation = (v + eps) ** 0.5
    z = (x - mu) / deviation
    return [z * gamma[None] + beta[None], [z, gamma, deviation], after]
""",
        ),
        Correct(
            "torch, with its momentum turned round",
            """
import numpy as np
import torch
def batchnorm_forward(x, gamma, beta, bn_param):
    t = torch.tensor(np.array(x, dtype=np.float64))
    if bn_param["mode"] == "train":
        mean, var = t.mean(0), t.var(0, correction=0)
        keep = bn_param["momentum"]
        bn_param = bn_param | {
            "running_mean": torch.lerp(mean, torch.tensor(bn_param["running_mean"]), keep).numpy(),
            "running_var": torch.lerp(var, torch.tensor(bn_param["running_var"]), keep).numpy(),
        }
    else:
        mean, var = torch.tensor(bn_param["running_mean"]), torch.tensor(bn_param["running_var"])
    std = torch.sqrt(var + bn_param["eps"])
    x_hat = (t - mean) / std
    return x_hat * torch.tensor(gamma) + torch.tensor(beta), (x_hat, torch.tensor(gamma), std), bn_param
""",
        ),
        Correct(
            "float32, views",
            """
import numpy as np
def batchnorm_forward(x, gamma, beta, bn_param):
    rows = x.astype(np.float32).T
    param = dict(bn_param)
    if param["mode"] == "train":
        mean = rows.mean(axis=1)
        var = ((rows - mean[:, None]) ** 2).mean(axis=1)
        for name, value in (("running_mean", mean), ("running_var", var)):
            param[name] = param["momentum"] * param[name] + (1 - param["momentum"]) * value
    else:
        mean, var = param["running_mean"], param["running_var"]
    std = np.sqrt(var + param["eps"])
    x_hat = ((rows - mean[:, None]) / std[:, None]).T
    return x_hat * gamma + beta, (x_hat, gamma, std), param
""",
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# batchnorm_backward


def made(rng, rows, features, dtype=float):
    """What forward keeps of a batch drawn at random."""
    x = 4 * quarters(rng, rows, features)
    x[:2] += np.array([[3.0], [-5.0]])  # no feature in which all numbers are equal
    std = np.sqrt(x.var(axis=0) + 0.5)
    return ((x - x.mean(axis=0)) / std).astype(dtype), (quarters(rng, features) + 3).astype(dtype), std.astype(dtype)


def back(student, dout, cache):
    """The three gradients by name."""
    dx, dgamma, dbeta = several(student(dout, cache))
    return {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}


def norm_back_tiny(student, rng):
    """four rows of one number: x̂ is −1, −1, 1, 1, the deviation 2, γ = 3"""
    cache = (np.array([[-1.0], [-1.0], [1.0], [1.0]]), np.array([3.0]), np.array([2.0]))
    return back(student, np.array([[8.0], [0.0], [4.0], [0.0]]), cache)


def norm_back_same(student, rng):
    """the same gradient from all rows: nothing reaches `x`, for the mean takes it away"""
    cache = (np.array([[-1.0], [-1.0], [1.0], [1.0]]), np.array([3.0]), np.array([2.0]))
    return back(student, np.full((4, 1), 5.0), cache)


def norm_back_along(student, rng):
    """a gradient along x̂: nothing reaches `x`, for the division takes it away"""
    x_hat = np.array([[-1.0, 1.0], [-1.0, -1.0], [1.0, 1.0], [1.0, -1.0]])
    return back(student, x_hat * np.array([2.0, -3.0]), (x_hat, np.array([3.0, 0.5]), np.array([2.0, 4.0])))


def norm_back_rows(student, rng):
    """three rows of two numbers"""
    return back(student, whole(rng, 3, 2, low=-9, high=9), made(rng, 3, 2))


def norm_back_square(student, rng):
    """three rows of three numbers: here nothing fails for its shape"""
    return back(student, whole(rng, 3, 3, low=-9, high=9), made(rng, 3, 3))


def norm_back_view(student, rng):
    """five rows of three numbers, read-only and not contiguous"""
    x_hat, gamma, std = made(rng, 5, 3)
    return back(student, read_only_view(whole(rng, 5, 3)), (read_only_view(x_hat), gamma, std))


def norm_back_float32(student, rng):
    """four rows of five numbers in float32"""
    return back(student, quarters(rng, 4, 5).astype(np.float32), made(rng, 4, 5, np.float32))


def norm_back_drawn(student, rng):
    """batches drawn at random"""
    seen = {}
    for draw in range(4):
        rows, features = (int(n) for n in rng.integers([3, 1], [9, 6]))
        found = back(student, whole(rng, rows, features, low=-9, high=9), made(rng, rows, features))
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    return seen


def norm_back_larger(student, rng):
    """a batch of 60 rows of 20 numbers"""
    return back(student, quarters(rng, 60, 20), made(rng, 60, 20))


IN_STEPS = """
import numpy as np
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    N = len(dout)
    centred = x_hat * std
    dx_hat = dout * gamma
    dvar = (dx_hat * centred).sum(axis=0) * -0.5 / std**3
    dmean = -(dx_hat / std).sum(axis=0) + dvar * (-2 * centred).mean(axis=0)
    dx = dx_hat / std + dvar * 2 * centred / N + dmean / N
    return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
"""

BATCHNORM_BACKWARD = Exercise(
    "batchnorm_backward",
    points=4,
    cases=[
        Case(norm_back_tiny, tolerance=CLOSE),
        Case(norm_back_same, tolerance=CLOSE),
        Case(norm_back_along, tolerance=CLOSE),
        Case(norm_back_rows, tolerance=CLOSE),
        Case(norm_back_square, tolerance=CLOSE),
        Case(norm_back_view, tolerance=CLOSE),
        Case(norm_back_float32, tolerance=CLOSE),
        Case(norm_back_drawn, hidden=True, weight=3, tolerance=CLOSE),
        Case(norm_back_larger, hidden=True, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "mean and variance treated as constants",
            "You multiply by γ and divide by the deviation, and stop there. But mean and variance are made "
            "from `x` too: if one x grows, both move, and *all* outputs with them. Follow these two ways back "
            "as well.",
            ("(dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))", "dx_hat"),
        ),
        Bug(
            "way through the mean forgotten",
            "You follow the way through the variance, but not the one through the mean: x is used directly, in "
            "the mean, and in the variance.",
            ("dx_hat - dx_hat.mean(axis=0) - x_hat", "dx_hat - x_hat"),
        ),
        Bug(
            "way through the variance forgotten",
            "You follow the way through the mean, but not the one through the variance: x is used directly, in "
            "the mean, and in the variance.",
            (" - x_hat * (dx_hat * x_hat).mean(axis=0)", ""),
        ),
        Bug(
            "sums instead of means",
            "On the ways through mean and variance you forgot the 1/N: each x is only one N-th of the mean.",
            ("dx_hat.mean(axis=0)", "dx_hat.sum(axis=0)"),
            ("(dx_hat * x_hat).mean(axis=0)", "(dx_hat * x_hat).sum(axis=0)"),
        ),
        Bug(
            "slope of the square without its 2",
            "The variance is a mean of squares: on the way back each square gives a factor 2 (which later "
            "meets the ½ of the root). You have one of the two.",
            source=replaced(IN_STEPS, ("dvar * 2 * centred / N", "dvar * centred / N")),
        ),
        Bug(
            "slope of the root with the wrong power",
            "The slope of 1/√v is −½·v to the power of −3/2, which is −½ over the deviation *cubed*. You have "
            "another power.",
            source=replaced(IN_STEPS, ("std**3", "std**2")),
        ),
        Bug(
            "sign of the variance's way turned",
            "What comes back through the variance has the wrong sign: if the variance grows, x̂ *shrinks*. "
            "There is a minus in the slope of 1/√v.",
            ("- x_hat * (dx_hat", "+ x_hat * (dx_hat"),
        ),
        Bug(
            "γ forgotten",
            "Your `dx` doesn't depend on γ. On the way back from the output to x̂ the gradient is multiplied by γ.",
            ("dx_hat = dout * gamma", "dx_hat = dout * 1.0"),
        ),
        Bug(
            "not divided by the deviation",
            "Your `dx` isn't divided by the deviation. x̂ is (x − mean) over it, and so is what comes back.",
            (") / std", ") / 1.0"),
        ),
        Bug(
            "divided by the variance",
            "You divide by the deviation twice. x̂ is (x − mean) over the deviation, so what comes back is "
            "divided by it once.",
            (") / std", ") / std**2"),
        ),
        Bug(
            "means along the wrong axis",
            "You take the means over the features. Mean and variance were taken over the *batch*, axis 0.",
            ("dx_hat.mean(axis=0)", "dx_hat.mean(axis=1, keepdims=True)"),
            ("(dx_hat * x_hat).mean(axis=0)", "(dx_hat * x_hat).mean(axis=1, keepdims=True)"),
        ),
        Bug(
            "means over everything",
            "You take one mean over the whole array. Each feature has its own mean and variance: axis 0.",
            ("dx_hat.mean(axis=0)", "dx_hat.mean()"),
            ("(dx_hat * x_hat).mean(axis=0)", "(dx_hat * x_hat).mean()"),
        ),
        Bug(
            "γ's and β's gradients exchanged",
            "You return the gradient of β in γ's place. β is only added, so its gradient is the sum of `dout`; "
            "γ is multiplied by x̂.",
            (
                "return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)",
                "return dx, dout.sum(axis=0), (dout * x_hat).sum(axis=0)",
            ),
        ),
        Bug(
            "γ's and β's gradients as means",
            "For γ and β you take the mean over the batch. All rows use the same γ and β, so what comes back "
            "is *added*.",
            ("(dout * x_hat).sum(axis=0), dout.sum(axis=0)", "(dout * x_hat).mean(axis=0), dout.mean(axis=0)"),
        ),
        Bug(
            "γ's gradient with γ in it",
            "The gradient of γ is the sum of dout·x̂. You multiply it by γ as well.",
            ("return dx, (dout * x_hat)", "return dx, (dx_hat * x_hat)"),
        ),
        Bug(
            "γ's gradient without x̂",
            "The gradient of γ lacks x̂: γ is *multiplied* by x̂, so what comes back to it is dout·x̂, summed "
            "over the batch.",
            ("(dout * x_hat).sum(axis=0), dout", "dout.sum(axis=0), dout"),
        ),
        Bug(
            "γ's and β's gradients not summed",
            "For γ and β you return an array of the batch's shape. A gradient has the shape of its thing: sum "
            "over the batch.",
            ("(dout * x_hat).sum(axis=0), dout.sum(axis=0)", "dout * x_hat, dout"),
        ),
        Bug(
            "written into dout",
            "You change `dout` in place (`*=`). It belongs to whoever called you: make a new array.",
            ("dx_hat = dout * gamma", "dout *= gamma\n    dx_hat = dout"),
        ),
        Bug(
            "written into the cache",
            "You change x̂ in the cache in place (`*=`). A second walk through the same cache would then go "
            "wrong: make a new array.",
            ("    return dx,", "    x_hat *= std\n    return dx,"),
        ),
    ],
    correct=[
        Correct("in steps", IN_STEPS),
        Correct(
            "with N in front",
            """
import numpy as np
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    N = dout.shape[0]
    dbeta = np.sum(dout, axis=0)
    dgamma = np.einsum("nd,nd->d", dout, x_hat)
    dx = gamma / (N * std) * (N * dout - dbeta - x_hat * dgamma)
    return [dx, dgamma, dbeta]
""",
        ),
        Correct(
            "the Jacobian of each feature",
            """
import numpy as np
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    N, D = dout.shape
    dx = np.zeros((N, D))
    for d in range(D):
        column = x_hat[:, d]
        jacobian = (np.eye(N) - 1 / N - np.outer(column, column) / N) / std[d]
        dx[:, d] = jacobian.T @ (gamma[d] * dout[:, d])
    return dx, np.diag(dout.T @ x_hat), np.ones(N) @ dout
""",
        ),
        Correct(
            "torch in float32",
            """
import torch
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = (torch.tensor(a, dtype=torch.float32) for a in cache)
    g = torch.tensor(dout, dtype=torch.float32)
    x = (x_hat * std).requires_grad_()
    eps = std**2 - x.detach().var(0, correction=0)
    gamma.requires_grad_()
    beta = torch.zeros_like(gamma, requires_grad=True)
    out = gamma * (x - x.mean(0)) / torch.sqrt(x.var(0, correction=0) + eps) + beta
    out.backward(g)
    return x.grad, gamma.grad, beta.grad
""",
        ),
    ],
)
