"""Part 1, forwards: sizes, costs, the convolution, max pooling."""

import numpy as np

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, outcome, replaced
from visionlab.checks.draws import ask, distinct, quarters, read_only_view, whole

# ---------------------------------------------------------------------------------------------------------------------
# conv_output_size


def size_tiny(student, rng):
    """a row of 5 pixels and a kernel 3 wide, which fits in three places"""
    return ask(student, "conv_output_size", 5, 3)


def size_with_stride(student, rng):
    """a row of 7 pixels, a kernel 3 wide, stride 2"""
    return ask(student, "conv_output_size", 7, 3, stride=2)


def size_with_left_over(student, rng):
    """the slide that 'cannot apply': a row of 7 pixels, a kernel 3 wide, stride 3"""
    return ask(student, "conv_output_size", 7, 3, stride=3)


def size_with_half_a_step(student, rng):
    """a row of 6 pixels, a kernel 3 wide, stride 2: the last pixel is left over"""
    return ask(student, "conv_output_size", 6, 3, stride=2)


def size_with_zeros_left_over(student, rng):
    """the same with one zero on each end: the last zero is left over"""
    return ask(student, "conv_output_size", 6, 3, stride=2, padding=1)


def size_with_padding(student, rng):
    """padding: the size stays 7 with one pixel on each side, and 32 with two"""
    return (
        ask(student, "conv_output_size", 7, 3, padding=1)
        | ask(student, "conv_output_size", 32, 5, padding=2)
        | ask(student, "conv_output_size", 5, 3, stride=2, padding=1)
    )


def size_of_known_layers(student, rng):
    """layers of famous networks: LeNet, AlexNet, ResNet"""
    return (
        ask(student, "conv_output_size", 32, 5)
        | ask(student, "conv_output_size", 227, 11, stride=4)
        | ask(student, "conv_output_size", 224, 11, stride=4)
        | ask(student, "conv_output_size", 224, 7, stride=2, padding=3)
    )


def size_with_much_left_over(student, rng):
    """strides that leave several pixels over, or that are longer than the kernel"""
    return (
        ask(student, "conv_output_size", 9, 2, stride=4)
        | ask(student, "conv_output_size", 10, 2, stride=4)
        | ask(student, "conv_output_size", 12, 3, stride=5, padding=1)
        | ask(student, "conv_output_size", 8, 3, stride=6, padding=2)
    )


def size_at_the_limit(student, rng):
    """a kernel exactly as wide as the row, which fits in one place"""
    return ask(student, "conv_output_size", 3, 3)


def size_wide_kernel_with_padding(student, rng):
    """a kernel that fits only because of the padding"""
    return ask(student, "conv_output_size", 2, 3, padding=1)


def size_kernel_too_large(student, rng):
    """a kernel wider than the padded row, for which there must be a ValueError"""
    return ask(student, "conv_output_size", 4, 3) | {
        "conv_output_size(2, 3)": outcome(student, 2, 3),
        "conv_output_size(3, 6, padding=1)": outcome(student, 3, 6, padding=1),
    }


def size_stride_below_one(student, rng):
    """a stride of 0 or −1, for which there must be a ValueError"""
    return ask(student, "conv_output_size", 4, 2) | {
        "conv_output_size(4, 2, stride=0)": outcome(student, 4, 2, stride=0),
        "conv_output_size(4, 2, stride=-1)": outcome(student, 4, 2, stride=-1),
    }


def size_drawn(student, rng):
    """sizes drawn at random"""
    seen = {}
    for _ in range(30):
        kernel, stride, padding = (int(rng.integers(low, high)) for low, high in ((1, 8), (1, 7), (0, 5)))
        size = int(rng.integers(max(1, kernel - 2 * padding), 60))
        seen |= ask(student, "conv_output_size", size, kernel, stride=stride, padding=padding)
    return seen


def size_drawn_too_small(student, rng):
    """kernels that are too wide, drawn at random"""
    seen = ask(student, "conv_output_size", 6, 2)
    for _ in range(10):
        size, padding, more = (int(rng.integers(low, high)) for low, high in ((1, 20), (0, 4), (1, 5)))
        kernel = size + 2 * padding + more
        call = f"conv_output_size({size}, {kernel}, padding={padding})"
        seen[call] = outcome(student, size, kernel, padding=padding)
    return seen


CONV_OUTPUT_SIZE = Exercise(
    "conv_output_size",
    points=3,
    cases=[
        Case(size_tiny),
        Case(size_with_stride),
        Case(size_with_left_over),
        Case(size_with_half_a_step),
        Case(size_with_zeros_left_over),
        Case(size_with_padding),
        Case(size_of_known_layers),
        Case(size_with_much_left_over),
        Case(size_at_the_limit),
        Case(size_wide_kernel_with_padding),
        Case(size_kernel_too_large),
        Case(size_stride_below_one),
        Case(size_drawn, hidden=True, weight=2),
        Case(size_drawn_too_small, hidden=True),
    ],
    bugs=[
        Bug(
            "+ 1 forgotten",
            "You count the steps that the kernel can take, but not the place where it starts. A kernel as wide as the "
            "image can take no step at all and still gives one output.",
            ("steps + 1", "steps"),
        ),
        Bug(
            "padding on one side only",
            "You add the padding once. It is put on *both* ends of the row, so the row grows by twice `padding`.",
            ("2 * padding", "padding"),
        ),
        Bug(
            "padding ignored",
            "You compute with the bare row, as if `padding` were 0. The kernel slides over the padded row: begin by "
            "working out how long that one is.",
            ("size + 2 * padding", "size"),
        ),
        Bug(
            "stride ignored",
            "You count every place where the kernel fits, as if it moved one pixel at a time. With stride S only every "
            "S-th of these places is visited.",
            ("// stride", "// 1"),
            ("- steps * stride", "- steps"),
        ),
        Bug(
            "a float returned",
            "`/` always gives a float in Python, even where the division comes out even. An array can't have 3.0 rows: "
            "you need the division that rounds down to a whole number.",
            ("(padded - kernel) // stride", "(padded - kernel) / stride"),
            ("padded - kernel - steps * stride", "(padded - kernel) % stride"),
        ),
        Bug(
            "rounded up",
            "Where the stride doesn't fit, you round up: the last window would stick out over the edge. Frameworks "
            "round down and leave the last pixels unread.",
            ("(padded - kernel) // stride", "-(-(padded - kernel) // stride)"),
            ("padded - kernel - steps * stride", "(padded - kernel) % stride"),
        ),
        Bug(
            "rounded to the nearest",
            "Where the stride doesn't fit, you round to the nearest whole number, which is sometimes up: then the last "
            "window would stick out over the edge. Always round down.",
            ("(padded - kernel) // stride", "round((padded - kernel) / stride)"),
            ("padded - kernel - steps * stride", "(padded - kernel) % stride"),
        ),
        Bug(
            "a stride that does not fit refused",
            "You raise an error when the stride doesn't fit, as the slide does ('cannot apply'). Frameworks don't "
            "mind: they round down and leave the last pixels unread. Only a kernel that is too wide is an error.",
            (
                "    return",
                '    if (padded - kernel) % stride:\n        raise ValueError("does not fit")\n    return',
            ),
        ),
        Bug(
            "+ 1 inside the division",
            "You add the 1 before you divide by the stride, so it gets divided as well. Count the steps first; the "
            "place where the kernel starts is then one more.",
            ("(padded - kernel) // stride", "(padded - kernel + 1) // stride - 1"),
            ("padded - kernel - steps * stride", "(padded - kernel) % stride"),
        ),
        Bug(
            "left-over pixels without the kernel",
            "Your output size is right, but the unread pixels aren't: you take the remainder of the whole row. The "
            "first window covers `kernel` pixels before any step is taken, so look at what remains after that.",
            ("padded - kernel - steps * stride", "padded % stride"),
        ),
        Bug(
            "left-over pixels as if windows never overlapped",
            "Your output size is right, but for the unread pixels you subtract a whole kernel for every output. "
            "Windows may overlap or leave gaps: find the pixel where the *last* window ends, and count from there.",
            ("padded - kernel - steps * stride", "padded - kernel * (steps + 1)"),
        ),
        Bug(
            "left-over pixels from strides alone",
            "Your output size is right, but for the unread pixels you subtract one stride for every output. The last "
            "window is followed by no step; it covers `kernel` pixels.",
            ("padded - kernel - steps * stride", "padded - stride * (steps + 1)"),
        ),
        Bug(
            "unread zeros not counted",
            "You count only the unread pixels of the image itself. The exercise asks for the *padded* row: unread "
            "zeros of the far border count as well.",
            ("padded - kernel - steps * stride", "max(0, padded - kernel - steps * stride - padding)"),
        ),
        Bug(
            "only the output size returned",
            "You return one number. The function has two results, the output size and the number of unread pixels: "
            "return both, with a comma between them.",
            (
                "return steps + 1, padded - kernel - steps * stride",
                "return steps + 1",
            ),
        ),
        Bug(
            "results in the wrong order",
            "You return the right two numbers in the wrong order: the output size comes first.",
            (
                "return steps + 1, padded - kernel - steps * stride",
                "return padded - kernel - steps * stride, steps + 1",
            ),
        ),
        Bug(
            "too large a kernel accepted",
            "You return numbers for a kernel that doesn't fit in even once. That can only be a mistake of the caller: "
            "raise a `ValueError`.",
            ("kernel > padded or ", ""),
        ),
        Bug(
            "kernel compared with the bare row",
            "You refuse kernels that are wider than the row, but padding makes the row longer. Compare with the "
            "*padded* row.",
            ("kernel > padded", "kernel > size"),
        ),
        Bug(
            "kernel of the row's own width refused",
            "You refuse a kernel that is exactly as wide as the padded row. It fits, in one place; only a wider one "
            "is an error.",
            ("kernel > padded", "kernel >= padded"),
        ),
        Bug(
            "stride below 1 accepted",
            "You don't look at `stride`. With 0 the kernel would never move, and with −1 it would leave the row: raise "
            "a `ValueError` for both.",
            (" or stride < 1", ""),
        ),
        Bug(
            "ValueError returned",
            "You *return* the `ValueError` as if it were a result, so the caller's program goes on. Write `raise` in "
            "place of `return`.",
            ("raise ValueError", "return ValueError"),
        ),
    ],
    correct=[
        Correct(
            "counting the places",
            '''
def conv_output_size(size, kernel, stride=1, padding=0):
    """Walk along the row and count."""
    if stride < 1:
        raise ValueError("stride must be at least 1")
    end = size + 2 * padding
    count, start = 0, 0
    while start + kernel <= end:
        count += 1
        start += stride
    if count == 0:
        raise ValueError("the kernel is too wide")
    return count, end - (start - stride + kernel)
''',
        ),
        Correct(
            "numpy's floor",
            '''
import numpy as np
def conv_output_size(size, kernel, stride=1, padding=0):
    """Divide, then round down."""
    free = size + 2 * padding - kernel
    if free < 0:
        raise ValueError(f"{kernel} > {size + 2 * padding}")
    if stride <= 0:
        raise ValueError("stride")
    return int(np.floor(free / stride + 1)), int(free % stride)
''',
        ),
        Correct(
            "divmod, a list",
            '''
import numpy as np
def conv_output_size(size, kernel, stride=1, padding=0):
    """Both numbers in one go."""
    if stride < 1 or size + 2 * padding < kernel:
        raise ValueError
    steps, rest = np.divmod(size + 2 * padding - kernel, stride)
    return [steps + 1, rest]
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# count_parameters


def parameters_tiny(student, rng):
    """one filter of 2 rows and 3 columns on one channel"""
    return ask(student, "count_parameters", 1, 1, (2, 3))


def parameters_without_bias(student, rng):
    """the same filter without a bias, which is 6 weights and no more"""
    return ask(student, "count_parameters", 1, 1, (2, 3), bias=False)


def parameters_of_channels(student, rng):
    """one filter on three channels"""
    return ask(student, "count_parameters", 3, 1, (2, 3))


def parameters_of_filters(student, rng):
    """four filters on one channel"""
    return ask(student, "count_parameters", 1, 4, (2, 3))


def parameters_of_slides(student, rng):
    """the numbers of the slides: six and ten 5×5 filters on a colour image"""
    return ask(student, "count_parameters", 3, 6, (5, 5)) | ask(student, "count_parameters", 3, 10, (5, 5))


def parameters_of_known_layers(student, rng):
    """layers of LeNet (as its table counts them, without biases) and AlexNet"""
    return (
        ask(student, "count_parameters", 1, 6, (5, 5), bias=False)
        | ask(student, "count_parameters", 6, 16, (5, 5), bias=False)
        | ask(student, "count_parameters", 3, 96, (11, 11))
    )


def parameters_drawn(student, rng):
    """layers drawn at random"""
    seen = {}
    for _ in range(20):
        channels, filters, rows, columns = (int(n) for n in rng.integers(1, [65, 65, 8, 8]))
        bias = bool(rng.integers(2))
        seen |= ask(student, "count_parameters", channels, filters, (rows, columns), bias=bias)
    return seen


COUNT_PARAMETERS = Exercise(
    "count_parameters",
    points=2,
    cases=[
        Case(parameters_tiny),
        Case(parameters_without_bias),
        Case(parameters_of_channels),
        Case(parameters_of_filters),
        Case(parameters_of_slides),
        Case(parameters_of_known_layers),
        Case(parameters_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "biases not counted",
            "You count the weights only. Each filter also has one bias, unless `bias=False`.",
            ("weights + 1 if bias else weights", "weights"),
        ),
        Bug(
            "bias=False ignored",
            "You count the biases even where `bias=False` says that there are none.",
            ("weights + 1 if bias else weights", "weights + 1"),
        ),
        Bug(
            "bias turned round",
            "You add the biases when `bias` is False and leave them out when it is True: it should be the other way "
            "round.",
            ("weights + 1 if bias else weights", "weights if bias else weights + 1"),
        ),
        Bug(
            "one bias for the whole layer",
            "You count a single bias for the whole layer. Every filter has its own: six filters, six biases.",
            ("filters * per_filter", "filters * weights + (1 if bias else 0)"),
        ),
        Bug(
            "one bias per channel",
            "You count one bias for each *channel* of each filter. A filter sums over all its channels and adds its "
            "bias once, at the end.",
            ("weights + 1 if bias else weights", "weights + in_channels if bias else weights"),
        ),
        Bug(
            "one bias per weight",
            "You count a bias for every weight. A filter gives one number at each position, and one bias is added to "
            "it.",
            ("weights + 1 if bias else weights", "2 * weights if bias else weights"),
        ),
        Bug(
            "channels left out",
            "You count each filter as one flat K_h×K_w sheet. A filter reaches through *all* channels of its input: it "
            "has one such sheet for each of them.",
            ("in_channels * K_h * K_w", "K_h * K_w"),
        ),
        Bug(
            "filters left out",
            "You count the parameters of one filter. The layer has `filters` of them, and they share nothing.",
            ("filters * per_filter", "per_filter"),
        ),
        Bug(
            "square kernel assumed",
            "You use the kernel's height for both sides. It need not be square: rows times columns.",
            ("K_h * K_w", "K_h * K_h"),
        ),
        Bug(
            "sides of the kernel added",
            "You add the kernel's two sides. It is a rectangle of weights: rows *times* columns.",
            ("in_channels * K_h * K_w", "in_channels * (K_h + K_w)"),
        ),
        Bug(
            "channels and filters added",
            "You add the channels and the filters. Each filter has weights for every channel, so the two numbers are "
            "multiplied.",
            (
                "return filters * per_filter",
                "return (in_channels + filters) * K_h * K_w + (filters if bias else 0)",
            ),
        ),
    ],
    correct=[
        Correct(
            "size of the arrays",
            '''
import numpy as np
def count_parameters(in_channels, filters, kernel, bias=True):
    """Make the arrays and ask for their sizes."""
    w = np.zeros((filters, in_channels, *kernel))
    b = np.zeros(filters)
    return w.size + b.size if bias else w.size
''',
        ),
        Correct(
            "a layer of torch",
            '''
import torch
def count_parameters(in_channels, filters, kernel, bias=True):
    """Make the layer and count."""
    layer = torch.nn.Conv2d(in_channels, filters, kernel, bias=bias)
    return sum(p.numel() for p in layer.parameters())
''',
        ),
        Correct(
            "numpy integers",
            '''
import numpy as np
def count_parameters(in_channels, filters, kernel, bias=True):
    """Multiply the way numpy does."""
    return filters * (np.prod(kernel) * in_channels + int(bias))
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# count_connections


def connections_tiny(student, rng):
    """one 3×4 image of one channel, one 2×2 filter: six positions with four weights each"""
    return ask(student, "count_connections", (1, 3, 4), 1, (2, 2))


def connections_not_square(student, rng):
    """one 4×6 image, a filter of 2 rows and 3 columns"""
    return ask(student, "count_connections", (1, 4, 6), 1, (2, 3))


def connections_of_filters(student, rng):
    """the 3×4 image with five filters"""
    return ask(student, "count_connections", (1, 3, 4), 5, (2, 2))


def connections_of_channels(student, rng):
    """a 3×4 image of three channels"""
    return ask(student, "count_connections", (3, 3, 4), 1, (2, 2))


def connections_with_stride(student, rng):
    """stride 2 on a 6×9 image, where the last column is left over"""
    return ask(student, "count_connections", (1, 6, 9), 1, (2, 2), stride=2)


def connections_with_padding(student, rng):
    """the 3×4 image with a border of zeros"""
    return ask(student, "count_connections", (1, 3, 4), 1, (2, 2), padding=1)


def connections_of_lenet(student, rng):
    """LeNet's two convolutions: 117,600 and 240,000 connections"""
    return (
        ask(student, "count_connections", (1, 32, 32), 6, (5, 5))
        | ask(student, "count_connections", (1, 28, 28), 6, (5, 5), padding=2)
        | ask(student, "count_connections", (6, 14, 14), 16, (5, 5))
    )


def connections_of_alexnet(student, rng):
    """AlexNet's first layer: 96 filters of 11×11, stride 4, on 227×227 pixels"""
    return ask(student, "count_connections", (3, 227, 227), 96, (11, 11), stride=4)


def connections_drawn(student, rng):
    """layers drawn at random"""
    seen = {}
    for _ in range(20):
        channels, filters, rows, columns = (int(n) for n in rng.integers(1, [9, 9, 6, 6]))
        height, width = (int(n) for n in rng.integers(6, 40, 2))
        stride, padding = (int(n) for n in rng.integers([1, 0], [5, 4]))
        shape, kernel = (channels, height, width), (rows, columns)
        seen |= ask(student, "count_connections", shape, filters, kernel, stride=stride, padding=padding)
    return seen


COUNT_CONNECTIONS = Exercise(
    "count_connections",
    points=2,
    cases=[
        Case(connections_tiny),
        Case(connections_not_square),
        Case(connections_of_filters),
        Case(connections_of_channels),
        Case(connections_with_stride),
        Case(connections_with_padding),
        Case(connections_of_lenet),
        Case(connections_of_alexnet),
        Case(connections_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "weights counted once",
            "You count the weights. Each weight is *used* once at every position of the output: multiply by the number "
            "of positions.",
            ("out_h * out_w * filters", "filters"),
        ),
        Bug(
            "units counted",
            "You count the numbers in the output. Each of them is a sum of many products, one for each weight of its "
            "filter.",
            (" * C * K_h * K_w", ""),
        ),
        Bug(
            "positions of the input counted",
            "You place the filter on every pixel of the *input*. It fits in fewer places (and in more with padding): "
            "work out the output's height and width first.",
            ("return out_h * out_w", "return H * W"),
        ),
        Bug(
            "channels left out",
            "You count each filter as one flat K_h×K_w sheet. At every position it multiplies all channels of the "
            "input.",
            ("filters * C * K_h", "filters * K_h"),
        ),
        Bug(
            "filters left out",
            "You count the connections of one filter. Every filter visits all positions.",
            ("out_w * filters * C", "out_w * C"),
        ),
        Bug(
            "biases counted",
            "You add the biases. Here only products of a weight and an input are counted, and a bias is multiplied "
            "with nothing.",
            ("filters * C * K_h * K_w", "filters * (C * K_h * K_w + 1)"),
        ),
        Bug(
            "stride ignored",
            "You compute the output's size as if the filter moved one pixel at a time. With stride S it is placed only "
            "on every S-th position, in both directions.",
            ("// stride", ""),
        ),
        Bug(
            "padding ignored",
            "You compute the output's size from the bare image. Padding makes it larger before the filter slides over "
            "it.",
            ("2 * padding", "0"),
        ),
        Bug(
            "padding on one side only",
            "You add the padding once. It is put on both sides: the image grows by twice `padding` in height and in "
            "width.",
            ("2 * padding", "padding"),
        ),
        Bug(
            "+ 1 forgotten",
            "You count the filter's steps, but not the place where it starts: the output is one larger, in height and "
            "in width.",
            ("// stride + 1", "// stride"),
        ),
        Bug(
            "a float returned",
            "`/` always gives a float in Python, and where the stride doesn't fit even a fraction. You need the "
            "division that rounds down to a whole number.",
            ("// stride", "/ stride"),
        ),
        Bug(
            "in_shape read as (H, W, C)",
            "You take `in_shape` as (H, W, C). In this course, as in PyTorch, the channels come first: (C, H, W).",
            ("C, H, W = in_shape", "H, W, C = in_shape"),
        ),
        Bug(
            "square image assumed",
            "You use the image's height for both directions. The image need not be square: the output's width comes "
            "from W.",
            ("(W + ", "(H + "),
        ),
        Bug(
            "sides of the kernel swapped",
            "You take the kernel's columns for rows. `kernel` is (K_h, K_w): the height comes first and goes with H.",
            ("K_h, K_w = kernel", "K_w, K_h = kernel"),
        ),
    ],
    correct=[
        Correct(
            "counting every position",
            '''
def count_connections(in_shape, filters, kernel, stride=1, padding=0):
    """Walk over the image."""
    channels, height, width = in_shape
    count = 0
    for top in range(-padding, height + padding - kernel[0] + 1, stride):
        for left in range(-padding, width + padding - kernel[1] + 1, stride):
            count += kernel[0] * kernel[1]
    return count * channels * filters
''',
        ),
        Correct(
            "shape of torch's output",
            '''
import torch
def count_connections(in_shape, filters, kernel, stride=1, padding=0):
    """Let torch work out the shape; the layer has no values."""
    with torch.device("meta"):
        layer = torch.nn.Conv2d(in_shape[0], filters, kernel, stride, padding, bias=False)
        out = layer(torch.zeros(1, *in_shape))
    return out[0, 0].numel() * layer.weight.numel()
''',
        ),
        Correct(
            "numpy",
            '''
import numpy as np
def count_connections(in_shape, filters, kernel, stride=1, padding=0):
    """Both directions at once."""
    out = (np.array(in_shape[1:]) + 2 * padding - np.array(kernel)) // stride + 1
    return np.prod(out) * np.prod(kernel) * in_shape[0] * filters
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# conv_forward


def pixels(rng, *shape):
    """Draw digits, as floats."""
    return rng.integers(0, 10, shape).astype(float)


def conv_tiny(student, rng):
    """one 3×4 image, one 2×2 filter"""
    return {"out": student(pixels(rng, 1, 1, 3, 4), distinct(rng, 1, 1, 2, 2), np.zeros(1))}


def conv_stride(student, rng):
    """one 2×6 image, one 2×2 filter, stride 2"""
    return {"out": student(pixels(rng, 1, 1, 2, 6), distinct(rng, 1, 1, 2, 2), np.zeros(1), stride=2)}


def conv_padding(student, rng):
    """one 3×4 image with a border of zeros, one 2×2 filter"""
    return {"out": student(pixels(rng, 1, 1, 3, 4) + 1, distinct(rng, 1, 1, 2, 2), np.zeros(1), pad=1)}


def conv_bias(student, rng):
    """one 3×4 image, two 2×2 filters, each with its bias"""
    return {"out": student(pixels(rng, 1, 1, 3, 4), distinct(rng, 2, 1, 2, 2), np.array([100.0, -200.0]))}


def conv_one_row(student, rng):
    """one 4×5 image, a filter of a single row and 3 columns"""
    return {"out": student(pixels(rng, 1, 1, 4, 5), distinct(rng, 1, 1, 1, 3), np.zeros(1))}


def conv_left_over_row(student, rng):
    """one 5×4 image, one 2×2 filter, stride 2, which leaves the last row over"""
    return {"out": student(pixels(rng, 1, 1, 5, 4), distinct(rng, 1, 1, 2, 2), np.zeros(1), stride=2)}


def conv_not_square(student, rng):
    """one 4×5 image, a filter of 2 rows and 3 columns"""
    return {"out": student(pixels(rng, 1, 1, 4, 5), distinct(rng, 1, 1, 2, 3), np.zeros(1))}


def conv_left_over(student, rng):
    """one 3×7 image, a filter of 2 rows and 3 columns, stride 3, which leaves a row and a column over"""
    return {"out": student(pixels(rng, 1, 1, 3, 7), distinct(rng, 1, 1, 2, 3), np.zeros(1), stride=3)}


def conv_batch(student, rng):
    """two 3×4 images, one 2×2 filter"""
    return {"out": student(pixels(rng, 2, 1, 3, 4), distinct(rng, 1, 1, 2, 2), np.zeros(1))}


def conv_channels(student, rng):
    """one 3×4 image of two channels, one filter, with a bias"""
    return {"out": student(pixels(rng, 1, 2, 3, 4), distinct(rng, 1, 2, 2, 2), np.array([100.0]))}


def conv_single_output(student, rng):
    """one 4×5 image, a filter of 3 rows and 4 columns, stride 2: a single output"""
    return {"out": student(pixels(rng, 1, 1, 4, 5), distinct(rng, 1, 1, 3, 4), np.zeros(1), stride=2)}


def conv_whole_numbers(student, rng):
    """one 3×5 image of whole numbers (dtype int64), one filter of quarters"""
    x = rng.integers(0, 10, (1, 1, 3, 5))
    return {"out": student(x, np.array([[[[0.25, -0.5], [0.75, 0.5]]]]), np.array([0.25]))}


def conv_view(student, rng):
    """one 5×6 image in an array that is read-only and not contiguous"""
    x, w = read_only_view(pixels(rng, 1, 1, 5, 6)), read_only_view(distinct(rng, 1, 1, 3, 2))
    return {"out": student(x, w, np.zeros(1))}


def conv_padding_and_stride(student, rng):
    """one 5×8 image, one 2×2 filter, stride 3 and a border of zeros"""
    return {"out": student(pixels(rng, 1, 1, 5, 8) + 1, distinct(rng, 1, 1, 2, 2), np.zeros(1), stride=3, pad=1)}


def conv_all_together(student, rng):
    """two 5×7 images of three channels (float32), four 3×2 filters, stride 2, two rings of zeros"""
    x, w = pixels(rng, 2, 3, 5, 7).astype(np.float32), quarters(rng, 4, 3, 3, 2).astype(np.float32)
    return {"out": student(x, w, quarters(rng, 4).astype(np.float32), stride=2, pad=2)}


def conv_drawn(student, rng):
    """shapes, strides and borders drawn at random"""
    seen = {}
    for draw in range(4):
        batch, channels, filters = (int(n) for n in rng.integers(1, [4, 4, 5]))
        stride, pad = (int(n) for n in rng.integers([1, 0], [4, 3]))
        kernel = np.array(rng.permutation(5)[:2]) + 1  # two different sides
        out = np.array(rng.permutation(3)[:2]) + 2
        height, width = np.maximum((out - 1) * stride + kernel + rng.integers(0, stride, 2) - 2 * pad, 1)
        if height == width:
            width += 1
        height, width = np.maximum([height, width], kernel - 2 * pad)
        x, w = quarters(rng, batch, channels, height, width), whole(rng, filters, channels, *kernel)
        seen[f"out {draw + 1}"] = student(x, w, quarters(rng, filters), stride=stride, pad=pad)
    return seen


def conv_left_over_drawn(student, rng):
    """strides that do not fit in either direction, drawn at random"""
    seen = {}
    for draw in range(3):
        stride, pad = int(rng.integers(2, 5)), int(rng.integers(0, 3))
        kernel = rng.integers(2, 5, 2)
        rows, columns = rng.permutation([2, 3]) * stride + kernel + rng.integers(1, stride, 2)
        x = read_only_view(quarters(rng, 2, 2, rows, columns))
        seen[f"out {draw + 1}"] = student(x, whole(rng, 3, 2, *kernel), whole(rng, 3), stride=stride, pad=pad)
    return seen


def conv_larger(student, rng):
    """two colour images of 15×19 pixels"""
    x, w = quarters(rng, 2, 3, 15, 19).astype(np.float32), quarters(rng, 3, 3, 5, 3).astype(np.float32)
    return {"out": student(x, w, quarters(rng, 3).astype(np.float32), stride=int(rng.integers(1, 3)), pad=2)}


CONV_BY_LOOPS = '''
import numpy as np
def conv_forward(x, w, b, stride=1, pad=0):
    """Seven loops."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    out_h = (H + 2 * pad - K_h) // stride + 1
    out_w = (W + 2 * pad - K_w) // stride + 1
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((N, F, out_h, out_w))
    for n in range(N):
        for f in range(F):
            for i in range(out_h):
                for j in range(out_w):
                    total = b[f]
                    for c in range(C):
                        for s in range(K_h):
                            for t in range(K_w):
                                total += padded[n, c, i * stride + s, j * stride + t] * w[f, c, s, t]
                    out[n, f, i, j] = total
    return out
'''

# A step of the loop over positions that works on one image's window, as many write it.
ONE_WINDOW = '''
import numpy as np
def conv_forward(x, w, b, stride=1, pad=0):
    """One image and one filter at a time."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    out_h = (H + 2 * pad - K_h) // stride + 1
    out_w = (W + 2 * pad - K_w) // stride + 1
    if pad:
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((N, F, out_h, out_w))
    for n in range(N):
        for f in range(F):
            for i in range(out_h):
                for j in range(out_w):
                    window = x[n, :, i * stride : i * stride + K_h, j * stride : j * stride + K_w]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out
'''

CONV_FORWARD = Exercise(
    "conv_forward",
    points=7,
    cases=[
        Case(conv_tiny),
        Case(conv_stride),
        Case(conv_padding),
        Case(conv_bias),
        Case(conv_one_row),
        Case(conv_left_over_row),
        Case(conv_not_square),
        Case(conv_left_over),
        Case(conv_batch),
        Case(conv_channels),
        Case(conv_single_output),
        Case(conv_whole_numbers),
        Case(conv_view),
        Case(conv_padding_and_stride),
        Case(conv_all_together, tolerance=Tolerance(1e-5, 1e-5)),
        Case(conv_drawn, hidden=True, weight=3),
        Case(conv_left_over_drawn, hidden=True, weight=2),
        Case(conv_larger, hidden=True, weight=2, tolerance=Tolerance(1e-5, 1e-4)),
    ],
    bugs=[
        Bug(
            "kernel flipped",
            "You turn the filter upside down and back to front before multiplying. That is the convolution of the "
            "mathematicians; deep learning lays the filter on the image as it is.",
            ("window * w[f]", "window * w[f, :, ::-1, ::-1]"),
        ),
        Bug(
            "kernel transposed",
            "You lay the filter on the image with its rows and columns exchanged. Row s of the filter belongs on row s "
            "of the window.",
            source=replaced(CONV_BY_LOOPS, ("w[f, c, s, t]", "w[f, c, t, s]")),
        ),
        Bug(
            "height and width of the image swapped",
            "You take the image's height for its width. `x.shape` is (N, C, H, W): the rows come before the columns.",
            ("N, _, H, W = x.shape", "N, _, W, H = x.shape"),
        ),
        Bug(
            "height and width of the image swapped, pixel by pixel",
            "You take the image's height for its width. `x.shape` is (N, C, H, W): the rows come before the columns.",
            source=replaced(
                CONV_BY_LOOPS,
                ("N, C, H, W", "N, C, W, H"),
            ),
        ),
        Bug(
            "height and width of the filter swapped",
            "You take the filter's height for its width. `w.shape` is (F, C, K_h, K_w): the rows come before the "
            "columns.",
            ("F, _, K_h, K_w = w.shape", "F, _, K_w, K_h = w.shape"),
        ),
        Bug(
            "height and width of the filter swapped, pixel by pixel",
            "You take the filter's height for its width. `w.shape` is (F, C, K_h, K_w): the rows come before the "
            "columns.",
            source=replaced(
                CONV_BY_LOOPS,
                ("F, _, K_h, K_w", "F, _, K_w, K_h"),
            ),
        ),
        Bug(
            "square image assumed",
            "You compute the output's width from the image's *height*. The image need not be square: use W there.",
            ("(W + 2 * pad", "(H + 2 * pad"),
        ),
        Bug(
            "square filter assumed",
            "You use the filter's height for its width as well. Filters need not be square: columns go with K_w.",
            ("K_w) // stride", "K_h) // stride"),
            ("left + K_w", "left + K_h"),
        ),
        Bug(
            "square filter assumed, pixel by pixel",
            "You use the filter's height for its width as well. Filters need not be square: columns go with K_w.",
            source=replaced(
                CONV_BY_LOOPS,
                ("out_h =", "K_w = K_h\n    out_h ="),
            ),
        ),
        Bug(
            "output transposed",
            "The numbers are right, but rows and columns of the output are exchanged. Its shape is (N, F, H', W'): "
            "the row comes before the column.",
            ("(N, F, out_h, out_w)", "(N, F, out_w, out_h)"),
            ("out[:, f, i, j]", "out[:, f, j, i]"),
        ),
        Bug(
            "filters before images in the output",
            "You put the filters on the output's first axis and the images on the second. The output is "
            "(N, F, H', W'): which image first, then which filter.",
            ("return out", "return out.swapaxes(0, 1)"),
        ),
        Bug(
            "window moves one pixel at a time",
            "Your output has the right size, but the window moves by one pixel at each step. Output (i, j) sees the "
            "window whose top left corner is i and j *times* the stride away from the image's.",
            ("i * stride, j * stride", "i, j"),
        ),
        Bug(
            "stride ignored",
            "You ignore `stride`: that is the output of stride 1. The stride says how far the window moves at each "
            "step, and so how many steps there are.",
            ("// stride", "// 1"),
            ("i * stride, j * stride", "i, j"),
        ),
        Bug(
            "stride missing in the output size",
            "Your window moves in strides, but the output has as many elements as for stride 1, so the window runs "
            "off the image. Divide by the stride when you work out the output's size.",
            ("// stride", "// 1"),
        ),
        Bug(
            "stride missing in the output size, pixel by pixel",
            "Your window moves in strides, but the output has as many elements as for stride 1, so the window runs "
            "off the image. Divide by the stride when you work out the output's size.",
            source=replaced(
                CONV_BY_LOOPS,
                (") // stride", ")"),
            ),
        ),
        Bug(
            "stride for rows only",
            "Rows move in strides, but columns one by one. The stride counts in both directions.",
            ("i * stride, j * stride", "i * stride, j"),
        ),
        Bug(
            "stride added instead of multiplied",
            "You *add* the stride to the output's index. After i steps the window has moved i *times* the stride; at "
            "the start it hasn't moved at all.",
            ("i * stride, j * stride", "i + stride, j + stride"),
        ),
        Bug(
            "output index not divided by the stride",
            "You loop over the window's corners (0, stride, 2·stride …) and store the result at the same place. Two "
            "windows that lie `stride` apart in the image are neighbours in the output.",
            ("range(out_h)", "range(0, out_h * stride, stride)"),
            ("range(out_w)", "range(0, out_w * stride, stride)"),
            ("i * stride, j * stride", "i, j"),
        ),
        Bug(
            "output too small by one",
            "Your output lacks its last row and column. Count the places of the window, not the steps between them: "
            "there is one place more (the `+ 1` of the formula).",
            ("// stride + 1", "// stride"),
        ),
        Bug(
            "last row and column never filled",
            "Your output has the right size, but its last row and column keep the zeros they were made with: a loop "
            "ends one step too early. `range(n)` already stops before n.",
            ("range(out_h)", "range(out_h - 1)"),
            ("range(out_w)", "range(out_w - 1)"),
        ),
        Bug(
            "output size rounded up",
            "Where the stride doesn't fit, you round the output's size up, and the last window sticks out over the "
            "edge. Round down: what is left over isn't read.",
            ("(H + 2 * pad - K_h) // stride", "-(-(H + 2 * pad - K_h) // stride)"),
            ("(W + 2 * pad - K_w) // stride", "-(-(W + 2 * pad - K_w) // stride)"),
        ),
        Bug(
            "output size rounded up, pixel by pixel",
            "Where the stride doesn't fit, you round the output's size up, and the last window sticks out over the "
            "edge. Round down: what is left over isn't read.",
            source=replaced(
                CONV_BY_LOOPS,
                ("(H + 2 * pad - K_h) // stride", "-(-(H + 2 * pad - K_h) // stride)"),
                ("(W + 2 * pad - K_w) // stride", "-(-(W + 2 * pad - K_w) // stride)"),
            ),
        ),
        Bug(
            "output size rounded to the nearest",
            "Where the stride doesn't fit, you round the output's size to the nearest whole number, which is sometimes "
            "up: then the last window sticks out over the edge. Always round down.",
            ("(H + 2 * pad - K_h) // stride", "round((H + 2 * pad - K_h) / stride)"),
            ("(W + 2 * pad - K_w) // stride", "round((W + 2 * pad - K_w) / stride)"),
        ),
        Bug(
            "a stride that does not fit refused",
            "You refuse a stride that doesn't fit, as the slides do. Frameworks don't mind: they round the output's "
            "size down and leave the last rows and columns unread.",
            (
                "    padded =",
                "    assert (H + 2 * pad - K_h) % stride == (W + 2 * pad - K_w) % stride == 0\n    padded =",
            ),
        ),
        Bug(
            "padding ignored",
            "You ignore `pad`: the output is that of the bare image. Surround each image with `pad` rings of zeros "
            "first, then slide the window over the larger image.",
            ("padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))", "padded, pad = x, 0"),
            ("2 * pad", "0 * pad"),
        ),
        Bug(
            "padded only in the formula",
            "Your output has the size that padding gives, but the window slides over the bare image and falls off it. "
            "Put the zeros round the image, and cut the windows from the padded one.",
            ("window = padded[", "window = x["),
        ),
        Bug(
            "padded only in the formula, pixel by pixel",
            "Your output has the size that padding gives, but the window slides over the bare image and falls off it. "
            "Put the zeros round the image, and cut the windows from the padded one.",
            source=replaced(
                CONV_BY_LOOPS,
                ("padded[n,", "x[n,"),
            ),
        ),
        Bug(
            "padding counted once in the output size",
            "You add `pad` once when you work out the output's size. The zeros are on both sides: the image grows by "
            "twice `pad`.",
            ("2 * pad", "pad"),
        ),
        Bug(
            "rows padded, columns not",
            "You add zeros above and below the image, but none to its left and right. The border goes all the way "
            "round: pad both of the last two axes.",
            ("(pad, pad), (pad, pad)", "(pad, pad), (0, 0)"),
        ),
        Bug(
            "rows padded, columns not, pixel by pixel",
            "You add zeros above and below the image, but none to its left and right. The border goes all the way "
            "round: pad both of the last two axes.",
            source=replaced(CONV_BY_LOOPS, ("(pad, pad), (pad, pad)", "(pad, pad), (0, 0)")),
        ),
        Bug(
            "all padding before the image",
            "All your zeros are above and to the left of the image. Half of them belong below and to the right: "
            "`pad` on each of the four sides.",
            ("(pad, pad), (pad, pad)", "(2 * pad, 0), (2 * pad, 0)"),
        ),
        Bug(
            "all padding after the image",
            "All your zeros are below and to the right of the image. Half of them belong above and to the left: "
            "`pad` on each of the four sides.",
            ("(pad, pad), (pad, pad)", "(0, 2 * pad), (0, 2 * pad)"),
        ),
        Bug(
            "padding with the edge's values",
            "You surround the image with copies of its outermost pixels. Here the border is made of zeros.",
            ("(pad, pad), (pad, pad)))", '(pad, pad), (pad, pad)), mode="edge")'),
        ),
        Bug(
            "padding on all four axes",
            "You pad all four axes, so zeros come in as extra images and extra channels. Only rows and columns (the "
            "last two axes) get a border: tell `np.pad` the widths axis by axis.",
            ("((0, 0), (0, 0), (pad, pad), (pad, pad))", "pad"),
        ),
        Bug(
            "padding on all four axes, image by image",
            "You pad all four axes, so the first images and channels you read are zeros that you have just put in. "
            "Only rows and columns (the last two axes) get a border: tell `np.pad` the widths axis by axis.",
            source=replaced(CONV_BY_LOOPS, ("((0, 0), (0, 0), (pad, pad), (pad, pad))", "pad")),
        ),
        Bug(
            "[pad:-pad] without padding",
            "You copy the image into `[pad:-pad]` of a larger array of zeros. Without padding that is `[0:-0]`, which "
            "is `[0:0]`: nothing at all. Say where the image *ends* by its height, or use `np.pad`.",
            (
                "padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))",
                "padded = np.zeros((N, x.shape[1], H + 2 * pad, W + 2 * pad))\n"
                "    padded[:, :, pad:-pad, pad:-pad] = x",
            ),
        ),
        Bug(
            "bias missing",
            "You never add the bias. Each filter has one, `b[f]`, and it is added to every output of that filter.",
            (" + b[f]", ""),
        ),
        Bug(
            "bias added to every product",
            "You add the bias to each product before summing, so it counts as often as the filter has weights. Sum "
            "first, then add it once.",
            ("(window * w[f]).sum(axis=(1, 2, 3)) + b[f]", "(window * w[f] + b[f]).sum(axis=(1, 2, 3))"),
        ),
        Bug(
            "bias added for every channel",
            "You add the bias once for each channel. Sum over the channels first, then add it once.",
            (" + b[f]", " + b[f] * x.shape[1]"),
        ),
        Bug(
            "the first filter's bias for all",
            "You add the first filter's bias to every output. Each filter has its own.",
            (" + b[f]", " + b[0]"),
        ),
        Bug(
            "only the first channel",
            "You use the first channel only. A filter has weights for every channel, and its output is the sum over "
            "all of them.",
            ("(window * w[f])", "(window * w[f])[:, :1]"),
        ),
        Bug(
            "channels averaged",
            "You take the mean over the channels. A convolution *sums* over them.",
            ("(window * w[f]).sum(axis=(1, 2, 3))", "(window * w[f]).sum(axis=(2, 3)).mean(axis=1)"),
        ),
        Bug(
            "mean instead of sum",
            "You take the mean of the products. A convolution *sums* them; if a filter is to average, its weights do "
            "that.",
            ("sum(axis=(1, 2, 3))", "mean(axis=(1, 2, 3))"),
        ),
        Bug(
            "matrix product",
            "You multiply window and filter as matrices (`@` or `np.dot`). Here each weight is multiplied with the "
            "pixel under it (`*`), and the products are summed.",
            source=replaced(ONE_WINDOW, ("window * w[f]", "window @ w[f]")),
        ),
        Bug(
            "only the first filter",
            "You use the first filter's weights for every output map. Map f is made with filter f.",
            ("window * w[f]", "window * w[0]"),
        ),
        Bug(
            "only the first image",
            "All images of the batch get the result of the first. Every image is convolved for itself.",
            ("padded[:, :, top", "padded[:1, :, top"),
        ),
        Bug(
            "images summed",
            "You sum over the images of the batch too. Sum over channels, rows and columns only, and keep the images "
            "apart.",
            (".sum(axis=(1, 2, 3))", ".sum()"),
        ),
        Bug(
            "output of whole numbers",
            "You store the results in an array of the image's own type: where that is a type of whole numbers, numpy "
            "silently cuts off everything behind the point. Make the output an array of floats.",
            ("np.zeros((N, F, out_h, out_w))", "np.zeros((N, F, out_h, out_w), dtype=x.dtype)"),
        ),
        Bug(
            "negative results cut off",
            "You replace negative results by 0. That is the ReLU, a layer of its own; the convolution keeps them.",
            ("return out", "return np.maximum(out, 0)"),
        ),
        Bug(
            "window multiplied in place",
            "`window` is a *view* of the image, so `window *= …` overwrites the image itself, for the caller and for "
            "all windows to come. Multiply into a new array.",
            source=replaced(
                ONE_WINDOW,
                (
                    "out[n, f, i, j] = np.sum(window * w[f])",
                    "window *= w[f]\n                    out[n, f, i, j] = np.sum(window)",
                ),
            ),
        ),
    ],
    correct=[
        Correct("seven loops", CONV_BY_LOOPS),
        Correct("one window at a time", ONE_WINDOW),
        Correct(
            "im2col",
            '''
import numpy as np
def conv_forward(x, w, b, stride=1, pad=0):
    """All windows as the columns of one matrix."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    out_h = 1 + (H + 2 * pad - K_h) // stride
    out_w = 1 + (W + 2 * pad - K_w) // stride
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant")
    columns = np.empty((C * K_h * K_w, N * out_h * out_w))
    position = 0
    for i in range(out_h):
        for j in range(out_w):
            window = x[:, :, i * stride : i * stride + K_h, j * stride : j * stride + K_w]
            columns[:, position : position + N] = window.reshape(N, -1).T
            position += N
    out = w.reshape(F, -1) @ columns + b.reshape(-1, 1)
    return out.reshape(F, out_h, out_w, N).transpose(3, 0, 1, 2)
''',
        ),
        Correct(
            "sliding windows and einsum, a view as result",
            '''
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
def conv_forward(x, w, b, stride=1, pad=0):
    """Every place, then every stride-th of them."""
    padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3))
    everywhere = np.einsum("ncijst,fcst->nfij", windows, w) + b[:, None, None]
    return everywhere[:, :, ::stride, ::stride]
''',
        ),
        Correct(
            "a sum over the weights, in place of the positions",
            '''
import numpy as np
def conv_forward(x, w, b, stride=1, pad=0):
    """Shift the whole image under each weight in turn."""
    N, C, H, W = x.shape
    F, C, K_h, K_w = w.shape
    out_h, out_w = (H + 2 * pad - K_h) // stride + 1, (W + 2 * pad - K_w) // stride + 1
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    padded[:, :, pad : pad + H, pad : pad + W] = x
    out = np.zeros((N, F, out_h, out_w)) + b.reshape(1, F, 1, 1)
    for s in range(K_h):
        for t in range(K_w):
            shifted = padded[:, :, s : s + out_h * stride : stride, t : t + out_w * stride : stride]
            out += np.einsum("nchw,fc->nfhw", shifted[:, :, :out_h, :out_w], w[:, :, s, t])
    return out
''',
        ),
        Correct(
            "torch",
            '''
import numpy as np
import torch
def conv_forward(x, w, b, stride=1, pad=0):
    """Let torch do it."""
    x, w, b = (torch.tensor(np.asarray(a, dtype=np.float64)) for a in (x, w, b))
    return torch.nn.functional.conv2d(x, w, b, stride=stride, padding=pad).numpy()
''',
        ),
        Correct(
            "torch in float32, a tensor as result",
            '''
import torch
def conv_forward(x, w, b, stride=1, pad=0):
    """Let torch do it, and leave it there."""
    x, w, b = (torch.tensor(a, dtype=torch.float32) for a in (x, w, b))
    return torch.nn.functional.conv2d(x, w, b, stride=(stride, stride), padding=pad)
''',
        ),
        Correct(
            "float32 result",
            '''
import numpy as np
def conv_forward(x, w, b, stride=1, pad=0):
    """Work in float32 throughout."""
    N, _, H, W = x.shape
    F, _, K_h, K_w = w.shape
    padded = np.pad(x.astype(np.float32), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows = range(0, H + 2 * pad - K_h + 1, stride)
    columns = range(0, W + 2 * pad - K_w + 1, stride)
    out = np.empty((N, F, len(rows), len(columns)), dtype=np.float32)
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            window = padded[:, :, top : top + K_h, left : left + K_w]
            out[:, :, i, j] = np.tensordot(window, w.astype(np.float32), axes=([1, 2, 3], [1, 2, 3])) + b
    return out
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# max_pool_forward


def pool_tiny(student, rng):
    """one 2×4 image, 2×2 windows side by side"""
    return {"out": student(whole(rng, 1, 1, 2, 4, low=1, high=9), (2, 2), 2)}


def pool_negative(student, rng):
    """one 2×4 image of negative numbers, 2×2 windows side by side"""
    return {"out": student(whole(rng, 1, 1, 2, 4, low=-9, high=-1), (2, 2), 2)}


def pool_overlapping(student, rng):
    """one 3×4 image, 2×2 windows that overlap (stride 1)"""
    return {"out": student(whole(rng, 1, 1, 3, 4, low=-9, high=9), (2, 2), 1)}


def pool_left_over(student, rng):
    """one 3×5 image, 2×2 windows, stride 2, which leaves a row and a column over"""
    return {"out": student(whole(rng, 1, 1, 3, 5, low=-9, high=9), (2, 2), 2)}


def pool_ties(student, rng):
    """one 4×4 image where the largest number comes several times"""
    x = np.array([[[[3.0, 3, 1, 2], [0, 3, 2, 2], [5, 4, 7, 7], [5, 5, 7, 7]]]])
    return {"out": student(rng.permuted(x, axis=3), (2, 2), 2)}


def pool_not_square(student, rng):
    """one 3×4 image, windows of 2 rows and 3 columns, stride 1"""
    return {"out": student(whole(rng, 1, 1, 3, 4, low=-9, high=9), (2, 3), 1)}


def pool_gaps(student, rng):
    """one 5×8 image, 2×2 windows, stride 3, which leaves gaps between the windows"""
    return {"out": student(whole(rng, 1, 1, 5, 8, low=-9, high=9), (2, 2), 3)}


def pool_channels(student, rng):
    """one 2×3 image of three channels, 2×2 windows, stride 1"""
    return {"out": student(whole(rng, 1, 3, 2, 3, low=-9, high=9), (2, 2), 1)}


def pool_batch(student, rng):
    """three 2×3 images, 2×2 windows, stride 1"""
    return {"out": student(whole(rng, 3, 1, 2, 3, low=-9, high=9), (2, 2), 1)}


def pool_quarters(student, rng):
    """one 3×4 image of quarters (dtype float32), 2×2 windows, stride 1"""
    return {"out": student(quarters(rng, 1, 1, 3, 4).astype(np.float32), (2, 2), 1)}


def pool_view(student, rng):
    """one 4×5 image of whole numbers (dtype int64), read-only and not contiguous, overlapping windows"""
    return {"out": student(read_only_view(rng.integers(-9, 10, (1, 1, 4, 5))), (2, 3), 2)}


def pool_all_together(student, rng):
    """two 7×8 images of three channels, overlapping 3×2 windows, stride 2, which does not fit"""
    return {"out": student(whole(rng, 2, 3, 8, 7, low=-9, high=4), (3, 2), 2)}


def pool_drawn(student, rng):
    """shapes, windows and strides drawn at random"""
    seen = {}
    for draw in range(4):
        batch, channels, stride = (int(n) for n in rng.integers(1, [4, 4, 4]))
        size = np.array(rng.permutation(4)[:2]) + 1  # two different sides
        height, width = (rng.permutation(3)[:2] + 1) * stride + size + rng.integers(0, stride, 2)
        if height == width:
            width += stride
        x = whole(rng, batch, channels, height, width, low=-9, high=3)
        seen[f"out {draw + 1}"] = student(x, tuple(int(side) for side in size), stride)
    return seen


def pool_left_over_drawn(student, rng):
    """strides that do not fit in either direction, drawn at random"""
    seen = {}
    for draw in range(3):
        stride = int(rng.integers(2, 5))
        size = rng.integers(2, 5, 2)
        rows, columns = rng.permutation([2, 3]) * stride + size + rng.integers(1, stride, 2)
        x = read_only_view(whole(rng, 2, 2, rows, columns, low=-9, high=-1))
        seen[f"out {draw + 1}"] = student(x, tuple(int(side) for side in size), stride)
    return seen


def pool_larger(student, rng):
    """two images of 24×31 pixels and four channels"""
    return {"out": student(quarters(rng, 2, 4, 24, 31).astype(np.float32), (3, 3), 2)}


POOL_BY_LOOPS = '''
import numpy as np
def max_pool_forward(x, size, stride):
    """Look at every pixel of every window."""
    N, C, H, W = x.shape
    K_h, K_w = size
    out_h = (H - K_h) // stride + 1
    out_w = (W - K_w) // stride + 1
    out = np.zeros((N, C, out_h, out_w))
    for n in range(N):
        for c in range(C):
            for i in range(out_h):
                for j in range(out_w):
                    best = -np.inf
                    for s in range(K_h):
                        for t in range(K_w):
                            if x[n, c, i * stride + s, j * stride + t] > best:
                                best = x[n, c, i * stride + s, j * stride + t]
                    out[n, c, i, j] = best
    return out
'''

MAX_POOL_FORWARD = Exercise(
    "max_pool_forward",
    points=4,
    cases=[
        Case(pool_tiny),
        Case(pool_negative),
        Case(pool_overlapping),
        Case(pool_left_over),
        Case(pool_ties),
        Case(pool_not_square),
        Case(pool_gaps),
        Case(pool_channels),
        Case(pool_batch),
        Case(pool_quarters),
        Case(pool_view),
        Case(pool_all_together),
        Case(pool_drawn, hidden=True, weight=3),
        Case(pool_left_over_drawn, hidden=True, weight=2),
        Case(pool_larger, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "average instead of maximum",
            "You take the mean of each window: that is average pooling. Here the largest number of each window is "
            "wanted.",
            ("window.max(axis=(2, 3))", "window.mean(axis=(2, 3))"),
            (", dtype=x.dtype", ""),
        ),
        Bug(
            "minimum instead of maximum",
            "You take the smallest number of each window; the largest is wanted.",
            ("window.max(", "window.min("),
        ),
        Bug(
            "largest absolute value",
            "You compare the numbers without their signs. The maximum of −5 and 2 is 2.",
            ("window.max(", "np.abs(window).max("),
        ),
        Bug(
            "maximum started at 0",
            "Your search for the maximum starts at 0, so no negative number can win. Start with a number from the "
            "window itself (or with −∞).",
            ("window.max(axis=(2, 3))", "window.max(axis=(2, 3), initial=0)"),
        ),
        Bug(
            "position instead of value",
            "You return *where* the largest number stands in its window (`argmax`). The number itself is wanted.",
            ("window.max(axis=(2, 3))", "window.reshape(N, C, -1).argmax(axis=2)"),
        ),
        Bug(
            "repeated maxima added up",
            "Where the largest number comes twice in a window, you count it twice. Several equal maxima still give "
            "that one number.",
            (
                "window.max(axis=(2, 3))",
                "np.where(window == window.max(axis=(2, 3), keepdims=True), window, 0).sum(axis=(2, 3))",
            ),
        ),
        Bug(
            "maximum over the channels",
            "You take the maximum over all channels too. Pooling works on every channel for itself: as many maps go "
            "out as came in.",
            ("window.max(axis=(2, 3))", "window.max(axis=(1, 2, 3))[:, None]"),
        ),
        Bug(
            "maximum over the images",
            "You take the maximum over all images of the batch too. Every image is pooled for itself.",
            ("window.max(axis=(2, 3))", "window.max(axis=(0, 2, 3))"),
        ),
        Bug(
            "maximum over images and channels",
            "You take one maximum over all images and channels (`window.max()` without axes). Every channel of every "
            "image is pooled for itself: the maximum runs over rows and columns only.",
            ("window.max(axis=(2, 3))", "window.max()"),
        ),
        Bug(
            "only the first image",
            "All images of the batch get the result of the first. Every image is pooled for itself.",
            ("x[:, :, top", "x[:1, :, top"),
        ),
        Bug(
            "stride ignored: windows side by side",
            "You put the windows side by side, whatever `stride` says. The stride alone says how far apart they are: "
            "a small one makes them overlap, a large one leaves gaps.",
            ("(H - K_h) // stride", "(H - K_h) // K_h"),
            ("(W - K_w) // stride", "(W - K_w) // K_w"),
            ("i * stride, j * stride", "i * K_h, j * K_w"),
        ),
        Bug(
            "image cut into tiles",
            "You cut the image into tiles with `reshape`. That works only where windows lie side by side and fill the "
            "image; here they may overlap, leave gaps, or leave rows and columns over.",
            source='''
def max_pool_forward(x, size, stride):
    """Cut the image into tiles."""
    N, C, H, W = x.shape
    K_h, K_w = size
    return x.reshape(N, C, H // K_h, K_h, W // K_w, K_w).max(axis=(3, 5))
''',
        ),
        Bug(
            "window moves by its own size",
            "Your output has the right size, but the windows lie side by side, whatever `stride` says. The corner of "
            "window (i, j) is i and j *times* the stride away from the image's.",
            ("i * stride, j * stride", "i * K_h, j * K_w"),
        ),
        Bug(
            "window moves by its own size, pixel by pixel",
            "Your output has the right size, but the windows lie side by side, whatever `stride` says. The corner of "
            "window (i, j) is i and j *times* the stride away from the image's.",
            source=replaced(
                POOL_BY_LOOPS,
                ("i * stride", "i * K_h"),
                ("j * stride", "j * K_w"),
            ),
        ),
        Bug(
            "window moves one pixel at a time",
            "Your output has the right size, but the window moves by one pixel at each step. The corner of window "
            "(i, j) is i and j *times* the stride away from the image's.",
            ("i * stride, j * stride", "i, j"),
        ),
        Bug(
            "stride for rows only",
            "Rows move in strides, but columns one by one. The stride counts in both directions.",
            ("i * stride, j * stride", "i * stride, j"),
        ),
        Bug(
            "window as large as the stride",
            "Your windows are as large as the stride. `size` says how large they are, `stride` how far apart.",
            ("K_h, K_w = size", "K_h, K_w = stride, stride"),
        ),
        Bug(
            "height and width of the image swapped",
            "You take the image's height for its width. `x.shape` is (N, C, H, W): the rows come before the columns.",
            ("N, C, H, W = x.shape", "N, C, W, H = x.shape"),
        ),
        Bug(
            "height and width of the image swapped, pixel by pixel",
            "You take the image's height for its width. `x.shape` is (N, C, H, W): the rows come before the columns.",
            source=replaced(
                POOL_BY_LOOPS,
                ("N, C, H, W", "N, C, W, H"),
            ),
        ),
        Bug(
            "height and width of the window swapped",
            "You take the window's height for its width. `size` is (K_h, K_w): the rows come before the columns.",
            ("K_h, K_w = size", "K_w, K_h = size"),
        ),
        Bug(
            "square image assumed",
            "You compute the output's width from the image's *height*. The image need not be square: use W there.",
            ("(W - K_w)", "(H - K_w)"),
        ),
        Bug(
            "square window assumed",
            "You use the window's height for its width as well. Windows need not be square: columns go with K_w.",
            ("K_h, K_w = size", "K_h = K_w = size[0]"),
        ),
        Bug(
            "output too small by one",
            "Your output lacks its last row and column. Count the places of the window, not the steps between them: "
            "there is one place more (the `+ 1` of the formula).",
            ("// stride + 1", "// stride"),
        ),
        Bug(
            "last row and column never filled",
            "Your output has the right size, but its last row and column keep the zeros they were made with: a loop "
            "ends one step too early. `range(n)` already stops before n.",
            ("range(out_h)", "range(out_h - 1)"),
            ("range(out_w)", "range(out_w - 1)"),
        ),
        Bug(
            "output size rounded up",
            "Where the stride doesn't fit, you round the output's size up, and the last window is cut by the edge (as "
            "Caffe does it). Here, as in PyTorch, round down: what is left over isn't read.",
            ("(H - K_h) // stride", "-(-(H - K_h) // stride)"),
            ("(W - K_w) // stride", "-(-(W - K_w) // stride)"),
        ),
        Bug(
            "output size rounded up, pixel by pixel",
            "Where the stride doesn't fit, you round the output's size up, and the last window is cut by the edge (as "
            "Caffe does it). Here, as in PyTorch, round down: what is left over isn't read.",
            source=replaced(
                POOL_BY_LOOPS,
                ("(H - K_h) // stride", "-(-(H - K_h) // stride)"),
                ("(W - K_w) // stride", "-(-(W - K_w) // stride)"),
            ),
        ),
        Bug(
            "a stride that does not fit refused",
            "You refuse a stride that doesn't fit. Frameworks don't mind: they round the output's size down and leave "
            "the last rows and columns unread.",
            ("    out =", "    assert (H - K_h) % stride == (W - K_w) % stride == 0\n    out ="),
        ),
        Bug(
            "a border of zeros",
            "You surround the image with zeros, as a convolution may. Pooling here has no padding (and a zero would "
            "beat every negative number).",
            (
                "    out_h =",
                "    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))\n    H, W = H + 2, W + 2\n    out_h =",
            ),
        ),
        Bug(
            "output of whole numbers",
            "You store the results in an array of whole numbers, and numpy silently cuts off everything behind the "
            "point. Give the output the type of `x`.",
            ("dtype=x.dtype", "dtype=int"),
        ),
        Bug(
            "written into the image",
            "You store the results in `x` itself. Whoever called your function still needs the image: make a new array "
            "for the output.",
            ("out = np.zeros((N, C, out_h, out_w), dtype=x.dtype)", "out = x[:, :, :out_h, :out_w]"),
        ),
    ],
    correct=[
        Correct("six loops", POOL_BY_LOOPS),
        Correct(
            "sliding windows, a view as result",
            '''
import numpy as np
def max_pool_forward(x, size, stride):
    """Every place, then every stride-th of them."""
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    return windows.max(axis=(4, 5))[:, :, ::stride, ::stride]
''',
        ),
        Correct(
            "shifted images",
            '''
import numpy as np
def max_pool_forward(x, size, stride):
    """The larger of two images, again and again."""
    rows = (x.shape[2] - size[0]) // stride * stride + 1
    columns = (x.shape[3] - size[1]) // stride * stride + 1
    out = None
    for s in range(size[0]):
        for t in range(size[1]):
            shifted = x[:, :, s : s + rows : stride, t : t + columns : stride]
            out = shifted.copy() if out is None else np.maximum(out, shifted)
    return out
''',
        ),
        Correct(
            "torch",
            '''
import numpy as np
import torch
def max_pool_forward(x, size, stride):
    """Let torch do it."""
    x = torch.tensor(np.asarray(x, dtype=np.float64))
    return torch.nn.functional.max_pool2d(x, size, stride=stride).numpy()
''',
        ),
        Correct(
            "torch in float32, a tensor as result",
            '''
import torch
def max_pool_forward(x, size, stride):
    """Let torch do it, and leave it there."""
    return torch.nn.functional.max_pool2d(torch.tensor(x, dtype=torch.float32), size, stride=stride)
''',
        ),
        Correct(
            "rows first, then columns, in float32",
            '''
import numpy as np
def max_pool_forward(x, size, stride):
    """A maximum of maxima."""
    H, W = x.shape[2:]
    rows = [x[:, :, top : top + size[0]].max(axis=2) for top in range(0, H - size[0] + 1, stride)]
    tall = np.stack(rows, axis=2)
    columns = [tall[..., left : left + size[1]].max(axis=3) for left in range(0, W - size[1] + 1, stride)]
    return np.stack(columns, axis=3).astype(np.float32)
''',
        ),
    ],
)

EXERCISES = [CONV_OUTPUT_SIZE, COUNT_PARAMETERS, COUNT_CONNECTIONS, CONV_FORWARD, MAX_POOL_FORWARD]
