"""A kernel slides over a picture: convolution and pooling, with every number on the table."""

import contextlib
import io
import operator

import numpy as np
import traitlets

from visionlab.widgets import _numerics, convolution_picture
from visionlab.widgets.explorer import Choice, Explorer, Whole, browser_module, style_sheet

_IMAGES = ("numbers", "digit", "photo")
_SIZES = {"numbers": (7, 1, 32), "digit": (28, 5, 28), "photo": (96, 16, 256)}  # usual, least, most
_PHOTO_SIDE = 128
_MOST_KERNEL = 11
_SETTINGS = ("size", "kernel", "stride", "padding", "dilation", "operation", "convention", "image", "kernel_name")
_TOLERANCE = 1e-4  # relative, so that answers in float32 count as right


class ConvolutionExplorer(Explorer):
    """Slide a kernel over an input, and see which numbers make which output.

    All of it is drawn in the browser, at once, whatever slider moves. Click the picture, or reach it with the Tab
    key: the arrow keys then move the kernel, Home and End go to the first and the last position, the space bar plays.

    Parameters
    ----------
    size : int, optional
        Side W of the square input: 1 … 32 for numbers (usually 7), 5 … 28 for the digit (28), 16 … 256 for the
        photo (96).
    kernel : int
        Side K of the square kernel, 1 … 11.
    stride : int
        Step S from window to window, 1 … 8.
    padding : int
        Pixels P added at each side, 0 … 5: zeros, except for max pooling, which pads with −∞. Average pooling counts
        the zeros in its mean, as PyTorch does unless told otherwise.
    dilation : int
        Distance D between neighbouring weights of the kernel, 1 … 4.
    operation : {"convolution", "max pooling", "average pooling"}
        Convolution is deep learning's: the kernel isn't flipped.
    convention : {"floor", "exact"}
        What happens when the stride leaves pixels over: frameworks round down, some lectures say 'cannot apply'.
    image : {"numbers", "digit", "photo"}
        A matrix of small numbers, a digit of MNIST or a colour photo. A convolution gives each channel of the photo a
        third of the kernel and adds them up (one filter, 3×K×K); pooling keeps the channels apart.
    kernel_name : {"sobel x", "sobel y", "identity", "mean", "blur", "sharpen", "edges", "custom"}, optional
        The weights. "custom" are those given as `weights`.
    numbers : (W, W) array, optional
        The matrix for ``image="numbers"``; the size slider then goes up to its side.
    weights : (K, K) array, optional
        A kernel of one's own.
    conv_forward : callable, optional
        A student's ``conv_forward(x, w, b, stride, pad)`` with x (N, C, H, W), w (F, C, K_h, K_w) and b (F,) that
        returns the output or ``(output, cache)``. The explorer runs it on the picture shown and marks every wrong
        output.

    Attributes
    ----------
    size, kernel, stride, padding, dilation, operation, convention, image, kernel_name
        As above; in step with the sliders, readable and settable.
    row, column : int
        The window shown, counted from 0.
    output_size : int or None
        Side of the output; None where there is none. Read only.
    formula : str
        The formula of the output size with its numbers. Read only.
    student_correct : bool or None
        Whether `conv_forward` was right; None where nothing was compared. Read only.
    student_message : str
        The verdict on `conv_forward` in words. Read only.

    Examples
    --------
    >>> explorer = ConvolutionExplorer(size=7, kernel=3, stride=2)
    >>> explorer.output_size, explorer.formula
    (3, '(7 + 2·0 − 3)/2 + 1 = 3')
    >>> explorer.stride = 3
    >>> explorer.formula
    '⌊(7 + 2·0 − 3)/3⌋ + 1 = 2'
    >>> explorer.convention = "exact"
    >>> print(explorer.output_size, explorer.formula)
    None (7 + 2·0 − 3)/3 + 1 ≈ 2.33
    """

    _esm = browser_module("arithmetic.js", "drawing.js", "convolution_explorer.js")
    _css = style_sheet()

    size = Whole(7, 1).tag(sync=True)
    kernel = Whole(3, 1, _MOST_KERNEL).tag(sync=True)
    stride = Whole(1, 1, 8).tag(sync=True)
    padding = Whole(0, 0, 5).tag(sync=True)
    dilation = Whole(1, 1, 4).tag(sync=True)
    operation = Choice(_numerics.OPERATIONS).tag(sync=True)
    convention = Choice(_numerics.CONVENTIONS).tag(sync=True)
    image = Choice(_IMAGES).tag(sync=True)
    kernel_name = Choice(("sobel x", "sobel y", "identity", "mean", "blur", "sharpen", "edges", "custom")).tag(
        sync=True
    )
    row = Whole(0, 0).tag(sync=True)
    column = Whole(0, 0).tag(sync=True)

    output_size = traitlets.Int(None, allow_none=True, read_only=True)
    formula = traitlets.Unicode(read_only=True)
    student_correct = traitlets.Bool(None, allow_none=True, read_only=True)
    student_message = traitlets.Unicode(read_only=True)

    # What the browser needs and cannot know: never set from there.
    _sizes = traitlets.Dict().tag(sync=True)  # image → (usual, least, most) size
    _kernels = traitlets.Dict().tag(sync=True)  # name → side → {weights, divisor}
    _pixels = traitlets.Dict().tag(sync=True)  # image → {side, count, values}; pictures come when first asked for
    _verdict = traitlets.Dict().tag(sync=True)  # on the student's function, for the settings named in it

    def __init__(
        self,
        size=None,
        kernel=None,
        stride=1,
        padding=0,
        dilation=1,
        operation="convolution",
        convention="floor",
        image="numbers",
        kernel_name=None,
        *,
        numbers=None,
        weights=None,
        conv_forward=None,
    ):
        if conv_forward is not None and not callable(conv_forward):
            raise TypeError(f"conv_forward is {conv_forward!r}: pass the function itself, conv_forward=conv_forward")
        if image not in _IMAGES:  # before it is used below
            raise traitlets.TraitError(f"image is {image!r}: it must be one of {', '.join(map(repr, _IMAGES))}")
        self._conv_forward = conv_forward
        self._numbers = _square("numbers", numbers, 32, np.random.default_rng(2).integers(0, 10, (32, 32)))
        self._weights = None if weights is None else _square("weights", weights, _MOST_KERNEL)
        sizes = dict(_SIZES)
        if numbers is not None:
            sizes["numbers"] = (len(self._numbers), 1, len(self._numbers))
        if kernel_name == "custom" and weights is None:
            raise traitlets.TraitError("kernel_name is 'custom' but weights=… is missing")
        if weights is not None and kernel is not None and kernel != len(self._weights):
            side = len(self._weights)
            raise traitlets.TraitError(f"kernel is {kernel!r} but weights is {side}×{side}: leave kernel out")
        if weights is not None:
            kernel, kernel_name = len(self._weights), kernel_name or "custom"
        super().__init__(
            size=sizes[image][0] if size is None else size,
            kernel=3 if kernel is None else kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            operation=operation,
            convention=convention,
            image=image,
            kernel_name=kernel_name or "sobel x",
            _sizes=sizes,
            _kernels=self._all_kernels(),
            _pixels=self._with_pixels({}, image),
        )
        self.observe(self._on_image, "image")
        self.observe(self._on_kernel_name, "kernel_name")
        self.observe(self._on_settings, list(_SETTINGS))
        self._on_settings()

    @property
    def output(self):
        """The right output: (M, M), or (3, M, M) for a pooled photo.

        Raises
        ------
        ValueError
            Where there is no output; the message says why.
        """
        side, words = _numerics._verdict(**self._geometry())
        if side is None:
            raise ValueError(words)
        weights, divisor = self._current_kernel()
        maps = _numerics._slide(
            self._input(), self.operation, self.kernel, self.stride, self.padding, self.dilation, weights, divisor
        )
        return maps[0] if len(maps) == 1 else maps

    # Settings

    @traitlets.validate("size")
    def _size_within_image(self, proposal):
        _, least, most = self._sizes.get(self.image, (0, 1, 256))
        if not least <= proposal.value <= most:
            raise traitlets.TraitError(
                f"size is {proposal.value}: for image={self.image!r} it must be from {least} to {most}"
            )
        return proposal.value

    @traitlets.validate("kernel_name", "kernel")
    def _custom_needs_weights(self, proposal):
        name = proposal.value if proposal.trait.name == "kernel_name" else self.kernel_name
        if name == "custom" and self._weights is None:
            raise traitlets.TraitError("kernel_name is 'custom' but weights=… is missing")
        if name == "custom" and proposal.trait.name == "kernel" and proposal.value != len(self._weights):
            side = len(self._weights)
            raise traitlets.TraitError(f"kernel is {proposal.value}: the custom kernel is {side}×{side}")
        return proposal.value

    def _on_image(self, change):
        self._pixels = self._with_pixels(self._pixels, change.new)
        self.size = self._sizes[change.new][0]

    def _on_kernel_name(self, change):
        if change.new == "custom":
            self.kernel = len(self._weights)

    def _on_settings(self, _=None):
        side, _ = _numerics._verdict(**self._geometry())
        self.set_trait("output_size", side)
        geometry = self._geometry()
        geometry.pop("operation")
        self.set_trait("formula", _numerics._formula(**geometry))
        for name in ("row", "column"):
            setattr(self, name, min(getattr(self, name), (side or 1) - 1))
        if self._conv_forward is not None:
            self._compare(side)

    def _geometry(self):
        return {name: getattr(self, name) for name in _SETTINGS[:7]}

    def _all_kernels(self):
        table = {
            name: {str(side): _plain(*_numerics._kernel(name, side)) for side in range(1, _MOST_KERNEL + 1)}
            for name in _numerics.KERNEL_NAMES
        }
        if self._weights is not None:
            table["custom"] = {str(len(self._weights)): _plain(self._weights, 1)}
        return table

    def _current_kernel(self):
        if self.kernel_name == "custom":
            return self._weights, 1
        return _numerics._kernel(self.kernel_name, self.kernel)

    def _with_pixels(self, pixels, image):
        if image in pixels:
            return pixels
        if image == "numbers":
            values = np.ascontiguousarray(self._numbers, dtype="<f8")
            side, count, kind = len(values), 1, "float64"
        else:
            values = np.ascontiguousarray(_picture(image), dtype="u1")
            side, count, kind = len(values), values.shape[2], "uint8"
        return pixels | {image: {"side": side, "count": count, "kind": kind, "values": values.tobytes()}}

    def _input(self):
        """Return the input as (C, W, W): numbers as they are, pictures from 0 to 1."""
        if self.image == "numbers":
            return self._numbers[None, : self.size, : self.size].astype(float)
        return _numerics._resize(_picture(self.image).astype(float) / 255, self.size)

    # The student's function

    def _compare(self, side):
        settings = "|".join(str(getattr(self, name)) for name in _SETTINGS)
        if self._verdict.get("settings") == settings:
            return
        report = self._run_student(side)
        self.set_trait("student_correct", {"right": True, "off": None}.get(report["state"], False))
        self.set_trait("student_message", report["message"])
        self._verdict = report | {"settings": settings}

    def _run_student(self, side):
        """Run the student's function on the input shown; say in words what came of it."""
        off = None
        if self.operation != "convolution":
            off = f"conv_forward isn't compared for {self.operation}."
        elif self.dilation != 1:
            off = "conv_forward has no dilation: it is compared when dilation is 1."
        elif side is None:
            off = "Here is no output to compare with."
        if off:
            return {"state": "off", "message": off}
        x, expected = self._input()[None], self.output
        weights, divisor = self._current_kernel()
        channels = x.shape[1]
        w = np.repeat(np.asarray(weights, float)[None, None] / divisor / channels, channels, axis=1)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                answer = self._conv_forward(x.copy(), w.copy(), np.zeros(1), self.stride, self.padding)
        except Exception as error:  # whatever a student's function raises is part of the picture
            return _failure(f"Your conv_forward raised {type(error).__name__}: {error}")
        out = answer[0] if isinstance(answer, tuple | list) and len(answer) else answer
        if out is None:
            return _failure("Your conv_forward returned None: is the return statement missing?")
        try:
            out = np.asarray(out, dtype=float)
        except (TypeError, ValueError):
            return _failure(f"Your conv_forward returned {type(out).__name__}, not an array of numbers.")
        shape = (1, 1, side, side)
        if out.shape != shape:
            return _failure(f"Your conv_forward returned shape {out.shape}, the right shape (N, F, H, W) is {shape}.")
        got = out[0, 0]
        with np.errstate(invalid="ignore"):
            right = np.abs(got - expected) <= _TOLERANCE * (1 + np.abs(expected))
        if right.all():
            return {"state": "right", "message": f"Your conv_forward is right on all {right.size} outputs."}
        row, column = (int(i) for i in np.argwhere(~right)[0])
        return {
            "state": "wrong",
            "message": (
                f"Your conv_forward is wrong in {np.sum(~right)} of {right.size} outputs, first in row {row}, column "
                f"{column}: right is {_numerics._number(expected[row, column])}, "
                f"yours {_numerics._number(got[row, column])}."
            ),
            "wrong": (~right).astype("u1").tobytes(),
            "got": got.astype("<f8").tobytes(),
        }

    # For readers without a kernel

    def _description(self):
        _, words = _numerics._verdict(**self._geometry())
        subject = {"numbers": "matrix of numbers", "digit": "handwritten digit", "photo": "colour photo of a cat"}
        kernel = f", kernel '{self.kernel_name}'" if self.operation == "convolution" else ""
        return (
            f"{self.operation.capitalize()} of a {self.size}×{self.size} {subject[self.image]} with a "
            f"{self.kernel}×{self.kernel} window{kernel}, stride {self.stride}, padding {self.padding}, dilation "
            f"{self.dilation}: {self.formula}. {words} {self.student_message}"
        ).strip()

    def _figure(self):
        side, words = _numerics._verdict(**self._geometry())
        weights, divisor = self._current_kernel()
        return convolution_picture.draw(
            **self._geometry(),
            image=self.image,
            kernel_name=self.kernel_name,
            maps=self._input(),
            output=None if side is None else self.output,
            weights=weights,
            divisor=divisor,
            row=self.row,
            column=self.column,
            formula=self.formula,
            words=words,
            student=self.student_message,
            wrong=self._wrong(side),
        )

    def _wrong(self, side):
        marks = self._verdict.get("wrong")
        return None if marks is None else np.frombuffer(marks, "u1").reshape(side, side).astype(bool)


def _square(name, values, most, default=None):
    if values is None:
        return default
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a square array of numbers, not {values!r}") from None
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not 1 <= len(array) <= most:
        raise ValueError(f"{name} has shape {array.shape}: it must be square, 1×1 to {most}×{most}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return array


def _plain(weights, divisor):
    return {"weights": np.ravel(weights).tolist(), "divisor": operator.index(divisor)}


def _failure(message):
    return {"state": "error", "message": message}


def _picture(image):
    """Return a picture as (M, M, C), 0 … 255."""
    from visionlab import datasets  # only who asks for a picture loads a data set

    if image == "digit":
        return np.asarray(datasets.load("mnist", split="test").images[0])[:, :, None]
    return np.asarray(datasets.photo("chelsea", size=_PHOTO_SIDE))
