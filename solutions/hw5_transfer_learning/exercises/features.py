"""Features of a pretrained network and linear probes on them, and which images may choose."""

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance
from visionlab.checks.draws import quarters, read_only_view, several, whole
from visionlab.checks.handle import beside
from visionlab.checks.networks import Watched, state
from visionlab.checks.transfer import Elsewhere

CLOSE = Tolerance(1e-4, 1e-5)


def floats(array):
    """The numbers of an array as a float32 tensor."""
    return torch.tensor(np.asarray(array), dtype=torch.float32)


# ---------------------------------------------------------------------------------------------------------------------
# prepare_images

MEAN, DEVIATION = (0.25, 0.5, 0.75), (0.5, 0.25, 0.125)


def some_bytes(rng, *shape):
    """Random pixels."""
    return rng.integers(0, 256, shape).astype(np.uint8)


def prepared(student, images, side, mean=MEAN, deviation=DEVIATION):
    """Prepare images; tell the result and its type."""
    out = student(images, side, mean, deviation)
    return {"out": out, "type": str(out.dtype)}


def prepare_one_grey(student, rng):
    """one grey image of 1×2 pixels, side 2"""
    return prepared(student, np.array([[[0, 255]]], dtype=np.uint8), 2, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def prepare_one_pixel(student, rng):
    """one pixel with three colours, side 1: each channel has its own mean and deviation"""
    return prepared(student, np.array([[[[51, 102, 255]]]], dtype=np.uint8), 1)


def prepare_grey(student, rng):
    """two grey images of 3×2"""
    return prepared(student, some_bytes(rng, 2, 3, 2), 3)


def prepare_grey_three_columns(student, rng):
    """two grey images of 2×3: three columns, which are no colours"""
    return prepared(student, some_bytes(rng, 2, 2, 3), 2)


def prepare_colours(student, rng):
    """two colour images of 3×4, side 3"""
    return prepared(student, some_bytes(rng, 2, 3, 4, 3), 3)


def prepare_as_it_is(student, rng):
    """a colour image that has the wanted size already"""
    return prepared(student, some_bytes(rng, 1, 2, 2, 3), 2)


def prepare_larger(student, rng):
    """an image of 2×2 becomes one of 5×5"""
    return prepared(student, some_bytes(rng, 1, 2, 2, 3), 5)


def prepare_smaller(student, rng):
    """an image of 8×6 becomes one of 3×3"""
    return prepared(student, some_bytes(rng, 1, 8, 6, 3), 3)


def prepare_read_only(student, rng):
    """an array that can't be written to, and whose numbers lie apart in memory"""
    return prepared(student, read_only_view(some_bytes(rng, 2, 3, 4, 3)), 4)


def prepare_drawn(student, rng):
    """sizes, means and deviations drawn at random"""
    seen = {}
    for draw in range(4):
        count, height, width, side = (int(n) for n in rng.integers(1, 8, 4))
        shape = (count, height, width, 3)[: 3 + draw % 2]
        mean, deviation = rng.uniform(0.2, 0.8, 3).tolist(), rng.uniform(0.1, 0.5, 3).tolist()
        found = prepared(student, some_bytes(rng, *shape), side + 1, mean, deviation)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


PREPARE_IMAGES = Exercise(
    "prepare_images",
    points=3,
    cases=[
        Case(prepare_one_grey, tolerance=CLOSE),
        Case(prepare_one_pixel, tolerance=CLOSE),
        Case(prepare_as_it_is, tolerance=CLOSE),
        Case(prepare_grey, tolerance=CLOSE),
        Case(prepare_grey_three_columns, tolerance=CLOSE),
        Case(prepare_colours, tolerance=CLOSE),
        Case(prepare_larger, tolerance=CLOSE),
        Case(prepare_smaller, tolerance=CLOSE),
        Case(prepare_read_only, tolerance=CLOSE),
        Case(prepare_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "bytes not scaled",
            "You leave the values between 0 and 255. Mean and deviation are for values from 0 to 1: divide by 255 "
            "first.",
            ("images.astype(np.float32)) / 255", "images.astype(np.float32))"),
        ),
        Bug(
            "reshaped instead of permuted",
            "You bring the array into another shape and leave its numbers in their old order, so that the colours of "
            "neighbouring pixels become channels. The axes must change places: `permute`.",
            ("values.permute(0, 3, 1, 2)", "values.reshape(len(values), 3, *values.shape[1:3])"),
        ),
        Bug(
            "rows and columns exchanged",
            "You exchange rows and columns: your images lie on their side. The order is (n, C, H, W).",
            ("values.permute(0, 3, 1, 2)", "values.permute(0, 3, 2, 1)"),
        ),
        Bug(
            "red and blue exchanged",
            "Your channels come as blue, green, red. The order stays as it is: red, green, blue.",
            ("values.permute(0, 3, 1, 2)", "values.permute(0, 3, 1, 2).flip(1)"),
        ),
        Bug(
            "mean along the columns",
            "Your mean and deviation are spread along the *last* axis, the columns. If there happen to be three of "
            "them you get no error. They belong to the channels: shape (3, 1, 1).",
            (".reshape(3, 1, 1)", ""),
        ),
        Bug(
            "mean along the rows",
            "Your mean and deviation are spread along the rows. They belong to the channels: shape (3, 1, 1).",
            (".reshape(3, 1, 1)", ".reshape(3, 1)"),
        ),
        Bug(
            "deviation forgotten",
            "You take the mean away and don't divide by the deviation.",
            ("(values - centre) / scale", "values - centre"),
        ),
        Bug(
            "mean forgotten",
            "You divide by the deviation and never take the mean away.",
            ("(values - centre) / scale", "values / scale"),
        ),
        Bug(
            "divided first",
            "You divide by the deviation first, and take the mean away then. It is the other way round.",
            ("(values - centre) / scale", "values / scale - centre"),
        ),
        Bug(
            "multiplied by the deviation",
            "You multiply by the deviation. Divide by it.",
            ("(values - centre) / scale", "(values - centre) * scale"),
        ),
        Bug(
            "deviation taken for a variance",
            "You divide by the square root of the deviation. It is no variance: divide by it as it is.",
            ("(values - centre) / scale", "(values - centre) / scale.sqrt()"),
        ),
        Bug(
            "normalised by its own statistics",
            "You use mean and deviation of the images that you have just been given. The network is used to those of "
            "its *source*, which came with the weights; and what an image becomes would depend on its neighbours.",
            (
                "    return (values",
                "    centre = values.mean(dim=(0, 2, 3), keepdim=True)\n"
                "    scale = values.std(dim=(0, 2, 3), correction=0, keepdim=True) + 1e-6\n    return (values",
            ),
        ),
        Bug(
            "one mean for all channels",
            "You use the same mean and deviation for all three channels. Each channel has its own.",
            ("    return (values", "    centre, scale = centre.mean(), scale.mean()\n    return (values"),
        ),
        Bug(
            "nearest pixel taken",
            'You enlarge by repeating pixels. Asked for is `mode="bilinear"`, which goes smoothly from one to the '
            "next.",
            ('mode="bilinear"', 'mode="nearest"'),
        ),
        Bug(
            "corners aligned",
            "You enlarge with `align_corners=True`. Leave that setting out: it puts the pixels at other places.",
            ('mode="bilinear"', 'mode="bilinear", align_corners=True'),
        ),
        Bug(
            "cubic",
            'You enlarge with cubic curves, which overshoot. Asked for is `mode="bilinear"`.',
            ('mode="bilinear"', 'mode="bicubic"'),
        ),
        Bug(
            "smoothed when made smaller",
            "You set `antialias`, which averages over more pixels when an image is made smaller. Asked for is the "
            'plain `mode="bilinear"`.',
            ('mode="bilinear"', 'mode="bilinear", antialias=True'),
        ),
        Bug(
            "resized as bytes",
            "You resize while the values are still bytes, so they are rounded to whole numbers on the way. Make them "
            "floats first.",
            ("torch.from_numpy(images.astype(np.float32)) / 255", "torch.tensor(images)"),
            ("    centre, scale", "    values = values.float() / 255\n    centre, scale"),
        ),
        Bug(
            "grey in the first channel only",
            "You put a grey image into the first channel and leave the others black: it is red now. All three channels "
            "get the same values.",
            (
                "values = values[:, None].repeat(1, 3, 1, 1)",
                "values = torch.stack([values, 0 * values, 0 * values], 1)",
            ),
        ),
        Bug(
            "a third of the grey in each channel",
            "You share a grey image out among the channels, a third each: it is too dark. Each channel gets all of it.",
            (".repeat(1, 3, 1, 1)", ".repeat(1, 3, 1, 1) / 3"),
        ),
        Bug(
            "three columns taken for colours",
            "You tell colour images by a last axis of length 3. A grey image can be three columns wide: count the "
            "axes.",
            ("if images.ndim == 3", "if images.shape[-1] != 3"),
            ("else values.permute", "else (values if values.ndim == 4 else values[None]).permute"),
        ),
        Bug(
            "grey not expected",
            "Your code breaks down on grey images, which have no axis for colours.",
            ("if images.ndim == 3", "if False"),
        ),
        Bug(
            "float64",
            "Your result is in 64-bit floats. The network's weights are 32-bit floats.",
            ("(values - centre) / scale", "((values - centre) / scale).double()"),
        ),
        Bug(
            "not resized",
            "You leave the images in their own size. The network wants side × side.",
            ("size=(side, side)", "size=tuple(values.shape[2:])"),
        ),
        Bug(
            "cropped to a square",
            "You cut a square out of images that aren't square. Here they are stretched.",
            (
                "    values = nn.functional",
                "    short = min(values.shape[2:])\n    values = values[:, :, :short, :short]\n"
                "    values = nn.functional",
            ),
        ),
    ],
    correct=[
        Correct(
            "numpy until the size",
            """
import numpy as np
import torch
def prepare_images(images, side, mean, deviation):
    x = np.asarray(images, dtype=np.float32) / 255
    x = np.stack([x] * 3, axis=1) if x.ndim == 3 else x.transpose(0, 3, 1, 2)
    x = (x - np.asarray(mean).reshape(1, 3, 1, 1)) / np.asarray(deviation).reshape(1, 3, 1, 1)
    x = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
    return torch.nn.functional.interpolate(x, size=(side, side), mode="bilinear")
""",
        ),
        Correct(
            "one channel broadcast to three",
            """
import torch
def prepare_images(images, side, mean, deviation):
    x = torch.as_tensor(images.copy()).to(torch.float32).div(255)
    x = x.unsqueeze(1) if images.ndim == 3 else torch.movedim(x, -1, 1)
    x = torch.nn.functional.interpolate(x, size=side, mode="bilinear", align_corners=False)
    return (x - torch.tensor(mean).view(1, -1, 1, 1)) / torch.tensor(deviation).view(1, -1, 1, 1)
""",
        ),
        Correct(
            "image by image, channel by channel",
            """
import numpy as np
import torch
def prepare_images(images, side, mean, deviation):
    out = torch.empty(len(images), 3, side, side)
    for n, image in enumerate(images):
        for c in range(3):
            plane = image if image.ndim == 2 else image[..., c]
            plane = torch.tensor(plane.astype(np.float32))[None, None]
            big = torch.nn.functional.interpolate(plane, size=(side, side), mode="bilinear")[0, 0]
            out[n, c] = (big / 255 - mean[c]) / deviation[c]
    return out
""",
        ),
        Correct(
            "einops by hand, scale and shift in one",
            """
import torch
def prepare_images(images, side, mean, deviation):
    x = torch.tensor(images, dtype=torch.float32)
    if x.dim() == 3:
        x = x[..., None].expand(-1, -1, -1, 3)
    x = torch.nn.Upsample(size=(side, side), mode="bilinear")(x.permute(0, 3, 1, 2))
    a = 1 / (255 * torch.tensor(deviation, dtype=torch.float32))
    b = -torch.tensor(mean, dtype=torch.float32) / torch.tensor(deviation, dtype=torch.float32)
    return x * a[:, None, None] + b[:, None, None]
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# extract_features


def tiny_body(student, *more):
    """A body from images (n, 1, 2, 2) to three features; further layers may follow."""
    linear = beside(student, torch.nn.Linear, 4, 3)
    weights = floats([[1, 0, -1, 0.5], [0, 2, 0, 1], [-0.5, 0, 1, 0]])
    linear.load_state_dict({"weight": weights, "bias": floats([0, 1, -1])})
    layers = [beside(student, kind, *settings) for kind, *settings in more]
    return beside(student, torch.nn.Sequential, beside(student, torch.nn.Flatten), linear, *layers)


def tiny_images(rng, count):
    """Images of 2×2 with one channel."""
    return floats(whole(rng, count, 1, 2, 2))


def watched(student, rng, count, batch_size, mode="train"):
    """Extract features with a body that notes how it is used."""
    body = beside(student, Watched, tiny_body(student)).train(mode == "train")
    found = {"features": student(body, tiny_images(rng, count), batch_size)}
    return found | {"images, mode, autograd": body.seen, "in training mode afterwards": body.training}


def extract_one(student, rng):
    """one image, a body that is in mode "eval" already"""
    return watched(student, rng, 1, 4, "eval")


def extract_two_batches(student, rng):
    """three images, two in a batch: the last batch is smaller"""
    return watched(student, rng, 3, 2, "eval")


def extract_even(student, rng):
    """four images, two in a batch: nothing is left over"""
    return watched(student, rng, 4, 2, "eval")


def extract_few(student, rng):
    """three images where eight would fit into a batch"""
    return watched(student, rng, 3, 8, "eval")


def extract_mode(student, rng):
    """a body that comes in mode "train": how it is used, and how it is left"""
    return watched(student, rng, 5, 2)


def extract_with_normalisation(student, rng):
    """a body with batch normalisation that comes in mode "train": its running statistics are used, and stay"""
    body = tiny_body(student, (torch.nn.BatchNorm1d, 3))
    before = beside(student, state, body)
    features = student(body, tiny_images(rng, 5), 3)
    after = beside(student, state, body)
    same = all(bool((before[name] == after[name]).all()) for name in before)
    return {"features": features, "nothing has changed": same}


def extract_with_dropout(student, rng):
    """a body with dropout, p = 1, that comes in mode "train": nothing would get through"""
    return {"features": student(tiny_body(student, (torch.nn.Dropout, 1.0)), tiny_images(rng, 4), 2)}


def extract_elsewhere(student, rng):
    """a body on another device (a pretended one, called "meta"), the images on the processor"""
    body = beside(student, Elsewhere)
    features = student(body, tiny_images(rng, 3), 2)
    return {"devices on which the batches lay": body.seen, "shape of the features": list(features.shape)}


def extract_drawn(student, rng):
    """numbers of images and batch sizes drawn at random"""
    seen = {}
    for draw in range(4):
        count, size = int(rng.integers(2, 20)), int(rng.integers(1, 8))
        found = watched(student, rng, count, size, ("train", "eval")[draw % 2])
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


EXTRACT_FEATURES = Exercise(
    "extract_features",
    points=4,
    cases=[
        Case(extract_one, tolerance=CLOSE),
        Case(extract_two_batches, tolerance=CLOSE),
        Case(extract_even, tolerance=CLOSE),
        Case(extract_few, tolerance=CLOSE),
        Case(extract_mode, tolerance=CLOSE),
        Case(extract_with_normalisation, tolerance=CLOSE),
        Case(extract_with_dropout, tolerance=CLOSE),
        Case(extract_elsewhere, tolerance=CLOSE),
        Case(extract_drawn, hidden=True, weight=3, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "mode for use not set",
            'You take the body in whatever mode it is. In mode "train" dropout drops, batch normalisation uses the '
            "statistics of the batch, and even changes its own: the features would be others each time.",
            ("    body.eval()\n", ""),
        ),
        Bug(
            "mode not set back",
            'You leave the body in mode "eval". Set it back to the mode in which it came.',
            ("    body.train(came_in_training)\n", ""),
        ),
        Bug(
            "always set to training",
            'You set the body to mode "train" at the end. If it came in mode "eval", it should leave in it.',
            ("body.train(came_in_training)", "body.train()"),
        ),
        Bug(
            "mode for training set",
            'You set the body to mode "train" before you use it. These features are to be used, not learned: `eval`.',
            ("    body.eval()\n", "    body.train()\n"),
        ),
        Bug(
            "mode asked for too late",
            "You ask for the body's mode after you have set it, so you always set it back to what you have set.",
            ("    came_in_training = body.training\n", ""),
            ("    body.eval()\n", "    body.eval()\n    came_in_training = body.training\n"),
        ),
        Bug(
            "autograd watches",
            "You let autograd watch. It keeps what gradients would need, of every layer and every batch, until memory "
            "is full: `with torch.no_grad():`.",
            ("with torch.no_grad():", "if True:"),
        ),
        Bug(
            "all at once",
            "You send all images through at once. A few thousand would not fit into memory: take `batch_size` at a "
            "time.",
            ("range(0, len(images), batch_size)", "range(1)"),
            ("images[start : start + batch_size]", "images"),
        ),
        Bug(
            "one image at a time",
            "You send the images through one by one. That takes far longer: take `batch_size` at a time.",
            ("range(0, len(images), batch_size)", "range(len(images))"),
            ("start + batch_size", "start + 1"),
        ),
        Bug(
            "last batch left out",
            "What doesn't fill a whole batch gets no features. The last batch may be smaller.",
            ("range(0, len(images), batch_size)", "range(0, len(images) - batch_size + 1, batch_size)"),
            ("torch.cat(rows)", "torch.cat(rows) if rows else torch.empty(0, 3)"),
        ),
        Bug(
            "last batch only",
            "You return the features of the last batch alone.",
            ("rows.append(body(batch).cpu())", "rows = [body(batch).cpu()]"),
        ),
        Bug(
            "first batch only",
            "You stop after the first batch.",
            ("rows.append(body(batch).cpu())", "rows.append(body(batch).cpu())\n            break"),
        ),
        Bug(
            "batch size taken for the number of batches",
            "You make `batch_size` batches. It is the number of images in each.",
            ("range(0, len(images), batch_size)", "range(0, len(images), -(-len(images) // batch_size))"),
            ("start + batch_size", "start - (-len(images) // batch_size)"),
        ),
        Bug(
            "batches overlap",
            "Your batches overlap by an image: a slice ends *before* its second number.",
            ("start + batch_size]", "start + batch_size + 1]"),
        ),
        Bug(
            "batches not moved",
            "You hand images to the body where they are. If the body's parameters are on a GPU, they must go there: "
            "`.to(device)`, batch by batch.",
            (".to(where)", ""),
        ),
        Bug(
            "side by side",
            "You put the features of the batches side by side instead of one below the other.",
            ("torch.cat(rows)", "torch.cat(rows, dim=1) if len({len(r) for r in rows}) == 1 else torch.cat(rows).T"),
        ),
        Bug(
            "a batch more as an axis",
            "You stack the batches along a new axis. The result is (N, D): put them one below the other, `torch.cat`.",
            ("torch.cat(rows)", "torch.stack(rows)"),
        ),
        Bug(
            "a list of batches",
            "You return a list with the features of each batch. Asked for is one tensor: `torch.cat`.",
            ("return torch.cat(rows)", "return rows"),
        ),
    ],
    correct=[
        Correct(
            "split and inference mode",
            """
import torch
def extract_features(body, images, batch_size):
    mode = body.training
    on = next(iter(body.state_dict().values())).device
    body.train(False)
    try:
        with torch.inference_mode():
            return torch.cat([body(part.to(on)).to("cpu") for part in images.split(batch_size)])
    finally:
        body.train(mode)
""",
        ),
        Correct(
            "decorated, filled in place",
            """
import torch
@torch.no_grad()
def extract_features(body, images, batch_size):
    was_training, on, out = body.training, [p.device for p in body.parameters()][0], None
    body.eval()
    for i in range(0, images.shape[0], batch_size):
        part = body(images[i:i + batch_size].to(on)).cpu()
        if out is None:
            out = torch.empty(images.shape[0], *part.shape[1:])
        out[i:i + len(part)] = part
    if was_training:
        body.train()
    return out
""",
        ),
        Correct(
            "a data loader",
            """
import torch
def extract_features(body, images, batch_size):
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=batch_size)
    before = body.training
    body.eval()
    found = []
    for (batch,) in loader:
        with torch.set_grad_enabled(False):
            found.extend(body(batch.to(next(body.parameters()).device)).cpu().unbind())
    body.train(before)
    return torch.stack(found)
""",
        ),
        Correct(
            "a while loop",
            """
import torch
def extract_features(body, images, batch_size):
    training = body.training
    body.eval()
    features, begin = torch.tensor([]), 0
    while begin < len(images):
        end = min(begin + batch_size, len(images))
        with torch.no_grad():
            now = body(images[begin:end].to(list(body.parameters())[-1].device))
        features = torch.cat([features, now.cpu()])
        begin = end
    body.train(training)
    return features
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# standardise


def standardised(student, *parts):
    """Bring sets to the scale of the first."""
    names = ["train", *(f"other set {i + 1}" for i in range(len(parts) - 1))]
    return dict(zip(names, several(student(*parts)), strict=True))


def scale_one_feature(student, rng):
    """one feature, two training images and one other"""
    return standardised(student, floats([[3], [1]]), floats([[4]]))


def scale_alone(student, rng):
    """the training set alone"""
    return standardised(student, floats(whole(rng, 4, 2)))


def scale_two_features(student, rng):
    """two features, three training images and two others"""
    return standardised(student, floats([[1, 10], [2, 40], [6, 10]]), floats([[3, 20], [5, 0]]))


def scale_two_sets(student, rng):
    """two other sets, of different sizes, far away from the training set"""
    return standardised(
        student, floats(quarters(rng, 5, 3)), floats(10 + quarters(rng, 2, 3)), floats(quarters(rng, 4, 3) - 5)
    )


def scale_constant(student, rng):
    """a feature that is 5 for all training images, and 6 and 4 for others"""
    return standardised(student, floats([[3, 5], [1, 5]]), floats([[4, 6], [2, 4]]))


def scale_always_zero(student, rng):
    """a feature that is 0 for all images"""
    return standardised(student, floats([[0, 1], [0, 2], [0, 6]]), floats([[0, 4]]))


def scale_small_numbers(student, rng):
    """a feature around 0.00001, which isn't constant"""
    return standardised(student, floats([[2e-5], [1e-5], [3e-5]]), floats([[2e-5], [5e-5]]))


def scale_drawn(student, rng):
    """sets drawn at random, with a constant feature"""
    sets = [floats(quarters(rng, int(rng.integers(2, 9)), 4)) for _ in range(3)]
    sets[0][:, 1] = 0.5
    return standardised(student, *sets)


OWN_SCALE = """
import torch
def standardise(train, *others):
    done = []
    for part in (train, *others):
        centre, spread = part.mean(dim=0), part.std(dim=0, correction=0)
        done.append((part - centre) / torch.where(spread == 0, 1.0, spread))
    return tuple(done)
"""

STANDARDISE = Exercise(
    "standardise",
    points=2,
    cases=[
        Case(scale_one_feature, tolerance=CLOSE),
        Case(scale_two_features, tolerance=CLOSE),
        Case(scale_alone, tolerance=CLOSE),
        Case(scale_constant, tolerance=CLOSE),
        Case(scale_always_zero, tolerance=CLOSE),
        Case(scale_small_numbers, tolerance=CLOSE),
        Case(scale_two_sets, tolerance=CLOSE),
        Case(scale_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "each set by its own statistics",
            "You standardise each set by its own mean and deviation. What tells the sets apart is lost, a single new "
            "image becomes 0, and the test images are judged on a scale that the classifier hasn't learned on. Use "
            "the training set's for all.",
            source=OWN_SCALE,
        ),
        Bug(
            "statistics of all sets together",
            "You compute mean and deviation over all sets together, test images among them: a test data leak. In use "
            "nobody has the test images yet. Use the training set's alone.",
            (
                "train.mean(dim=0), train.std(dim=0, correction=0)",
                "torch.cat([train, *others]).mean(dim=0), torch.cat([train, *others]).std(dim=0, correction=0)",
            ),
        ),
        Bug(
            "others left as they are",
            "You standardise the training set alone. The others must be brought to the same scale.",
            ("for part in (train, *others))", "for part in (train,)) + others"),
        ),
        Bug(
            "training set left out",
            "You return the other sets without the training set, which comes first.",
            ("for part in (train, *others)", "for part in (others or (train,))"),
        ),
        Bug(
            "deviation with n − 1",
            "Your deviation divides by n − 1, as `std` does by default. Here it is n: `correction=0`.",
            ("correction=0", "correction=1"),
        ),
        Bug(
            "divided by the variance",
            "You divide by the variance. It is the deviation, its square root.",
            ("train.std(dim=0, correction=0)", "train.var(dim=0, correction=0)"),
        ),
        Bug(
            "one scale for all features",
            "You compute one mean and one deviation over all features. Each feature has its own.",
            ("train.mean(dim=0), train.std(dim=0, correction=0)", "train.mean(), train.std(correction=0)"),
        ),
        Bug(
            "image by image",
            "You compute mean and deviation of each *image* over its features. They are those of each feature over the "
            "images: axis 0.",
            (
                "centre, spread = train.mean(dim=0), train.std(dim=0, correction=0)\n",
                "centre, spread = 0, torch.ones(())\n",
            ),
            (
                "(part - centre) / spread",
                "(part - part.mean(1, keepdim=True)) / part.std(1, correction=0, keepdim=True)",
            ),
        ),
        Bug(
            "divided by 0",
            "You divide by a deviation of 0 where a feature is the same for all training images: that gives nan or "
            "inf. Leave the division out there.",
            ("    spread = torch.where(spread == 0, 1.0, spread)\n", ""),
        ),
        Bug(
            "a tiny number added",
            "You add a tiny number to the deviation so that it isn't 0. Where a feature is constant in training, a "
            "small difference in a new image becomes millions then. Don't divide there at all.",
            ("torch.where(spread == 0, 1.0, spread)", "spread + 1e-8"),
        ),
        Bug(
            "small deviations not divided by",
            "You take a small deviation for none. A feature may consist of small numbers; only a deviation of "
            "*exactly* 0 can't be divided by.",
            ("spread == 0", "spread < 1e-3"),
        ),
        Bug(
            "constant features set to 0",
            "You set a feature that is constant in training to 0 everywhere. In other sets it can differ: take the "
            "mean away, and don't divide.",
            ("(part - centre) / spread for", "(part - centre) / spread * (train.std(dim=0, correction=0) > 0) for"),
        ),
        Bug(
            "constant features left out",
            "You leave out features that are constant in training. The shapes must stay.",
            ("(part - centre) / spread for", "((part - centre) / spread)[:, train.std(dim=0, correction=0) > 0] for"),
        ),
        Bug(
            "mean not taken away",
            "You divide by the deviation and leave the mean where it is.",
            ("(part - centre) / spread", "part / spread"),
        ),
        Bug(
            "not divided",
            "You take the mean away and never divide by the deviation.",
            ("(part - centre) / spread", "part - centre"),
        ),
        Bug(
            "changed in place",
            "You change the features that you were given. They may be needed as they were: return new tensors.",
            ("(part - centre) / spread for", "part.sub_(centre).div_(spread) for"),
        ),
    ],
    correct=[
        Correct(
            "sums of squares",
            """
import torch
def standardise(train, *others):
    n = len(train)
    mu = train.sum(0) / n
    sigma = ((train - mu) ** 2).sum(0).div(n).sqrt()
    sigma[sigma == 0] = 1
    return [(x - mu) / sigma for x in [train, *others]]
""",
        ),
        Correct(
            "feature by feature",
            """
import torch
def standardise(train, *others):
    sets = [part.clone() for part in (train, *others)]
    for d in range(train.shape[1]):
        column = train[:, d]
        mean, deviation = column.mean(), column.std(unbiased=False)
        for part in sets:
            part[:, d] -= mean
            if deviation > 0:
                part[:, d] /= deviation
    return tuple(sets)
""",
        ),
        Correct(
            "numpy",
            """
import numpy as np
import torch
def standardise(train, *others):
    known = train.numpy().astype(np.float64)
    mean, std = known.mean(axis=0), known.std(axis=0)
    std = np.where(known.max(axis=0) == known.min(axis=0), 1, std)
    return tuple(torch.from_numpy(((part.numpy() - mean) / std).astype(np.float32)) for part in (train,) + others)
""",
        ),
        Correct(
            "multiplied by the inverse",
            """
import torch
def standardise(train, *others):
    var, mean = torch.var_mean(train, dim=0, correction=0, keepdim=True)
    factor = torch.where(var > 0, var.rsqrt(), torch.ones_like(var))
    return tuple(map(lambda x: (x - mean) * factor, (train, *others)))
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# fit_probe

NEAR = Tolerance(1e-3, 1e-4)


def probed(student, features, labels, classes, strength):
    """Fit a probe."""
    weights, biases = several(student(floats(features), torch.tensor(labels), classes, strength))
    return {"weights": weights, "biases": biases}


def probe_by_hand(student, rng):
    """one feature, two images: the example above"""
    return probed(student, [[0], [2]], [0, 1], 2, 1.0)


def probe_weaker(student, rng):
    """the same with λ = 1/4"""
    return probed(student, [[0], [2]], [0, 1], 2, 0.25)


def probe_four_images(student, rng):
    """the same images, each twice: nothing changes"""
    return probed(student, [[0], [2], [0], [2]], [0, 1, 0, 1], 2, 1.0)


def probe_two_features(student, rng):
    """two features, five images, three classes"""
    return probed(student, [[1, 0], [2, 1], [0, 3], [-1, 2], [1, -2]], [0, 0, 1, 1, 2], 3, 0.5)


def probe_far_from_zero(student, rng):
    """features around 10: the biases must see to that"""
    return probed(student, [[10, 9], [11, 9], [9, 12], [12, 11]], [0, 1, 1, 0], 2, 0.5)


def probe_missing_class(student, rng):
    """four classes, of which 0 and 2 occur"""
    return probed(student, [[1, 1], [0, 2], [3, -1]], [2, 0, 2], 4, 1.0)


def probe_many_features(student, rng):
    """two images, four features"""
    return probed(student, [[1, 2, 0, -1], [0, 1, 1, 2]], [1, 0], 2, 0.5)


def probe_strong(student, rng):
    """λ = 1000: hardly any weights, and the biases are the shares of the classes"""
    return probed(student, [[1, 0], [2, 1], [0, 3], [-1, 2]], [0, 0, 1, 0], 2, 1000.0)


def probe_drawn(student, rng):
    """sizes and features drawn at random"""
    seen = {}
    for draw in range(4):
        n, count, classes = int(rng.integers(3, 12)), int(rng.integers(1, 6)), int(rng.integers(2, 5))
        labels = rng.integers(0, classes, n).tolist()
        features = 2 * quarters(rng, n, count) + whole(rng, count)
        found = probed(student, features, labels, classes, float(rng.integers(1, 9)) / 4)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


FIT_PROBE = Exercise(
    "fit_probe",
    points=4,
    cases=[
        Case(probe_by_hand, tolerance=NEAR),
        Case(probe_weaker, tolerance=NEAR),
        Case(probe_four_images, tolerance=NEAR),
        Case(probe_missing_class, tolerance=NEAR),
        Case(probe_many_features, tolerance=NEAR),
        Case(probe_far_from_zero, tolerance=NEAR),
        Case(probe_two_features, tolerance=NEAR),
        Case(probe_strong, tolerance=NEAR),
        Case(probe_drawn, hidden=True, weight=3, tolerance=NEAR),
    ],
    bugs=[
        Bug(
            "sum instead of mean",
            "You add λ to FᵀF instead of FᵀF / n: then it regularises less, the more images there are.",
            ("F.T @ F / n", "F.T @ F"),
            ("F.T @ Y / n", "F.T @ Y"),
        ),
        Bug(
            "left side not divided by n",
            "You divide only one of the two sides by n.",
            ("F.T @ F / n", "F.T @ F"),
        ),
        Bug(
            "right side not divided by n",
            "You divide only one of the two sides by n.",
            ("F.T @ Y / n", "F.T @ Y"),
        ),
        Bug(
            "divided by n − 1",
            "You divide by n − 1. The loss is a mean over the n images.",
            ("n, D = F.shape\n", "n, D = F.shape\n    n = n - 1\n"),
        ),
        Bug(
            "λ ignored",
            "You don't regularise at all. With fewer images than features nothing is determined then, and everything "
            "is learned by heart.",
            (
                "torch.linalg.solve(F.T @ F / n + strength * torch.eye(D, dtype=F.dtype), F.T @ Y / n).T",
                "(torch.linalg.pinv(F) @ Y).T",
            ),
        ),
        Bug(
            "λ added everywhere",
            "You add λ to all entries of FᵀF / n. It belongs on the diagonal: λ times the identity matrix.",
            ("strength * torch.eye(D, dtype=F.dtype)", "strength"),
            ("torch.linalg.solve(", "torch.linalg.lstsq("),
            ("F.T @ Y / n).T", "F.T @ Y / n, driver='gelsd').solution.T"),
        ),
        Bug(
            "λ squared",
            "You add λ². It is λ.",
            ("strength * torch.eye", "strength**2 * torch.eye"),
        ),
        Bug(
            "half of λ",
            "You add λ / 2. Both parts of the loss are squares, so the factor 2 of the derivative is in both and goes "
            "away.",
            ("strength * torch.eye", "strength / 2 * torch.eye"),
        ),
        Bug(
            "bias regularised",
            "You put a column of ones beside the features and regularise its weights like all others: the biases are "
            "drawn to 0, and a shift of all features would change the classifier.",
            (
                "F, Y = features - mean_feature, targets - mean_target",
                "F, Y = torch.cat([features, torch.ones(len(features), 1)], 1), targets",
            ),
            (
                "    biases = mean_target - weights @ mean_feature\n    return weights, biases",
                "    return weights[:, :-1], weights[:, -1]",
            ),
        ),
        Bug(
            "no biases",
            "You fit without biases. Only features and targets that are centred can do without.",
            ("F, Y = features - mean_feature, targets - mean_target", "F, Y = features, targets"),
            ("biases = mean_target - weights @ mean_feature", "biases = torch.zeros(classes)"),
        ),
        Bug(
            "biases forgotten after centring",
            "You centre, and return biases of 0: your weights are for centred features. For features as they are the "
            "biases make up for both means.",
            ("biases = mean_target - weights @ mean_feature", "biases = torch.zeros(classes)"),
        ),
        Bug(
            "mean of the features forgotten in the biases",
            "Your biases are the means of the targets. Those are right for centred features; for features as they are "
            "the part of the mean feature, W f̄, must be taken away.",
            ("mean_target - weights @ mean_feature", "mean_target"),
        ),
        Bug(
            "bias with the wrong sign",
            "You add W f̄ to the biases. It is taken away: on average the scores W f̄ + b are the mean targets.",
            ("mean_target - weights @ mean_feature", "mean_target + weights @ mean_feature"),
        ),
        Bug(
            "features not centred",
            "You leave the features uncentred and compute the biases as if they were.",
            ("F, Y = features - mean_feature,", "F, Y = features,"),
        ),
        Bug(
            "standardised inside",
            "You divide the features by their deviations inside. `fit_probe` takes them as they are.",
            (
                "F, Y = features - mean_feature,",
                "F, Y = (features - mean_feature) / features.std(0, correction=0).clamp(min=1e-6),",
            ),
        ),
        Bug(
            "classes counted in the labels",
            "You count the classes by the labels that occur. In a small set one may be missing: there are `classes` of "
            "them.",
            ("one_hot(labels, classes)", "one_hot(labels)"),
        ),
        Bug(
            "labels taken for targets",
            "You fit the labels themselves, as if class 2 were twice class 1. Each class has a target of its own, 1 "
            "or 0.",
            ("nn.functional.one_hot(labels, classes).to(features.dtype)", "labels[:, None].to(features.dtype)"),
        ),
        Bug(
            "targets −1 and 1",
            "Your targets are 1 and −1. They are 1 for the image's class and 0 for all others.",
            ("one_hot(labels, classes).to(features.dtype)", "one_hot(labels, classes).to(features.dtype) * 2 - 1"),
        ),
        Bug(
            "weights lie on their side",
            "Your weights have the shape (D, classes). W has a row for each class.",
            ("    return weights, biases", "    return weights.T, biases"),
        ),
        Bug(
            "exchanged",
            "You return biases and weights in the wrong order: weights first.",
            ("return weights, biases", "return biases, weights"),
        ),
    ],
    correct=[
        Correct(
            "a column of ones that isn't regularised",
            """
import torch
def fit_probe(features, labels, classes, strength):
    n, D = features.shape
    F = torch.cat([features, torch.ones(n, 1)], dim=1).double()
    Y = torch.eye(classes, dtype=torch.float64)[labels]
    R = strength * torch.eye(D + 1, dtype=torch.float64)
    R[D, D] = 0
    both = torch.linalg.inv(F.T @ F / n + R) @ F.T @ Y / n
    return both[:-1].T.float(), both[-1].float()
""",
        ),
        Correct(
            "n equations instead of D",
            """
import torch
def fit_probe(features, labels, classes, strength):
    n = len(features)
    targets = torch.zeros(n, classes)
    targets[range(n), labels] = 1
    f, y = features.mean(0, keepdim=True), targets.mean(0, keepdim=True)
    F = features - f
    dual = torch.linalg.solve(F @ F.T + n * strength * torch.eye(n), targets - y)
    W = dual.T @ F
    return W, (y - f @ W.T)[0]
""",
        ),
        Correct(
            "least squares with further rows, numpy",
            """
import numpy as np
import torch
def fit_probe(features, labels, classes, strength):
    X, y = features.numpy().astype(np.float64), labels.numpy()
    T = (y[:, None] == np.arange(classes)).astype(np.float64)
    n, D = X.shape
    top = np.hstack([X, np.ones((n, 1))]) / np.sqrt(n)
    below = np.hstack([np.sqrt(strength) * np.eye(D), np.zeros((D, 1))])
    right = np.vstack([T / np.sqrt(n), np.zeros((D, classes))])
    solved = np.linalg.lstsq(np.vstack([top, below]), right, rcond=None)[0]
    return torch.from_numpy(solved[:D].T.astype(np.float32)), torch.from_numpy(solved[D].astype(np.float32))
""",
        ),
        Correct(
            "class by class with the covariance",
            """
import torch
def fit_probe(features, labels, classes, strength):
    centre = features.mean(0)
    covariance = torch.cov(features.T, correction=0).reshape(features.shape[1], -1)
    inverse = torch.linalg.inv(covariance + strength * torch.eye(len(covariance)))
    weights, biases = [], []
    for c in range(classes):
        y = (labels == c).float()
        w = inverse @ ((features - centre) * (y - y.mean())[:, None]).mean(0)
        weights.append(w)
        biases.append(y.mean() - w @ centre)
    return torch.stack(weights), torch.stack(biases)
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# honest_accuracy

SETS = {"training": [1, 2, 3], "validation": [11, 12], "test": [21, 22]}


def numbered(numbers):
    """Images that are known by their numbers, which are their features; their labels are ten times as much."""
    return floats([[n] for n in numbers]), torch.tensor([10 * n for n in numbers])


def reported(student, strengths, validation, test, on_both, training=None):
    """Choose among classifiers of which it is known how good each is on which set."""
    fitted, on_test = [], []
    training = training or [0.9] * len(strengths)
    tables = {"training": training, "validation": validation, "test": test}

    def fit(features, labels, strength):
        numbers = [int(n) for n in features.flatten()]
        labelled = "" if labels.tolist() == [10 * n for n in numbers] else ", wrong labels"
        fitted.append(f"λ = {float(strength):g}, images {' '.join(map(str, numbers))}{labelled}")
        return fitted[-1]

    def accuracy(classifier, features, labels):
        position = [float(s) for s in strengths].index(float(classifier.split(",")[0][4:]))
        name = next((name for name, own in SETS.items() if [int(n) for n in features.flatten()] == own), None)
        if name == "test":
            on_test.append(classifier)
            return on_both[position] if "11" in classifier else test[position]
        return tables[name][position] if name else 0.5

    sets = [numbered(numbers) for numbers in SETS.values()]
    strength, share = several(student(fit, accuracy, *sets, strengths))
    return {
        "chosen strength": strength,
        "reported accuracy": share,
        "judged on the test set": on_test,
        "fitted": sorted(set(fitted)),
    }


def honest_single(student, rng):
    """one strength: nothing to choose"""
    return reported(student, [1.0], [0.5], [0.375], [0.4375])


def honest_two(student, rng):
    """two strengths: the validation set prefers the second, and the test set the first"""
    return reported(student, [1.0, 10.0], [0.5, 0.625], [0.75, 0.5], [0.8125, 0.5625])


def honest_training(student, rng):
    """the training set prefers the first, which knows it by heart"""
    return reported(student, [1.0, 10.0], [0.5, 0.625], [0.5, 0.6875], [0.5625, 0.75], training=[1.0, 0.75])


def honest_equal(student, rng):
    """two are equally good: the larger one of these"""
    return reported(student, [1.0, 10.0, 100.0], [0.625, 0.625, 0.5], [0.5, 0.5625, 0.75], [0.5, 0.59375, 0.75])


def honest_any_order(student, rng):
    """strengths in any order, the best ones equally good"""
    return reported(student, [10.0, 0.5, 100.0, 1.0], [0.75, 0.625, 0.5, 0.75], [0.5] * 4, [0.25, 0.5, 0.75, 0.625])


def honest_drawn(student, rng):
    """accuracies and strengths drawn at random"""
    seen = {}
    for draw in range(3):
        strengths = [float(n) / 4 for n in rng.permutation(np.arange(1, 30))[:5]]
        tables = [[float(n) / 16 for n in rng.integers(4, 12, 5)] for _ in range(4)]
        found = reported(student, strengths, *tables)
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


BY_VALIDATION = "scores.append((accuracy(classifier, *validation), strength))"

HONEST_ACCURACY = Exercise(
    "honest_accuracy",
    points=3,
    cases=[
        Case(honest_single),
        Case(honest_two),
        Case(honest_training),
        Case(honest_equal),
        Case(honest_any_order),
        Case(honest_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "chosen by the test set",
            "You choose the strength that does best on the *test* set: a test data leak. The number you report is then "
            "the best of many draws, and no measure of new images. Choose on the validation set.",
            (BY_VALIDATION, BY_VALIDATION.replace("*validation", "*test")),
        ),
        Bug(
            "test set looked at each time",
            "You judge every strength on the test set, if only to look at it. Whoever looks, chooses, sooner or later: "
            "judge the final classifier on it, once.",
            (BY_VALIDATION, BY_VALIDATION + "\n        accuracy(classifier, *test)"),
        ),
        Bug(
            "test set looked at twice",
            "You judge the chosen classifier on the test set before *and* after it is fitted again. Once is enough.",
            ("    final = fit", "    accuracy(fit(*train, best), *test)\n    final = fit"),
        ),
        Bug(
            "chosen by the training set",
            "You choose by the training accuracy. The least regularised classifier knows its images by heart, and wins "
            "always.",
            (BY_VALIDATION, BY_VALIDATION.replace("*validation", "*train")),
        ),
        Bug(
            "validation accuracy reported",
            "You report the accuracy on the validation set. It is the best of several, and so a lucky one; and the "
            "classifier has been fitted on these images by now. Report the one on the test set.",
            ("return best, accuracy(final, *test)", "return best, max(scores)[0]"),
        ),
        Bug(
            "judged on images it has learned from",
            "You judge the final classifier on the validation set, from which it has just learned. Judge it on the "
            "test set.",
            ("accuracy(final, *test)", "accuracy(final, *validation)"),
        ),
        Bug(
            "not fitted again",
            "You report the classifier that was fitted on the training set alone. Fit once more with the chosen "
            "strength, on training and validation images together.",
            ("final = fit(*both, best)", "final = fit(*train, best)"),
        ),
        Bug(
            "fitted on the validation set alone",
            "You fit the final classifier on the validation images alone. Take the training images as well.",
            ("final = fit(*both, best)", "final = fit(*validation, best)"),
        ),
        Bug(
            "test images learned from",
            "You fit the final classifier on *all* images, those of the test set among them, and judge it on these: "
            "the worst test data leak of all. It is asked what it knows by heart.",
            (
                "[torch.cat([one, two]) for one, two in zip(train, validation, strict=True)]",
                "[torch.cat(parts) for parts in zip(train, validation, test, strict=True)]",
            ),
        ),
        Bug(
            "validation images learned from before they judge",
            "You fit on training and validation images already while you choose. Then the validation images judge "
            "classifiers that know them by heart.",
            (
                "classifier = fit(*train, strength)",
                "classifier = fit(*[torch.cat(p) for p in zip(train, validation, strict=True)], strength)",
            ),
        ),
        Bug(
            "validation before training",
            "You put the validation images in front of the training images. Training images first.",
            ("torch.cat([one, two])", "torch.cat([two, one])"),
        ),
        Bug(
            "labels not joined",
            "You join the features and leave the labels out of it: they no longer belong together.",
            (
                "    final = fit(*both, best)",
                "    final = fit(both[0], torch.cat([train[1], train[1]])[: len(both[0])], best)",
            ),
        ),
        Bug(
            "smallest of the equally good",
            "If several strengths are equally good you take the smallest. The largest of them gives the simpler "
            "classifier.",
            ("best = max(scores)[1]", "best = max(scores, key=lambda pair: (pair[0], -pair[1]))[1]"),
        ),
        Bug(
            "first of the equally good",
            "If several strengths are equally good you take the one that comes first. The strengths come in any order: "
            "take the largest.",
            ("best = max(scores)[1]", "best = max(scores, key=lambda pair: pair[0])[1]"),
        ),
        Bug(
            "last of the equally good",
            "If several strengths are equally good you take the one that comes last. The strengths come in any order: "
            "take the largest.",
            ("best = max(scores)[1]", "best = max(reversed(scores), key=lambda pair: pair[0])[1]"),
        ),
        Bug(
            "worst one taken",
            "You take the strength with the *lowest* accuracy on the validation set.",
            ("best = max(scores)[1]", "best = min(scores)[1]"),
        ),
        Bug(
            "final classifier with the last strength",
            "You fit the final classifier with whatever strength came last, not with the chosen one.",
            ("final = fit(*both, best)", "final = fit(*both, strength)"),
        ),
        Bug(
            "position instead of strength",
            "You return which one was chosen, counted from 0. Return the strength itself.",
            ("return best,", "return float(strengths.index(best)),"),
        ),
    ],
    correct=[
        Correct(
            "a dict of accuracies",
            """
import torch
def honest_accuracy(fit, accuracy, train, validation, test, strengths):
    found = {s: accuracy(fit(train[0], train[1], s), validation[0], validation[1]) for s in strengths}
    top = max(found.values())
    strength = max(s for s, a in found.items() if a == top)
    features = torch.cat((train[0], validation[0]))
    labels = torch.cat((train[1], validation[1]))
    return strength, accuracy(fit(features, labels, strength), test[0], test[1])
""",
        ),
        Correct(
            "sorted, step by step",
            """
import torch
def honest_accuracy(fit, accuracy, train, validation, test, strengths):
    best, best_accuracy = None, -1.0
    for strength in sorted(strengths):
        now = accuracy(fit(*train, strength), *validation)
        if now >= best_accuracy:
            best, best_accuracy = strength, now
    final = fit(torch.vstack([train[0], validation[0]]), torch.hstack([train[1], validation[1]]), best)
    return [best, accuracy(final, *test)]
""",
        ),
        Correct(
            "numpy",
            """
import numpy as np
import torch
def honest_accuracy(fit, accuracy, train, validation, test, strengths):
    order = np.argsort(strengths)[::-1]
    classifiers = [fit(*train, strengths[i]) for i in order]
    values = np.array([accuracy(c, *validation) for c in classifiers])
    best = float(strengths[order[values.argmax()]])
    last = fit(*(torch.cat(pair) for pair in zip(train, validation)), best)
    return best, float(accuracy(last, *test))
""",
        ),
    ],
)
