"""Part 2, backwards: the true convolution, kernels with names, the gradients of convolution and pooling."""

import numpy as np
import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, outcome, replaced
from visionlab.checks.draws import distinct, quarters, read_only_view, whole

# ---------------------------------------------------------------------------------------------------------------------
# convolve2d


def full_one_pixel(student, rng):
    """a single pixel of brightness 2, a 2×2 kernel"""
    return {"out": student(np.array([[2.0]]), distinct(rng, 2, 2) + 3)}


def full_tiny(student, rng):
    """a 2×2 image, a kernel of one row and two columns"""
    return {"out": student(whole(rng, 2, 2, low=1, high=9), np.array([[1.0, -2.0]]))}


def full_square(student, rng):
    """a 2×3 image, a 2×2 kernel"""
    return {"out": student(whole(rng, 2, 3, low=1, high=9), distinct(rng, 2, 2))}


def full_one_weight(student, rng):
    """a 2×3 image, a kernel of a single weight"""
    return {"out": student(whole(rng, 2, 3, low=1, high=9), np.array([[-3.0]]))}


def full_one_column(student, rng):
    """a 2×3 image, a kernel of three rows and one column"""
    return {"out": student(whole(rng, 2, 3, low=1, high=9), np.array([[1.0], [0.0], [-2.0]]))}


def full_not_square(student, rng):
    """a 3×4 image, a kernel of 2 rows and 3 columns"""
    return {"out": student(whole(rng, 3, 4, low=1, high=9), distinct(rng, 2, 3))}


def full_three_by_three(student, rng):
    """a 3×5 image, a 3×3 kernel"""
    return {"out": student(whole(rng, 3, 5, low=1, high=9), distinct(rng, 3, 3))}


def full_large_kernel(student, rng):
    """an image of one row and two columns, a 3×3 kernel: the kernel is larger than the image"""
    return {"out": student(whole(rng, 1, 2, low=1, high=9), distinct(rng, 3, 3))}


def full_whole_numbers(student, rng):
    """a 2×3 image of whole numbers (dtype int64), a kernel of quarters"""
    return {"out": student(rng.integers(1, 10, (2, 3)), np.array([[0.25, -0.5], [0.75, 0.5]]))}


def full_view(student, rng):
    """a 3×4 image in an array that is read-only and not contiguous, and such a kernel"""
    image, kernel = read_only_view(whole(rng, 3, 4, low=1, high=9)), read_only_view(distinct(rng, 2, 3))
    return {"out": student(image, kernel)}


def full_float32(student, rng):
    """a 5×7 image and a 4×3 kernel, both float32"""
    return {"out": student(quarters(rng, 5, 7).astype(np.float32), quarters(rng, 4, 3).astype(np.float32))}


def full_drawn(student, rng):
    """images and kernels drawn at random"""
    seen = {}
    for draw in range(5):
        height, width = rng.permutation(7)[:2] + 1
        rows, columns = rng.permutation(5)[:2] + 1
        image = read_only_view(quarters(rng, height, width))
        seen[f"out {draw + 1}"] = student(image, whole(rng, rows, columns))
    return seen


def full_larger(student, rng):
    """a photograph's size: 24×31 pixels, 5×3 weights"""
    return {"out": student(quarters(rng, 24, 31).astype(np.float32), quarters(rng, 5, 3).astype(np.float32))}


FLIP_AND_FILTER = '''
import numpy as np
def convolve2d(image, kernel):
    """Flip and filter."""
    H, W = image.shape
    K_h, K_w = kernel.shape
    around = np.pad(image, ((K_h - 1, K_h - 1), (K_w - 1, K_w - 1)))
    turned = kernel[::-1, ::-1]
    out = np.zeros((H + K_h - 1, W + K_w - 1))
    for i in range(len(out)):
        for j in range(len(out[0])):
            out[i, j] = (around[i : i + K_h, j : j + K_w] * turned).sum()
    return out
'''

CONVOLVE2D = Exercise(
    "convolve2d",
    points=3,
    cases=[
        Case(full_one_pixel),
        Case(full_tiny),
        Case(full_square),
        Case(full_one_weight),
        Case(full_one_column),
        Case(full_not_square),
        Case(full_three_by_three),
        Case(full_large_kernel),
        Case(full_whole_numbers),
        Case(full_view),
        Case(full_float32, tolerance=Tolerance(1e-5, 1e-5)),
        Case(full_drawn, hidden=True, weight=3),
        Case(full_larger, hidden=True, weight=2, tolerance=Tolerance(1e-5, 1e-4)),
    ],
    bugs=[
        Bug(
            "kernel not turned",
            "You lay the kernel on the image as it is: that is the cross-correlation of deep learning. For a true "
            "convolution turn it by half a turn first; check yourself with one white pixel, which must give a picture "
            "of the kernel, the right way up.",
            source=replaced(FLIP_AND_FILTER, ("kernel[::-1, ::-1]", "kernel")),
        ),
        Bug(
            "kernel only turned upside down",
            "You reverse the kernel's rows, but not its columns. Half a turn does both.",
            source=replaced(FLIP_AND_FILTER, ("kernel[::-1, ::-1]", "kernel[::-1]")),
        ),
        Bug(
            "kernel only turned left to right",
            "You reverse the kernel's columns, but not its rows. Half a turn does both.",
            source=replaced(FLIP_AND_FILTER, ("kernel[::-1, ::-1]", "kernel[:, ::-1]")),
        ),
        Bug(
            "kernel transposed",
            "You transpose the kernel (`.T`), which mirrors it at its diagonal. Half a turn reverses rows and columns, "
            "and keeps them rows and columns.",
            source=replaced(FLIP_AND_FILTER, ("kernel[::-1, ::-1]", "kernel.T")),
        ),
        Bug(
            "kernel turned by a quarter",
            "You turn the kernel by a quarter (`np.rot90`). It must be half a turn.",
            source=replaced(FLIP_AND_FILTER, ("kernel[::-1, ::-1]", "np.rot90(kernel)")),
        ),
        Bug(
            "only where the kernel lies inside",
            "You keep the outputs whose window lies wholly inside the image (*valid*). Here every output counts for "
            "which kernel and image share at least one pixel: there are H + K_h − 1 rows of them.",
            source='''
import numpy as np
def convolve2d(image, kernel):
    """Only whole windows."""
    K_h, K_w = kernel.shape
    out = np.zeros((len(image) - K_h + 1, len(image[0]) - K_w + 1))
    for i in range(len(out)):
        for j in range(len(out[0])):
            out[i, j] = (image[i : i + K_h, j : j + K_w] * kernel[::-1, ::-1]).sum()
    return out
''',
        ),
        Bug(
            "cut to the size of the image",
            "You cut the result to the image's size (*same*). The full result is larger: the kernel may stick out on "
            "every side as long as it touches the image.",
            source=replaced(
                FLIP_AND_FILTER,
                ("return out", "return out[(K_h - 1) // 2 :, (K_w - 1) // 2 :][:H, :W]"),
            ),
        ),
        Bug(
            "as large as the image, cut at the far end",
            "Your result is as large as the image, and what the copies put beyond its far edges is lost. The full "
            "result has H + K_h − 1 rows and W + K_w − 1 columns.",
            ("return out", "return out[:H, :W]"),
        ),
        Bug(
            "difference of indices turned round",
            "You take `kernel[s - i, t - j]`. The formula has the indices i − s and j − t: the kernel is read "
            "backwards as s and t grow.",
            source='''
import numpy as np
def convolve2d(image, kernel):
    """Sum over all A_st B_(s-i, t-j) that exist."""
    (H, W), (K_h, K_w) = image.shape, kernel.shape
    out = np.zeros((H + K_h - 1, W + K_w - 1))
    for i, j in np.ndindex(out.shape):
        for s, t in np.ndindex(H, W):
            if 0 <= s - i < K_h and 0 <= t - j < K_w:
                out[i, j] += image[s, t] * kernel[s - i, t - j]
    return out
''',
        ),
        Bug(
            "a border of one pixel, whatever the kernel",
            "You put one ring of zeros round the image, which is right for 2×2 kernels only. The kernel may stick out "
            "by all but one of its rows and columns.",
            source=replaced(
                FLIP_AND_FILTER,
                ("np.pad(image, ((K_h - 1, K_h - 1), (K_w - 1, K_w - 1)))", "np.pad(image, 1)"),
                ("np.zeros((H + K_h - 1, W + K_w - 1))", "np.zeros((H + 2 - K_h + 1, W + 2 - K_w + 1))"),
            ),
        ),
        Bug(
            "border of the image's edge",
            "You continue the image with its outermost pixels. Beyond the image there are zeros.",
            source=replaced(FLIP_AND_FILTER, ("(K_w - 1, K_w - 1)))", '(K_w - 1, K_w - 1)), mode="edge")')),
        ),
        Bug(
            "border of the wrong sides",
            "You make the border above and below as wide as the kernel is *wide*, and that to the left and right as "
            "wide as it is *high*. It must be the other way round.",
            source=replaced(
                FLIP_AND_FILTER,
                ("((K_h - 1, K_h - 1), (K_w - 1, K_w - 1))", "((K_w - 1, K_w - 1), (K_h - 1, K_h - 1))"),
            ),
        ),
        Bug(
            "copies overwritten",
            "The copies of the image overlap, and you overwrite what earlier copies have put there (`=`). They must be "
            "added up (`+=`).",
            ("+= kernel[s, t] * image", "= kernel[s, t] * image"),
        ),
        Bug(
            "copies not moved",
            "You put all copies of the image into the same place. The copy for the weight in row s and column t is "
            "moved down by s and to the right by t.",
            ("out[s : s + H, t : t + W]", "out[:H, :W]"),
        ),
        Bug(
            "square kernel assumed",
            "You use the kernel's height for its width as well. Kernels need not be square.",
            ("K_h, K_w = kernel.shape", "K_h = K_w = len(kernel)"),
        ),
        Bug(
            "height and width of the image swapped",
            "You take the image's height for its width. `image.shape` is (H, W): rows come first.",
            ("H, W = image.shape", "W, H = image.shape"),
        ),
        Bug(
            "output of whole numbers",
            "You store the results in an array of the image's own type: where that is a type of whole numbers, numpy "
            "silently cuts off everything behind the point. Make the output an array of floats.",
            source=replaced(
                FLIP_AND_FILTER,
                ("np.zeros((H + K_h - 1, W + K_w - 1))", "np.zeros((H + K_h - 1, W + K_w - 1), dtype=image.dtype)"),
            ),
        ),
        Bug(
            "output too small by one",
            "Your result lacks its last row and column. An image of H rows touches a kernel of K_h rows in H + K_h − 1 "
            "places.",
            source=replaced(
                FLIP_AND_FILTER, ("np.zeros((H + K_h - 1, W + K_w - 1))", "np.zeros((H + K_h - 2, W + K_w - 2))")
            ),
        ),
        Bug(
            "last row and column never filled",
            "Your result has the right size, but its last row and column keep the zeros they were made with: a loop "
            "ends one step too early.",
            source=replaced(
                FLIP_AND_FILTER,
                ("range(len(out))", "range(len(out) - 1)"),
                ("range(len(out[0]))", "range(len(out[0]) - 1)"),
            ),
        ),
        Bug(
            "matrix product",
            "You multiply window and kernel as matrices (`@` or `np.dot`). Each weight is multiplied with the pixel "
            "under it (`*`), and the products are summed.",
            source=replaced(FLIP_AND_FILTER, ("* turned", "@ turned")),
        ),
        Bug(
            "mean instead of sum",
            "You take the mean of the products. A convolution *sums* them.",
            source=replaced(FLIP_AND_FILTER, (".sum()", ".mean()")),
        ),
        Bug(
            "divided by the sum of the weights",
            "You divide by the sum of the kernel's weights, as a playground does to keep a picture's brightness. The "
            "convolution itself divides by nothing.",
            ("return out", 'with np.errstate(all="ignore"):\n        return out / kernel.sum()'),
        ),
        Bug(
            "wrapped round the edges",
            "What leaves the image on one side comes in again on the other: that is what a product of Fourier "
            "transforms gives unless image and kernel are first extended with zeros to the size of the result.",
            source='''
import numpy as np
def convolve2d(image, kernel):
    """By the Fourier transform."""
    return np.fft.ifft2(np.fft.fft2(image) * np.fft.fft2(kernel, image.shape)).real
''',
        ),
        Bug(
            "negative results cut off",
            "You replace negative results by 0. A convolution keeps them; only when you show them as a picture do they "
            "need a colour.",
            ("return out", "return np.maximum(out, 0)"),
        ),
        Bug(
            "image changed in place",
            "You multiply the image itself (`image *= …`): whoever called your function still needs it, and so does "
            "your next copy. Multiply into a new array.",
            (
                "out[s : s + H, t : t + W] += kernel[s, t] * image",
                "image *= kernel[s, t]\n            out[s : s + H, t : t + W] += image",
            ),
        ),
    ],
    correct=[
        Correct("flip and filter", FLIP_AND_FILTER),
        Correct(
            "the definition, four loops",
            '''
import numpy as np
def convolve2d(image, kernel):
    """Sum over all A_st B_(i-s, j-t) that exist."""
    (H, W), (K_h, K_w) = image.shape, kernel.shape
    out = np.zeros((H + K_h - 1, W + K_w - 1))
    for i in range(H + K_h - 1):
        for j in range(W + K_w - 1):
            for s in range(max(0, i - K_h + 1), min(H, i + 1)):
                for t in range(max(0, j - K_w + 1), min(W, j + 1)):
                    out[i, j] += float(image[s, t]) * float(kernel[i - s, j - t])
    return out
''',
        ),
        Correct(
            "each pixel spreads the kernel, in float32",
            '''
import numpy as np
def convolve2d(image, kernel):
    """Method 1 with the roles exchanged."""
    size = np.add(image.shape, kernel.shape) - 1
    out = np.zeros(size, dtype=np.float32)
    for (s, t), brightness in np.ndenumerate(image):
        out[s : s + kernel.shape[0], t : t + kernel.shape[1]] += brightness * kernel.astype(np.float32)
    return out
''',
        ),
        Correct(
            "Fourier transforms of the full size, a view as result",
            '''
import numpy as np
def convolve2d(image, kernel):
    """A product of spectra, extended by zeros."""
    size = [a + b - 1 for a, b in zip(image.shape, kernel.shape)]
    spectrum = np.fft.fft2(image, size) * np.fft.fft2(kernel, size)
    return np.fft.ifft2(spectrum).real
''',
        ),
        Correct(
            "scipy",
            '''
from scipy import signal
def convolve2d(image, kernel):
    """Let scipy do it."""
    return signal.convolve2d(image, kernel)
''',
        ),
        Correct(
            "torch, a tensor as result",
            '''
import torch
def convolve2d(image, kernel):
    """A turned cross-correlation."""
    image, kernel = torch.tensor(image).double(), torch.tensor(kernel).double()
    padding = (kernel.shape[0] - 1, kernel.shape[1] - 1)
    turned = kernel.flip(0, 1)[None, None]
    return torch.nn.functional.conv2d(image[None, None], turned, padding=padding)[0, 0]
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# named_kernel


def kernels_called(student, name, *sizes):
    """Ask for one kernel in several sizes."""
    return {f'named_kernel("{name}", {size})': student(name, size) for size in sizes}


def kernel_identity(student, rng):
    """the kernel "identity", 3×3 and 5×5"""
    return kernels_called(student, "identity", 3, 5)


def kernel_right(student, rng):
    """the kernel "right", 3×3 and 5×5: remember who turns the kernel before it is laid on the picture"""
    return kernels_called(student, "right", 3, 5)


def kernel_mean(student, rng):
    """the kernel "mean", 3×3 and 5×5"""
    return kernels_called(student, "mean", 3, 5)


def kernel_blur(student, rng):
    """the kernel "blur", 3×3 and 5×5"""
    return kernels_called(student, "blur", 3, 5)


def kernel_edges(student, rng):
    """the kernel "edges", 3×3"""
    return kernels_called(student, "edges", 3)


def kernel_sharpen(student, rng):
    """the kernel "sharpen", 3×3"""
    return kernels_called(student, "sharpen", 3)


def kernel_sobel(student, rng):
    """the kernel "sobel", 3×3: remember who turns the kernel before it is laid on the picture"""
    return kernels_called(student, "sobel", 3)


def kernel_default(student, rng):
    """without a size: 3×3"""
    return {'named_kernel("mean")': student("mean")}


def kernel_unknown(student, rng):
    """a name that there is not, for which there must be a ValueError"""
    return {'named_kernel("mean")': student("mean"), 'named_kernel("smudge")': outcome(student, "smudge")}


def kernel_larger(student, rng):
    """all names in larger sizes"""
    names = rng.permutation(["identity", "right", "mean", "blur", "edges", "sharpen", "sobel"]).tolist()
    return {key: value for name in names for key, value in kernels_called(student, name, 5, 7, 9).items()}


NAMED_KERNEL = Exercise(
    "named_kernel",
    points=2,
    cases=[
        Case(kernel_identity),
        Case(kernel_default),
        Case(kernel_mean),
        Case(kernel_blur),
        Case(kernel_edges),
        Case(kernel_sharpen),
        Case(kernel_right),
        Case(kernel_sobel),
        Case(kernel_unknown),
        Case(kernel_larger, hidden=True, weight=6),
    ],
    bugs=[
        Bug(
            "kernels for a cross-correlation",
            "Your kernels are right for a function that lays them on the picture as they are. `convolve2d` turns them "
            'by half a turn first, so "right" moves the picture to the left, and "sobel" gives left minus right.',
            ("right[middle, -1]", "right[middle, 0]"),
            ("difference[0], difference[-1] = 1, -1", "difference[0], difference[-1] = -1, 1"),
        ),
        Bug(
            "picture moved to the left",
            'Your "right" moves the picture to the left, because `convolve2d` turns the kernel. Think of one white '
            "pixel: it becomes a picture of the kernel, so its 1 must stand where the white pixel is to go.",
            ("right[middle, -1]", "right[middle, 0]"),
        ),
        Bug(
            "left minus right",
            'Your "sobel" gives left minus right, because `convolve2d` turns the kernel before it lays it on the '
            "picture. Write it down the other way round.",
            ("difference[0], difference[-1] = 1, -1", "difference[0], difference[-1] = -1, 1"),
        ),
        Bug(
            "picture moved down",
            'Your "right" moves the picture down: rows come before columns in an array.',
            ("right[middle, -1]", "right[-1, middle]"),
        ),
        Bug(
            "moved by one pixel, whatever the size",
            'Your "right" moves the picture by one pixel in every size. It is to move it by `size // 2` pixels: the 1 '
            "stands at the very end of the middle row.",
            ("right[middle, -1]", "right[middle, middle + 1]"),
        ),
        Bug(
            "identity matrix",
            "You return the identity *matrix*, with ones along the diagonal, which smears a picture along a diagonal. "
            "The kernel that leaves a picture alone has a single 1, in the middle.",
            ("identity[middle, middle] = 1", "identity = np.eye(size)"),
        ),
        Bug(
            "mean not divided",
            'The weights of your "mean" add up to the number of pixels, so pictures become so many times brighter. '
            "They must add up to 1.",
            ("/ size**2", ""),
        ),
        Bug(
            "blur not divided",
            'The weights of your "blur" do not add up to 1, so pictures become brighter. Divide by their sum. '
            '("edges" and "sharpen" are made from it.)',
            (" / 4 ** (size - 1)", ""),
        ),
        Bug(
            "blur divided by the number of weights",
            'You divide "blur" by the number of its weights. They are not all 1: divide by their *sum*.',
            (" / 4 ** (size - 1)", " / size**2"),
        ),
        Bug(
            "blur with equal weights",
            'Your "blur" counts all pixels alike, as "mean" does. Near pixels are to count more: multiply the row 1 2 '
            "1 (or 1 4 6 4 1 …) with itself as a column.",
            ("blur = np.outer(row, row) / 4 ** (size - 1)", "blur = np.ones((size, size)) / size**2"),
        ),
        Bug(
            "always the blur of size 3",
            'You use the weights 1 2 1 in every size. For 5 they are 1 4 6 4 1: each row of "Pascal\'s triangle" is '
            "made by adding neighbours of the row before.",
            (
                "row = np.array([math.comb(size - 1, k) for k in range(size)])",
                "row = np.zeros(size)\n    row[middle - 1 : middle + 2] = 1, 2, 1",
            ),
            (" / 4 ** (size - 1)", " / 16"),
        ),
        Bug(
            "edges with the wrong sign",
            'Your "edges" is the blurred surroundings minus the pixel; it is to be the pixel minus its blurred '
            "surroundings. (And the picture plus *that* is a blur, not a sharper picture.)",
            ("edges = identity - blur", "edges = blur - identity"),
        ),
        Bug(
            "edges against the mean",
            'Your "edges" takes away the plain mean. It is the pixel minus the *blurred* picture, in which near pixels '
            "count more.",
            ("edges = identity - blur", "edges = identity - np.ones((size, size)) / size**2"),
        ),
        Bug(
            "sharpen without the picture",
            'Your "sharpen" has weights that add up to 0, so nothing but edges is left. Add the picture itself: the '
            "weights must add up to 1.",
            ('"sharpen": identity + edges', '"sharpen": 2 * edges'),
        ),
        Bug(
            "sharpen takes the edges away",
            'Your "sharpen" is the picture *minus* its edges, which is the blur. Add them.',
            ('"sharpen": identity + edges', '"sharpen": identity - edges'),
        ),
        Bug(
            "sobel finds lying edges",
            'Your "sobel" compares above with below. It is to compare left with right: the difference runs along the '
            "rows, the weights 1 2 1 run down the columns.",
            ("np.outer(row, difference)", "np.outer(difference, row)"),
        ),
        Bug(
            "sobel with equal rows",
            'All rows of your "sobel" count alike. They are weighted as in the blur: the middle row counts most.',
            ("np.outer(row, difference)", "np.outer(np.ones(size), difference)"),
        ),
        Bug(
            "sobel divided",
            'You divide "sobel" by a sum. It is left undivided: the whole numbers 1 2 1, with signs.',
            ("np.outer(row, difference)", "np.outer(row, difference) / row.sum()"),
        ),
        Bug(
            "always 3×3",
            "You ignore `size`: your kernels always have 3×3 weights.",
            ("middle = size // 2", "size = 3\n    middle = 1"),
        ),
        Bug(
            "unknown name accepted",
            "For a name that there is not, you return something. That can only be a mistake of the caller: raise a "
            "`ValueError`.",
            ("    return kernels[name]", "    return kernels.get(name)"),
            ("    if name not in kernels:\n", "    if False:\n"),
        ),
        Bug(
            "another error for an unknown name",
            "For a name that there is not, Python's own `KeyError` comes out of your function. The exercise asks for a "
            "`ValueError`, with a message that helps.",
            ("    if name not in kernels:\n", "    if False:\n"),
        ),
    ],
    correct=[
        Correct(
            "if after if, with lists",
            '''
import numpy as np
def named_kernel(name, size=3):
    """Branch by branch; lists become arrays at the end."""
    half = (size - 1) // 2
    row = [1]
    while len(row) < size:
        row = [a + b for a, b in zip([0, *row], [*row, 0])]
    total = sum(row) ** 2
    smooth = [[a * b / total for b in row] for a in row]
    point = [[float(i == j == half) for j in range(size)] for i in range(size)]
    if name == "identity":
        kernel = point
    elif name == "right":
        kernel = [[float(i == half and j == size - 1) for j in range(size)] for i in range(size)]
    elif name == "mean":
        kernel = [[1 / (size * size)] * size] * size
    elif name == "blur":
        kernel = smooth
    elif name == "edges":
        kernel = [[p - s for p, s in zip(*rows)] for rows in zip(point, smooth)]
    elif name == "sharpen":
        kernel = [[2 * p - s for p, s in zip(*rows)] for rows in zip(point, smooth)]
    elif name == "sobel":
        kernel = [[a] + [0] * (size - 2) + [-a] for a in row]
    else:
        raise ValueError(name)
    return np.array(kernel)
''',
        ),
        Correct(
            "repeated convolution, whole numbers where possible",
            '''
import numpy as np
def named_kernel(name, size=3):
    """1 2 1 is 1 1 convolved with 1 1."""
    row = np.ones(1, int)
    for _ in range(size - 1):
        row = np.convolve(row, [1, 1])
    point = np.zeros((size, size), int)
    point[size // 2, size // 2] = 1
    if name == "identity":
        return point
    if name == "right":
        return np.roll(point, size // 2, axis=1)
    if name == "mean":
        return np.full((size, size), size**-2.0)
    if name == "sobel":
        return row[:, None] * np.eye(size, dtype=int)[0] - row[:, None] * np.eye(size, dtype=int)[-1]
    smooth = row[:, None] * row / row.sum() ** 2
    try:
        return {"blur": smooth, "edges": point - smooth, "sharpen": 2 * point - smooth}[name]
    except KeyError:
        raise ValueError(f"no kernel is called {name}") from None
''',
        ),
        Correct(
            "torch in float32",
            '''
import torch
def named_kernel(name, size=3):
    """A dictionary of tensors."""
    row = torch.tensor([1.0])
    for _ in range(size - 1):
        row = torch.nn.functional.pad(row, (0, 1)) + torch.nn.functional.pad(row, (1, 0))
    spread = torch.zeros(size)
    spread[0], spread[size - 1] = 1, -1
    one = torch.zeros(size)
    one[size // 2] = 1
    end = torch.zeros(size)
    end[-1] = 1
    soft, point = torch.outer(row, row) / row.sum() ** 2, torch.outer(one, one)
    table = {
        "identity": point, "right": torch.outer(one, end), "mean": torch.ones(size, size) / size**2, "blur": soft,
        "edges": point - soft, "sharpen": 2 * point - soft, "sobel": torch.outer(row, spread),
    }
    if name in table:
        return table[name]
    raise ValueError("unknown")
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# conv_backward


def digits(rng, *shape):
    """Draw digits from 1 to 9, as floats: no product with one of them is 0."""
    return rng.integers(1, 10, shape).astype(float)


def answers_wanted(rng, x, w, stride=1, pad=0):
    """Draw a gradient for each output of a convolution."""
    rows, columns = (1 + (n + 2 * pad - k) // stride for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    return whole(rng, len(x), len(w), rows, columns, low=1, high=4)


def gradients(student, dout, x, w, **settings):
    """Call the student's backward pass; name its three results."""
    dx, dw, db = student(dout, x, w, **settings)
    return {"dx": dx, "dw": dw, "db": db}


def back_one_output(student, rng):
    """one 2×2 image, one 2×2 filter: a single output"""
    x, w = digits(rng, 1, 1, 2, 2), distinct(rng, 1, 1, 2, 2)
    return gradients(student, answers_wanted(rng, x, w), x, w)


def back_two_outputs(student, rng):
    """one 2×3 image, one 2×2 filter: two windows that share a column"""
    x, w = digits(rng, 1, 1, 2, 3), distinct(rng, 1, 1, 2, 2)
    return gradients(student, answers_wanted(rng, x, w), x, w)


def back_stride(student, rng):
    """one 2×4 image, one 2×2 filter, stride 2"""
    x, w = digits(rng, 1, 1, 2, 4), distinct(rng, 1, 1, 2, 2)
    return gradients(student, answers_wanted(rng, x, w, stride=2), x, w, stride=2)


def back_padding(student, rng):
    """one 2×3 image with a border of zeros, one 2×2 filter"""
    x, w = digits(rng, 1, 1, 2, 3), distinct(rng, 1, 1, 2, 2)
    return gradients(student, answers_wanted(rng, x, w, pad=1), x, w, pad=1)


def back_one_row(student, rng):
    """one 2×4 image, a filter of a single row and 3 columns"""
    x, w = digits(rng, 1, 1, 2, 4), distinct(rng, 1, 1, 1, 3)
    return gradients(student, answers_wanted(rng, x, w), x, w)


def back_filters(student, rng):
    """one 2×3 image, two 2×2 filters"""
    x, w = digits(rng, 1, 1, 2, 3), distinct(rng, 2, 1, 2, 2)
    return gradients(student, answers_wanted(rng, x, w), x, w)


def back_channels(student, rng):
    """one 2×3 image of two channels, one 2×2 filter"""
    x, w = digits(rng, 1, 2, 2, 3), distinct(rng, 1, 2, 2, 2)
    return gradients(student, answers_wanted(rng, x, w), x, w)


def back_batch(student, rng):
    """three 2×3 images, one 2×2 filter"""
    x, w = digits(rng, 3, 1, 2, 3), distinct(rng, 1, 1, 2, 2)
    return gradients(student, answers_wanted(rng, x, w), x, w)


def back_not_square(student, rng):
    """one 3×5 image, a filter of 2 rows and 3 columns"""
    x, w = digits(rng, 1, 1, 3, 5), distinct(rng, 1, 1, 2, 3)
    return gradients(student, answers_wanted(rng, x, w), x, w)


def back_stride_and_overlap(student, rng):
    """one 3×5 image, one 3×3 filter, stride 2: windows that overlap, although they move by 2"""
    x, w = digits(rng, 1, 1, 3, 5), distinct(rng, 1, 1, 3, 3)
    return gradients(student, answers_wanted(rng, x, w, stride=2), x, w, stride=2)


def back_left_over(student, rng):
    """one 4×6 image, one 2×2 filter, stride 3, which leaves two rows and a column over"""
    x, w = digits(rng, 1, 1, 4, 6), distinct(rng, 1, 1, 2, 2)
    return gradients(student, answers_wanted(rng, x, w, stride=3), x, w, stride=3)


def back_padding_and_stride(student, rng):
    """one 4×3 image, a filter of 3 rows and 2 columns, stride 2 and two rings of zeros"""
    x, w = digits(rng, 1, 1, 4, 3), distinct(rng, 1, 1, 3, 2)
    return gradients(student, answers_wanted(rng, x, w, stride=2, pad=2), x, w, stride=2, pad=2)


def back_whole_numbers(student, rng):
    """one 2×3 image and one 2×2 filter of whole numbers (dtype int64), gradients in quarters"""
    x, w = rng.integers(1, 10, (1, 1, 2, 3)), rng.permutation(4).reshape(1, 1, 2, 2) + 1
    return gradients(student, answers_wanted(rng, x, w) / 4, x, w)


def back_view(student, rng):
    """one 4×5 image, one 2×3 filter and the gradients, all read-only and not contiguous"""
    x, w = digits(rng, 1, 1, 4, 5), distinct(rng, 1, 1, 2, 3)
    return gradients(student, *map(read_only_view, (answers_wanted(rng, x, w), x, w)))


def back_all_together(student, rng):
    """two 5×7 images of three channels (float32), four 3×2 filters, stride 2, one ring of zeros"""
    x, w = quarters(rng, 2, 3, 5, 7), quarters(rng, 4, 3, 3, 2)
    dout = answers_wanted(rng, x, w, stride=2, pad=1)
    return gradients(student, *(array.astype(np.float32) for array in (dout, x, w)), stride=2, pad=1)


def back_foretells(student, rng):
    """do your gradients foretell how the loss changes? Measured with PyTorch, along a direction drawn at random"""
    point = [quarters(rng, 2, 2, 5, 4), quarters(rng, 3, 2, 2, 3), quarters(rng, 3)]
    step = [quarters(rng, *part.shape) for part in point]
    dout = answers_wanted(rng, *point[:2], stride=2, pad=1)

    def loss(t, moved):
        values = [p + t * s if i == moved else p for i, (p, s) in enumerate(zip(point, step, strict=True))]
        out = torch.nn.functional.conv2d(*map(torch.tensor, values), stride=2, padding=1)
        return float((out * torch.tensor(dout)).sum())

    seen = {}
    found = student(dout, *point[:2], stride=2, pad=1)
    for i, (name, gradient) in enumerate(zip(("dx", "dw", "db"), found, strict=True)):
        measured = (loss(0.5, i) - loss(-0.5, i)) / 1.0  # the loss is linear in each: any step is exact
        seen[f"what {name} foretells, minus what was measured"] = round(float((gradient * step[i]).sum()) - measured, 6)
    return seen


def back_drawn(student, rng):
    """shapes, strides and borders drawn at random"""
    seen = {}
    for draw in range(3):
        batch, channels, filters = (int(n) for n in rng.integers(1, [4, 4, 5]))
        stride, pad = (int(n) for n in rng.integers([1, 0], [4, 3]))
        kernel = rng.permutation(4)[:2] + 1
        height, width = np.maximum(rng.permutation([4, 5, 6, 7, 8])[:2], kernel - 2 * pad)
        x, w = quarters(rng, batch, channels, height, width), whole(rng, filters, channels, *kernel)
        found = gradients(student, answers_wanted(rng, x, w, stride, pad), x, w, stride=stride, pad=pad)
        seen |= {f"{name} {draw + 1}": value for name, value in found.items()}
    return seen


def back_left_over_drawn(student, rng):
    """strides that do not fit in either direction, drawn at random"""
    stride, pad = int(rng.integers(3, 5)), int(rng.integers(0, 2))
    kernel = rng.integers(2, 4, 2)
    rows, columns = rng.permutation([1, 2]) * stride + kernel + stride - 1 - 2 * pad
    x, w = read_only_view(quarters(rng, 2, 2, rows, columns)), whole(rng, 3, 2, *kernel)
    return gradients(student, answers_wanted(rng, x, w, stride, pad), x, w, stride=stride, pad=pad)


def back_larger(student, rng):
    """one image of 9×11 pixels and two channels, two 4×3 filters"""
    x, w, stride = quarters(rng, 1, 2, 9, 11), quarters(rng, 2, 2, 4, 3), int(rng.integers(1, 3))
    dout = answers_wanted(rng, x, w, stride, 2)
    return gradients(student, *(array.astype(np.float32) for array in (dout, x, w)), stride=stride, pad=2)


BACK_BY_LOOPS = '''
import numpy as np
def conv_backward(dout, x, w, stride=1, pad=0):
    """One product at a time: each of its factors gets the other, times the gradient."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded, dw, db = np.zeros(padded.shape), np.zeros(w.shape), np.zeros(F)
    for n, f, i, j in np.ndindex(dout.shape):
        db[f] += dout[n, f, i, j]
        for c, s, t in np.ndindex(C, K_h, K_w):
            dw[f, c, s, t] += dout[n, f, i, j] * padded[n, c, i * stride + s, j * stride + t]
            dpadded[n, c, i * stride + s, j * stride + t] += dout[n, f, i, j] * w[f, c, s, t]
    return dpadded[:, :, pad : H + pad, pad : W + pad], dw, db
'''

CONV_BACKWARD = Exercise(
    "conv_backward",
    points=7,
    cases=[
        Case(back_one_output),
        Case(back_two_outputs),
        Case(back_stride),
        Case(back_padding),
        Case(back_one_row),
        Case(back_filters),
        Case(back_channels),
        Case(back_batch),
        Case(back_not_square),
        Case(back_stride_and_overlap),
        Case(back_left_over),
        Case(back_padding_and_stride),
        Case(back_whole_numbers),
        Case(back_view),
        Case(back_all_together, tolerance=Tolerance(1e-5, 1e-4)),
        Case(back_foretells),
        Case(back_drawn, hidden=True, weight=4),
        Case(back_left_over_drawn, hidden=True, weight=2),
        Case(back_larger, hidden=True, weight=2, tolerance=Tolerance(1e-5, 1e-3)),
    ],
    bugs=[
        Bug(
            "dx overwritten where windows overlap",
            "A pixel that lies in several windows gets a gradient from each of them. You overwrite what is there "
            "already (`=`): add to it (`+=`).",
            ("dpadded[:, :, rows, columns] += error", "dpadded[:, :, rows, columns] = error"),
        ),
        Bug(
            "dw overwritten at every position",
            "A weight is used at every position, and each of them has its say. You keep only what the last position "
            "says (`=`): add up (`+=`).",
            ("dw[f] += ", "dw[f] = "),
        ),
        Bug(
            "window moves one pixel at a time",
            "You take the windows of stride 1. Output (i, j) has read the window whose corner is i and j *times* the "
            "stride away: its gradient goes back there.",
            ("slice(i * stride, i * stride + K_h)", "slice(i, i + K_h)"),
            ("slice(j * stride, j * stride + K_w)", "slice(j, j + K_w)"),
        ),
        Bug(
            "stride for rows only",
            "Rows move in strides, but columns one by one. The stride counts in both directions.",
            ("slice(j * stride, j * stride + K_w)", "slice(j, j + K_w)"),
        ),
        Bug(
            "corner counted from the bare image",
            "You subtract `pad` from the window's corner, as if you counted from the bare image, and then cut the "
            "window from the *padded* one. There it begins at i and j times the stride.",
            ("slice(i * stride, i * stride + K_h)", "slice(i * stride - pad, i * stride - pad + K_h)"),
            ("slice(j * stride, j * stride + K_w)", "slice(j * stride - pad, j * stride - pad + K_w)"),
        ),
        Bug(
            "short cut of stride 1",
            "You compute `dx` as the convolution of `dout` with the filter. That is right for stride 1 only: with a "
            "larger one the gradients of neighbouring outputs lie `stride` pixels apart.",
            source='''
import numpy as np
def conv_backward(dout, x, w, stride=1, pad=0):
    """dx as a convolution, without the gaps of the stride."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = dout.shape[2:]
    dpadded = np.zeros((N, C, rows + K_h - 1, columns + K_w - 1))
    dw = np.zeros(w.shape)
    for s in range(K_h):
        for t in range(K_w):
            dpadded[:, :, s : s + rows, t : t + columns] += np.einsum("nfij,fc->ncij", dout, w[:, :, s, t])
            seen = padded[:, :, s : s + rows * stride : stride, t : t + columns * stride : stride]
            dw[:, :, s, t] = np.einsum("nfij,ncij->fc", dout, seen)
    return dpadded[:, :, pad : H + pad, pad : W + pad], dw, dout.sum(axis=(0, 2, 3))
''',
        ),
        Bug(
            "[pad:-pad] without padding",
            "You cut the border off with `[pad:-pad]`. Without padding that is `[0:-0]`, which is `[0:0]`: nothing is "
            "left. Say where the image *ends* by its height and width.",
            ("dpadded[:, :, pad : pad + H, pad : pad + W]", "dpadded[:, :, pad:-pad, pad:-pad]"),
        ),
        Bug(
            "border left on dx",
            "Your `dx` is the gradient of the *padded* image. The caller wants that of `x`: cut the border off.",
            ("dpadded[:, :, pad : pad + H, pad : pad + W]", "dpadded"),
        ),
        Bug(
            "border cut off at one side",
            "You cut rows and columns off the far end only. The border is on all four sides: the image begins at row "
            "and column `pad`.",
            ("dpadded[:, :, pad : pad + H, pad : pad + W]", "dpadded[:, :, :H, :W]"),
        ),
        Bug(
            "dw from the bare image",
            "For `dw` you take the windows from `x` itself. The forward pass has read them from the *padded* image: "
            "with padding they lie elsewhere.",
            ("error * padded[:, :, rows, columns]", "error * x[:, :, rows, columns]"),
        ),
        Bug(
            "dw from the bare image, pixel by pixel",
            "For `dw` you take the pixels from `x` itself. The forward pass has read them from the *padded* image: "
            "with padding they lie elsewhere.",
            source=replaced(BACK_BY_LOOPS, ("* padded[n,", "* x[n,")),
        ),
        Bug(
            "filter turned",
            "You turn the filter before you add it to `dx`. Added at the place of its window, it stays as it is: the "
            "pixel in row s of the window was multiplied by the weight in row s.",
            ("error * w[f]", "error * w[f, :, ::-1, ::-1]"),
        ),
        Bug(
            "filter transposed",
            "You exchange rows and columns of the filter. The pixel in row s of the window was multiplied by the "
            "weight in row s.",
            source=replaced(BACK_BY_LOOPS, ("* w[f, c, s, t]", "* w[f, c, t, s]")),
        ),
        Bug(
            "dw turned",
            "Your `dw` is turned by half a turn. The weight in row s and column t was multiplied by the pixel in row s "
            "and column t of each window.",
            ("return dx, dw,", "return dx, dw[:, :, ::-1, ::-1],"),
        ),
        Bug(
            "each factor given its own value",
            "You give the weights the *weights*, and the pixels the *pixels*. In a product, each factor's gradient is "
            "the *other* factor, times `dout`.",
            ("(error * padded[:, :, rows, columns])", "(error * w[f])"),
            ("+= error * w[f]", "+= error * padded[:, :, rows, columns]"),
        ),
        Bug(
            "dout ignored",
            "You never use `dout` for `dx` and `dw`: that is the gradient of the plain sum of all outputs. Multiply "
            "by how much the loss cares about this output.",
            ("dout[:, f, i, j].reshape(N, 1, 1, 1)", "np.ones((N, 1, 1, 1))"),
        ),
        Bug(
            "db summed over the positions only",
            "You sum `dout` over the positions, but not over the images of the batch. There is one bias a filter, for "
            "all of them.",
            ("dout.sum(axis=(0, 2, 3))", "dout.sum(axis=(2, 3))"),
        ),
        Bug(
            "db summed over the images only",
            "You sum `dout` over the images, but not over the positions. The same bias is added at every position.",
            ("dout.sum(axis=(0, 2, 3))", "dout.sum(axis=0)"),
        ),
        Bug(
            "db summed over the filters too",
            "You sum all of `dout` into one number. Every filter has its own bias: keep the filters' axis.",
            ("dout.sum(axis=(0, 2, 3))", "dout.sum()"),
        ),
        Bug(
            "db for each image in place of each filter",
            "You keep the axis of the images and sum over that of the filters. `dout` is (N, F, H', W'): biases "
            "belong to filters, the second axis.",
            ("dout.sum(axis=(0, 2, 3))", "dout.sum(axis=(1, 2, 3))"),
        ),
        Bug(
            "db averaged",
            "You take the mean of `dout` for `db`. A bias that grows by ε changes *every* output by ε: their gradients "
            "are added.",
            ("dout.sum(axis=(0, 2, 3))", "dout.mean(axis=(0, 2, 3))"),
        ),
        Bug(
            "db missing",
            "You return no gradient for the biases. They are added to the outputs, so their gradient is the sum of "
            "`dout` over all that a bias was added to.",
            ("dout.sum(axis=(0, 2, 3))", "np.zeros(F)"),
        ),
        Bug(
            "dw averaged over the batch",
            "You take the mean over the images for `dw`. If the loss is a mean, `dout` has been divided already: here "
            "the images are added up.",
            ("(error * padded[:, :, rows, columns]).sum(axis=0)", "(error * padded[:, :, rows, columns]).mean(axis=0)"),
        ),
        Bug(
            "dw of the first image only",
            "Only the first image has a say in your `dw`. The filters are the same for all images: add them up.",
            ("(error * padded[:, :, rows, columns]).sum(axis=0)", "(error * padded[:, :, rows, columns])[0]"),
        ),
        Bug(
            "all divided by the batch",
            "You divide all gradients by the number of images. If the loss is a mean over the batch, that division is "
            "in `dout` already.",
            ("return dx, dw, dout.sum(axis=(0, 2, 3))", "return dx / N, dw / N, dout.sum(axis=(0, 2, 3)) / N"),
        ),
        Bug(
            "dx of the last filter only",
            "Every filter has read the image, and you keep only what the last one says: `dx` is made anew for each "
            "filter. Make it once, before the loops, and add.",
            ("    for f in range(F):\n", "    for f in range(F):\n        dpadded = np.zeros(padded.shape)\n"),
        ),
        Bug(
            "dx with the first filter's weights",
            "You use the first filter's weights for every map. What comes from map f goes back through filter f.",
            ("error * w[f]", "error * w[0]"),
        ),
        Bug(
            "dx with the first channel's weights",
            "You give all channels the gradient of the first. Each channel was multiplied by its own sheet of the "
            "filter.",
            ("error * w[f]", "error * w[f, :1]"),
        ),
        Bug(
            "dx summed over the channels",
            "You sum the filter over its channels, so all channels get the same gradient. Each one was multiplied by "
            "its own sheet of the filter.",
            ("error * w[f]", "error * w[f].sum(axis=0)"),
        ),
        Bug(
            "results in the wrong order",
            "You return the right gradients in the wrong order: first `dx`, then `dw`, then `db`.",
            ("return dx, dw, dout.sum(axis=(0, 2, 3))", "return dw, dx, dout.sum(axis=(0, 2, 3))"),
        ),
        Bug(
            "rows and columns of dout swapped",
            "Your loops take the rows of `dout` for its columns. Its shape is (N, F, H', W').",
            ("range(dout.shape[2])", "range(dout.shape[-1])"),
            ("range(dout.shape[3])", "range(dout.shape[-2])"),
        ),
        Bug(
            "square output assumed",
            "Both of your loops run over as many places as `dout` has rows. It need not be square: columns go up to "
            "`dout.shape[3]`.",
            ("range(dout.shape[3])", "range(dout.shape[2])"),
        ),
        Bug(
            "outputs counted without padding",
            "You work out how many outputs there are from the bare image, so those that the padding adds are never "
            "asked. `dout` itself tells how many there are.",
            ("range(dout.shape[2])", "range((H - K_h) // stride + 1)"),
            ("range(dout.shape[3])", "range((W - K_w) // stride + 1)"),
        ),
        Bug(
            "outputs counted as for stride 1",
            "You work out how many outputs there are as if the window moved by one pixel, and ask for some that do not "
            "exist. `dout` itself tells how many there are.",
            ("range(dout.shape[2])", "range(H + 2 * pad - K_h + 1)"),
            ("range(dout.shape[3])", "range(W + 2 * pad - K_w + 1)"),
        ),
        Bug(
            "last row and column never asked",
            "Your loops end one step too early, and the last row and column of `dout` have no say. `range(n)` already "
            "stops before n.",
            ("range(dout.shape[2])", "range(dout.shape[2] - 1)"),
            ("range(dout.shape[3])", "range(dout.shape[3] - 1)"),
        ),
        Bug(
            "left-over pixels lost",
            "Where the stride leaves rows and columns over, your `dx` lacks them. They were never read, so their "
            "gradient is 0, but it must be there: `dx` has the shape of `x`.",
            (
                "dpadded, dw = np.zeros(padded.shape)",
                "covered = [(n - 1) * stride + k for n, k in zip(dout.shape[2:], (K_h, K_w))]\n"
                "    dpadded, dw = np.zeros((*x.shape[:2], *covered))",
            ),
        ),
        Bug(
            "gradients of whole numbers",
            "You make the gradients with the type of `x` and `w`. Where these are whole numbers, everything behind the "
            "point is cut off. Make them arrays of floats.",
            source=replaced(
                BACK_BY_LOOPS,
                (
                    "np.zeros(padded.shape), np.zeros(w.shape), np.zeros(F)",
                    "np.zeros_like(padded), np.zeros_like(w), np.zeros(F)",
                ),
            ),
        ),
        Bug(
            "gradients of whole numbers, window by window",
            "You make the gradients with the type of `x` and `w`. Where these are whole numbers, fractions cannot be "
            "added to them. Make them arrays of floats.",
            ("np.zeros(padded.shape), np.zeros(w.shape)", "np.zeros_like(padded), np.zeros_like(w)"),
        ),
    ],
    correct=[
        Correct("one product at a time", BACK_BY_LOOPS),
        Correct(
            "image by image, window by window",
            '''
import numpy as np
def conv_backward(dout, x, w, stride=1, pad=0):
    """Visit the windows in the order of the forward pass."""
    x_pad = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    dx_pad = np.zeros(x_pad.shape)
    dw = np.zeros(w.shape)
    db = np.zeros(w.shape[0])
    HH, WW = w.shape[2], w.shape[3]
    for n in range(dout.shape[0]):
        for f in range(dout.shape[1]):
            db[f] = db[f] + dout[n, f].sum()
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    r, c = i * stride, j * stride
                    dw[f] = dw[f] + x_pad[n, :, r : r + HH, c : c + WW] * dout[n, f, i, j]
                    dx_pad[n, :, r : r + HH, c : c + WW] += w[f] * dout[n, f, i, j]
    dx = dx_pad[:, :, pad:-pad, pad:-pad] if pad > 0 else dx_pad
    return dx, dw, db
''',
        ),
        Correct(
            "a sum over the weights, lists of results",
            '''
import numpy as np
def conv_backward(dout, x, w, stride=1, pad=0):
    """Shift the whole image under each weight in turn."""
    rows, columns = stride * np.array(dout.shape[2:])
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))).astype(float)
    dx, dw = 0 * x, np.zeros(w.shape)
    for s, t in np.ndindex(w.shape[2:]):
        there = np.s_[:, :, s : s + rows : stride, t : t + columns : stride]
        dw[:, :, s, t] = np.tensordot(dout, x[there], ([0, 2, 3], [0, 2, 3]))
        dx[there] += np.moveaxis(np.tensordot(w[:, :, s, t], dout, ([0], [1])), 0, 1)
    return [dx[:, :, pad : dx.shape[2] - pad, pad : dx.shape[3] - pad], dw, np.einsum("nfij->f", dout)]
''',
        ),
        Correct(
            "convolutions of a spread-out dout, in float32",
            '''
import numpy as np
def conv_backward(dout, x, w, stride=1, pad=0):
    """Undo the stride first; then all is stride 1."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    spread = np.zeros((N, F, H + 2 * pad - K_h + 1, W + 2 * pad - K_w + 1), np.float32)
    height, width = dout.shape[2:]
    spread[:, :, : height * stride : stride, : width * stride : stride] = dout
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, spread.shape[2:], axis=(2, 3))
    dw = np.einsum("ncstij,nfij->fcst", windows, spread)
    around = np.pad(spread, ((0, 0), (0, 0), (K_h - 1, K_h - 1), (K_w - 1, K_w - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(around, (K_h, K_w), axis=(2, 3))
    dx = np.einsum("nfijst,fcst->ncij", windows, w[:, :, ::-1, ::-1])
    return dx[:, :, pad : pad + H, pad : pad + W], dw, spread.sum((0, 2, 3))
''',
        ),
        Correct(
            "torch's automatic differentiation, tensors as results",
            '''
import numpy as np
import torch
def conv_backward(dout, x, w, stride=1, pad=0):
    """Let torch do it."""
    x, w = (torch.tensor(np.asarray(a, dtype=np.float64), requires_grad=True) for a in (x, w))
    b = torch.zeros(len(w), dtype=torch.float64, requires_grad=True)
    out = torch.nn.functional.conv2d(x, w, b, stride=stride, padding=pad)
    return torch.autograd.grad(out, (x, w, b), torch.tensor(np.asarray(dout, dtype=np.float64)))
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# max_pool_backward


def wanted_of_pool(rng, x, size, stride):
    """Draw a gradient for each output of a pooling layer."""
    rows, columns = (1 + (n - k) // stride for n, k in zip(x.shape[2:], size, strict=True))
    return whole(rng, *x.shape[:2], rows, columns, low=1, high=9)


def won_one_window(student, rng):
    """one 2×2 image, one 2×2 window"""
    x = distinct(rng, 1, 1, 2, 2)
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 2), x, (2, 2), 2)}


def won_tie(student, rng):
    """one 2×2 window in which the largest number comes three times"""
    x = np.array([[[[1.0, 3], [3, 3]]]])
    return {"dx": student(np.array([[[[6.0]]]]), x, (2, 2), 2)}


def won_side_by_side(student, rng):
    """one 2×4 image, 2×2 windows side by side"""
    x = distinct(rng, 1, 1, 2, 4)
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 2), x, (2, 2), 2)}


def won_all_zero(student, rng):
    """one 2×4 image of zeros, as a ReLU leaves them, 2×2 windows side by side"""
    x = np.zeros((1, 1, 2, 4))
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 2), x, (2, 2), 2)}


def won_twice(student, rng):
    """one 2×3 image whose middle pixel wins both 2×2 windows (stride 1)"""
    x = np.array([[[[1.0, 9, 2], [3, 4, 5]]]])
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 1), x, (2, 2), 1)}


def won_negative(student, rng):
    """one 2×4 image of negative numbers, 2×2 windows side by side"""
    x = distinct(rng, 1, 1, 2, 4) - 9
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 2), x, (2, 2), 2)}


def won_overlapping(student, rng):
    """one 3×4 image, 2×2 windows that overlap (stride 1)"""
    x = distinct(rng, 1, 1, 3, 4)
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 1), x, (2, 2), 1)}


def won_not_square(student, rng):
    """one 3×5 image, windows of 2 rows and 3 columns, stride 1"""
    x = distinct(rng, 1, 1, 3, 5)
    return {"dx": student(wanted_of_pool(rng, x, (2, 3), 1), x, (2, 3), 1)}


def won_left_over(student, rng):
    """one 3×5 image, 2×2 windows, stride 2, which leaves a row and a column over"""
    x = distinct(rng, 1, 1, 3, 5)
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 2), x, (2, 2), 2)}


def won_gaps(student, rng):
    """one 5×5 image, 2×2 windows, stride 3, which leaves gaps between the windows"""
    x = distinct(rng, 1, 1, 5, 5)
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 3), x, (2, 2), 3)}


def won_channels(student, rng):
    """one 2×3 image of three channels, 2×2 windows, stride 1"""
    x = distinct(rng, 1, 3, 2, 3)
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 1), x, (2, 2), 1)}


def won_batch(student, rng):
    """three 2×3 images, 2×2 windows, stride 1"""
    x = distinct(rng, 3, 1, 2, 3)
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 1), x, (2, 2), 1)}


def won_whole_numbers(student, rng):
    """one 2×3 image of whole numbers (dtype int64), 2×2 windows, stride 1, gradients in quarters"""
    x = distinct(rng, 1, 1, 2, 3).astype(int)
    return {"dx": student(wanted_of_pool(rng, x, (2, 2), 1) / 4, x, (2, 2), 1)}


def won_view(student, rng):
    """one 4×5 image and its gradients, both read-only and not contiguous, overlapping windows, ties"""
    x = whole(rng, 1, 1, 4, 5, low=-2, high=1)
    return {"dx": student(*map(read_only_view, (wanted_of_pool(rng, x, (3, 2), 1), x)), (3, 2), 1)}


def won_all_together(student, rng):
    """two 7×8 images of three channels (float32), overlapping 3×2 windows, stride 2, which does not fit"""
    x = whole(rng, 2, 3, 8, 7, low=-9, high=4).astype(np.float32)
    return {"dx": student(wanted_of_pool(rng, x, (3, 2), 2).astype(np.float32), x, (3, 2), 2)}


def won_drawn(student, rng):
    """shapes, windows and strides drawn at random, with many ties"""
    seen = {}
    for draw in range(4):
        batch, channels, stride = (int(n) for n in rng.integers(1, [4, 4, 4]))
        size = tuple(int(n) + 1 for n in rng.permutation(4)[:2])
        height, width = (rng.permutation(3)[:2] + 1) * stride + size + rng.integers(0, stride, 2)
        x = whole(rng, batch, channels, height, width, low=-2, high=1)
        seen[f"dx {draw + 1}"] = student(wanted_of_pool(rng, x, size, stride), x, size, stride)
    return seen


def won_left_over_drawn(student, rng):
    """strides that do not fit in either direction, drawn at random"""
    stride = int(rng.integers(2, 5))
    size = tuple(int(n) for n in rng.integers(2, 5, 2))
    rows, columns = rng.permutation([2, 3]) * stride + size + rng.integers(1, stride, 2)
    x = read_only_view(quarters(rng, 2, 2, rows, columns))
    return {"dx": student(wanted_of_pool(rng, x, size, stride), x, size, stride)}


def won_larger(student, rng):
    """two images of 16×21 pixels and three channels, as a ReLU leaves them"""
    x = np.maximum(quarters(rng, 2, 3, 16, 21), 0).astype(np.float32)
    return {"dx": student(wanted_of_pool(rng, x, (3, 3), 2).astype(np.float32), x, (3, 3), 2)}


WON_BY_WINDOWS = '''
import numpy as np
def max_pool_backward(dout, x, size, stride):
    """All images and channels of a window at once."""
    N, C, H, W = x.shape
    K_h, K_w = size
    dx = np.zeros((N, C, H, W))
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            here = np.s_[:, :, i * stride : i * stride + K_h, j * stride : j * stride + K_w]
            flat = x[here].reshape(N, C, -1)
            won = np.arange(K_h * K_w) == flat.argmax(axis=2)[..., None]
            dx[here] += won.reshape(N, C, K_h, K_w) * dout[:, :, i, j][..., None, None]
    return dx
'''

MAX_POOL_BACKWARD = Exercise(
    "max_pool_backward",
    points=4,
    cases=[
        Case(won_one_window),
        Case(won_tie),
        Case(won_side_by_side),
        Case(won_all_zero),
        Case(won_twice),
        Case(won_negative),
        Case(won_overlapping),
        Case(won_not_square),
        Case(won_left_over),
        Case(won_gaps),
        Case(won_channels),
        Case(won_batch),
        Case(won_whole_numbers),
        Case(won_view),
        Case(won_all_together),
        Case(won_drawn, hidden=True, weight=3),
        Case(won_left_over_drawn, hidden=True, weight=2),
        Case(won_larger, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "ties given the full gradient each",
            "Where the largest number comes several times, you give the full gradient to each of them, so more goes "
            "back than came in. Give it to one: the first in reading order.",
            source=replaced(
                WON_BY_WINDOWS,
                ("np.arange(K_h * K_w) == flat.argmax(axis=2)[..., None]", "flat == flat.max(axis=2, keepdims=True)"),
            ),
        ),
        Bug(
            "ties share the gradient",
            "Where the largest number comes several times, you share the gradient among them. That would be possible, "
            "but it is not the convention here (nor PyTorch's): all of it goes to the first in reading order.",
            source=replaced(
                WON_BY_WINDOWS,
                (
                    "np.arange(K_h * K_w) == flat.argmax(axis=2)[..., None]",
                    "flat == flat.max(axis=2, keepdims=True)\n            won = won / won.sum(axis=2, keepdims=True)",
                ),
            ),
        ),
        Bug(
            "the last of several maxima",
            "Where the largest number comes several times, you give the gradient to the last of them (a search with "
            "`>=` does that). Here it goes to the first in reading order.",
            ("divmod(window.argmax(), K_w)", "divmod(window.size - 1 - window.ravel()[::-1].argmax(), K_w)"),
        ),
        Bug(
            "ties found column by column",
            "Where the largest number comes several times, you search the window column by column. Reading order is "
            "row by row: all of the first row comes before the second.",
            ("divmod(window.argmax(), K_w)", "divmod(window.T.argmax(), K_h)[::-1]"),
        ),
        Bug(
            "overwritten where windows overlap",
            "A pixel can win in several windows, and gets a gradient from each. You overwrite what is there already "
            "(`=`): add to it (`+=`).",
            ("] += dout[n, c, i, j]", "] = dout[n, c, i, j]"),
        ),
        Bug(
            "whole windows overwritten",
            "You write each window of `dx` with its zeros (`=`), and so delete what earlier windows have put there. "
            "Add to it (`+=`).",
            source=replaced(WON_BY_WINDOWS, ("dx[here] += won", "dx[here] = won")),
        ),
        Bug(
            "gradient spread over the window",
            "You share the gradient among all pixels of the window: that is the way back through *average* pooling. "
            "Of a maximum only the winner notices anything: the output doesn't change when another pixel changes a "
            "little.",
            source=replaced(
                WON_BY_WINDOWS,
                ("np.arange(K_h * K_w) == flat.argmax(axis=2)[..., None]", "np.full(flat.shape, 1 / flat[0, 0].size)"),
            ),
        ),
        Bug(
            "multiplied by the winner's value",
            "You multiply the gradient by the winner itself. The output *is* the winner: when it grows by ε the output "
            "grows by ε, so the gradient goes back as it came.",
            ("] += dout[n, c, i, j]", "] += dout[n, c, i, j] * window.max()"),
        ),
        Bug(
            "smallest number wins",
            "You send the gradient to the smallest number of the window. It goes to the one that the forward pass has "
            "kept: the largest.",
            ("window.argmax()", "window.argmin()"),
        ),
        Bug(
            "largest absolute value wins",
            "You compare the numbers without their signs. The maximum of −5 and 2 is 2.",
            ("window.argmax()", "np.abs(window).argmax()"),
        ),
        Bug(
            "negative numbers cannot win",
            "Your search for the winner starts at 0, so in a window of negative numbers nobody wins and the gradient "
            "is lost. One pixel of every window wins.",
            ("] += dout[n, c, i, j]", "] += dout[n, c, i, j] if window.max() >= 0 else 0"),
        ),
        Bug(
            "place in the window taken for place in the image",
            "You put the gradient where the winner stands *in its window*, counted from the image's corner. Add the "
            "row and the column where the window begins.",
            ("dx[n, c, top + s, left + t]", "dx[n, c, s, t]"),
        ),
        Bug(
            "place counted with the wrong side",
            "You turn `argmax`'s number into row and column by the window's *height*. Reading row by row, a new row "
            "begins after every K_w numbers: divide by the width.",
            ("divmod(window.argmax(), K_w)", "divmod(window.argmax(), K_h)"),
        ),
        Bug(
            "window moves one pixel at a time",
            "You take the windows of stride 1. Output (i, j) has read the window whose corner is i and j *times* the "
            "stride away.",
            ("i * stride, j * stride", "i, j"),
        ),
        Bug(
            "windows side by side",
            "You put the windows side by side, whatever `stride` says. The stride alone says how far apart they are.",
            ("i * stride, j * stride", "i * K_h, j * K_w"),
        ),
        Bug(
            "stride for rows only",
            "Rows move in strides, but columns one by one. The stride counts in both directions.",
            ("i * stride, j * stride", "i * stride, j"),
        ),
        Bug(
            "height and width of the window swapped",
            "You take the window's height for its width. `size` is (K_h, K_w): the rows come before the columns.",
            ("K_h, K_w = size", "K_w, K_h = size"),
        ),
        Bug(
            "square window assumed",
            "You use the window's height for its width as well. Windows need not be square.",
            ("K_h, K_w = size", "K_h = K_w = size[0]"),
        ),
        Bug(
            "one winner for all channels",
            "You look for one winner among all channels. Every channel is pooled for itself: each has its own winner "
            "in each window.",
            source=replaced(
                WON_BY_WINDOWS,
                ("flat = x[here].reshape(N, C, -1)", "flat = x[here].max(axis=1, keepdims=True).reshape(N, 1, -1)"),
                ("won.reshape(N, C, K_h, K_w)", "won.reshape(N, 1, K_h, K_w)"),
            ),
        ),
        Bug(
            "one winner for all images",
            "You use the first image's winners for all images of the batch. Every image has its own.",
            ("x[n, c, top", "x[0, c, top"),
        ),
        Bug(
            "rows and columns of dout swapped",
            "Your loops take the rows of `dout` for its columns. Its shape is (N, C, H', W').",
            ("range(dout.shape[2])", "range(dout.shape[-1])"),
            ("range(dout.shape[3])", "range(dout.shape[-2])"),
        ),
        Bug(
            "square output assumed",
            "Both of your loops run over as many places as `dout` has rows. It need not be square.",
            ("range(dout.shape[3])", "range(dout.shape[2])"),
        ),
        Bug(
            "last row and column never asked",
            "Your loops end one step too early, and the last row and column of `dout` go nowhere. `range(n)` already "
            "stops before n.",
            ("range(dout.shape[2])", "range(dout.shape[2] - 1)"),
            ("range(dout.shape[3])", "range(dout.shape[3] - 1)"),
        ),
        Bug(
            "dout enlarged like an image",
            "You enlarge `dout` by repeating its rows and columns and keep it where `x` equals its window's maximum. "
            "That needs windows that lie side by side and fill the image.",
            source='''
import numpy as np
def max_pool_backward(dout, x, size, stride):
    """Repeat dout and mask it."""
    N, C, H, W = x.shape
    K_h, K_w = size
    tiles = x.reshape(N, C, H // K_h, K_h, W // K_w, K_w)
    best = tiles.max(axis=(3, 5)).repeat(K_h, axis=2).repeat(K_w, axis=3)
    return (x == best) * dout.repeat(K_h, axis=2).repeat(K_w, axis=3)
''',
        ),
        Bug(
            "gradient of whole numbers",
            "You make `dx` with the type of `x`. Where that is a type of whole numbers, fractions are cut off. Make "
            "it an array of floats.",
            ("np.zeros(x.shape)", "np.zeros_like(x)"),
        ),
        Bug(
            "maxima written into x",
            "You mark the winner in `x` itself. Whoever called your function still needs the image.",
            (
                "dx[n, c, top + s, left + t] +=",
                "x[n, c, top + s, left + t] = -99\n                    dx[n, c, top + s, left + t] +=",
            ),
        ),
    ],
    correct=[
        Correct("all images at once", WON_BY_WINDOWS),
        Correct(
            "a search pixel by pixel, in float32",
            '''
import numpy as np
def max_pool_backward(dout, x, size, stride):
    """The first number that is larger than all before it wins."""
    dx = np.zeros(x.shape, dtype=np.float32)
    for n, c, i, j in np.ndindex(dout.shape):
        best, where = -np.inf, None
        for row in range(i * stride, i * stride + size[0]):
            for column in range(j * stride, j * stride + size[1]):
                if x[n, c, row, column] > best:
                    best, where = x[n, c, row, column], (n, c, row, column)
        dx[where] += dout[n, c, i, j]
    return dx
''',
        ),
        Correct(
            "np.add.at",
            '''
import numpy as np
def max_pool_backward(dout, x, size, stride):
    """Work out all places first, then add all gradients."""
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))[:, :, ::stride, ::stride]
    won = windows.reshape(*windows.shape[:4], -1).argmax(axis=-1)
    n, c, i, j = np.indices(won.shape)
    rows, columns = np.unravel_index(won, size)
    dx = np.zeros(x.shape)
    np.add.at(dx, (n, c, i * stride + rows, j * stride + columns), dout)
    return dx
''',
        ),
        Correct(
            "unravel_index, a view as result",
            '''
import numpy as np
def max_pool_backward(dout, x, size, stride):
    """Channels last while working."""
    moved = np.zeros((x.shape[2], x.shape[3], x.shape[0], x.shape[1]))
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    window = x[n, c, i * stride :, j * stride :][: size[0], : size[1]]
                    s, t = np.unravel_index(np.argmax(window), window.shape)
                    moved[i * stride + s, j * stride + t, n, c] += dout[n, c, i, j]
    return moved.transpose(2, 3, 0, 1)
''',
        ),
        Correct(
            "torch's automatic differentiation",
            '''
import numpy as np
import torch
def max_pool_backward(dout, x, size, stride):
    """Let torch do it."""
    x = torch.tensor(np.asarray(x, dtype=np.float64), requires_grad=True)
    out = torch.nn.functional.max_pool2d(x, size, stride=stride)
    out.backward(torch.tensor(np.asarray(dout, dtype=np.float64)))
    return x.grad
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# dilated_conv


def spread_one_row(student, rng):
    """one image of a row of 5 pixels, a filter of two weights, dilation 2"""
    return {"out": student(digits(rng, 1, 1, 1, 5), np.array([[[[1.0, -2.0]]]]), np.zeros(1), dilation=2)}


def spread_not(student, rng):
    """one 3×4 image, one 2×2 filter, dilation 1: an ordinary convolution"""
    return {"out": student(digits(rng, 1, 1, 3, 4), distinct(rng, 1, 1, 2, 2), np.zeros(1))}


def spread_tiny(student, rng):
    """one 3×4 image, one 2×2 filter, dilation 2"""
    return {"out": student(digits(rng, 1, 1, 3, 4), distinct(rng, 1, 1, 2, 2), np.zeros(1), dilation=2)}


def spread_three(student, rng):
    """one 4×6 image, one 2×2 filter, dilation 3"""
    return {"out": student(digits(rng, 1, 1, 4, 6), distinct(rng, 1, 1, 2, 2), np.zeros(1), dilation=3)}


def spread_not_square(student, rng):
    """one 4×7 image, a filter of 2 rows and 3 columns, dilation 2, with a bias"""
    return {"out": student(digits(rng, 1, 1, 4, 7), distinct(rng, 1, 1, 2, 3), np.array([100.0]), dilation=2)}


def spread_with_stride(student, rng):
    """one 4×7 image, one 2×2 filter, dilation 2, stride 3"""
    return {"out": student(digits(rng, 1, 1, 4, 7), distinct(rng, 1, 1, 2, 2), np.zeros(1), stride=3, dilation=2)}


def spread_with_padding(student, rng):
    """one 3×4 image with a border of zeros, one 3×2 filter, dilation 2"""
    return {"out": student(digits(rng, 1, 1, 3, 4), distinct(rng, 1, 1, 3, 2), np.zeros(1), pad=1, dilation=2)}


def spread_all_together(student, rng):
    """two 7×9 images of two channels (float32), three 3×2 filters, dilation 2, stride 2, two rings of zeros"""
    x, w = quarters(rng, 2, 2, 7, 9).astype(np.float32), quarters(rng, 3, 2, 3, 2).astype(np.float32)
    return {"out": student(x, w, quarters(rng, 3).astype(np.float32), stride=2, pad=2, dilation=2)}


def spread_drawn(student, rng):
    """shapes, strides, borders and dilations drawn at random"""
    seen = {}
    for draw in range(4):
        stride, pad, dilation = (int(n) for n in rng.integers([1, 0, 1], [4, 3, 4]))
        kernel = rng.permutation(3)[:2] + 1
        height, width = np.maximum(dilation * (kernel - 1) + 1 + rng.permutation(5)[:2] - 2 * pad, 1)
        x, w = read_only_view(quarters(rng, 2, 2, height, width)), whole(rng, 3, 2, *kernel)
        seen[f"out {draw + 1}"] = student(x, w, quarters(rng, 3), stride=stride, pad=pad, dilation=dilation)
    return seen


DILATED_CONV = Exercise(
    "dilated_conv",
    points=0,
    extra=2,
    cases=[
        Case(spread_one_row),
        Case(spread_not),
        Case(spread_tiny),
        Case(spread_three),
        Case(spread_not_square),
        Case(spread_with_stride),
        Case(spread_with_padding),
        Case(spread_all_together, tolerance=Tolerance(1e-5, 1e-5)),
        Case(spread_drawn, hidden=True, weight=4),
    ],
    bugs=[
        Bug(
            "dilation ignored",
            "You ignore `dilation`: that is an ordinary convolution.",
            ("N, _, H, W = x.shape", "dilation = 1\n    N, _, H, W = x.shape"),
        ),
        Bug(
            "dilation for rows only",
            "You spread the filter's rows, but not its columns. Dilation counts in both directions.",
            ("reach_w = dilation * (K_w - 1) + 1", "reach_w = K_w"),
            ("left + reach_w : dilation", "left + reach_w"),
        ),
        Bug(
            "D holes instead of D − 1",
            "You leave D pixels out between two weights. With dilation D they are D pixels *apart*, so D − 1 lie "
            "between them; dilation 1 is an ordinary convolution.",
            ("N, _, H, W = x.shape", "dilation += 1\n    N, _, H, W = x.shape"),
        ),
        Bug(
            "reach K·D",
            "You count D pixels for each weight, the last one too. After the last weight there are no more holes: the "
            "filter covers D·(K − 1) + 1 pixels.",
            ("dilation * (K_h - 1) + 1", "dilation * K_h"),
            ("dilation * (K_w - 1) + 1", "dilation * K_w"),
        ),
        Bug(
            "reach K + D − 1",
            "You add D − 1 holes once. There are that many holes between *each* weight and the next: K − 1 times.",
            ("dilation * (K_h - 1) + 1", "K_h + dilation - 1"),
            ("dilation * (K_w - 1) + 1", "K_w + dilation - 1"),
        ),
        Bug(
            "reach K + D",
            "You count K weights and D pixels more. With dilation 1 the filter covers K pixels, and each step of D "
            "makes each of the K − 1 distances between weights longer.",
            ("dilation * (K_h - 1) + 1", "K_h + dilation"),
            ("dilation * (K_w - 1) + 1", "K_w + dilation"),
        ),
        Bug(
            "output size of the bare filter",
            "You work out the output's size from K, as if the filter weren't spread, so its last windows fall off the "
            "image. Use the number of pixels that it *covers*.",
            ("(H + 2 * pad - reach_h)", "(H + 2 * pad - K_h)"),
            ("(W + 2 * pad - reach_w)", "(W + 2 * pad - K_w)"),
        ),
        Bug(
            "only the output size",
            "Your output has the right size, but the windows aren't spread: the filter is laid on neighbouring "
            "pixels. Take every D-th of the pixels that it covers.",
            ("top : top + reach_h : dilation, left : left + reach_w : dilation", "top : top + K_h, left : left + K_w"),
        ),
        Bug(
            "image thinned out first",
            "You keep every D-th pixel of the *image* and convolve that. The spread filter still moves by one pixel "
            "(or by `stride`), so that every pixel is read.",
            ("N, _, H, W = x.shape", "x, dilation = x[:, :, ::dilation, ::dilation], 1\n    N, _, H, W = x.shape"),
        ),
        Bug(
            "dilation moves the window",
            "You multiply the window's corner by the dilation. It is the stride that moves the window; dilation only "
            "spreads the weights inside it.",
            ("top, left = i * stride, j * stride", "top, left = i * dilation, j * dilation"),
        ),
        Bug(
            "stride ignored",
            "You ignore `stride`. Dilation and stride are two things: one spreads the weights, the other moves the "
            "window.",
            ("N, _, H, W = x.shape", "stride = 1\n    N, _, H, W = x.shape"),
        ),
        Bug(
            "padding ignored",
            "You ignore `pad`. The border of zeros comes first, as in an ordinary convolution.",
            ("N, _, H, W = x.shape", "pad = 0\n    N, _, H, W = x.shape"),
        ),
        Bug(
            "padding multiplied by the dilation",
            "You make the border `dilation` times as wide. `pad` says how wide it is.",
            ("N, _, H, W = x.shape", "pad = pad * dilation\n    N, _, H, W = x.shape"),
        ),
        Bug(
            "height and width of the filter swapped",
            "You take the filter's height for its width. `w.shape` is (F, C, K_h, K_w).",
            ("F, _, K_h, K_w = w.shape", "F, _, K_w, K_h = w.shape"),
        ),
        Bug(
            "bias missing",
            "You never add the bias.",
            (" + b[f]", ""),
        ),
    ],
    correct=[
        Correct(
            "a larger filter full of zeros",
            '''
import numpy as np
def dilated_conv(x, w, b, stride=1, pad=0, dilation=1):
    """Write the holes down, then convolve as always."""
    F, C, K_h, K_w = w.shape
    holed = np.zeros((F, C, dilation * (K_h - 1) + 1, dilation * (K_w - 1) + 1))
    holed[:, :, ::dilation, ::dilation] = w
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, holed.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.tensordot(windows, holed, ([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2) + b[:, None, None]
''',
        ),
        Correct(
            "a sum over the weights, in float32",
            '''
import numpy as np
def dilated_conv(x, w, b, stride=1, pad=0, dilation=1):
    """Shift the image under each weight."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows = range(0, x.shape[2] - dilation * (w.shape[2] - 1), stride)
    columns = range(0, x.shape[3] - dilation * (w.shape[3] - 1), stride)
    out = np.zeros((len(x), len(w), len(rows), len(columns)), np.float32)
    for s, t in np.ndindex(w.shape[2:]):
        seen = x[:, :, [r + s * dilation for r in rows]][:, :, :, [c + t * dilation for c in columns]]
        out += np.einsum("ncij,fc->nfij", seen, w[:, :, s, t]).astype(np.float32)
    return out + b.reshape(1, -1, 1, 1)
''',
        ),
        Correct(
            "pixel by pixel",
            '''
import numpy as np
def dilated_conv(x, w, b, stride=1, pad=0, dilation=1):
    """Every product by itself."""
    N, C, H, W = x.shape
    F, _, K_h, K_w = w.shape
    out_h = (H + 2 * pad - dilation * (K_h - 1) - 1) // stride + 1
    out_w = (W + 2 * pad - dilation * (K_w - 1) - 1) // stride + 1
    out = np.zeros((N, F, out_h, out_w))
    for n, f, i, j in np.ndindex(out.shape):
        out[n, f, i, j] = b[f]
        for c, s, t in np.ndindex(C, K_h, K_w):
            row, column = i * stride + s * dilation - pad, j * stride + t * dilation - pad
            if 0 <= row < H and 0 <= column < W:
                out[n, f, i, j] += x[n, c, row, column] * w[f, c, s, t]
    return out
''',
        ),
        Correct(
            "torch, a tensor as result",
            '''
import numpy as np
import torch
def dilated_conv(x, w, b, stride=1, pad=0, dilation=1):
    """Let torch do it."""
    x, w, b = (torch.tensor(np.asarray(a, dtype=np.float64)) for a in (x, w, b))
    return torch.nn.functional.conv2d(x, w, b, stride=stride, padding=pad, dilation=dilation)
''',
        ),
    ],
)

EXERCISES = [CONVOLVE2D, NAMED_KERNEL, CONV_BACKWARD, MAX_POOL_BACKWARD, DILATED_CONV]
