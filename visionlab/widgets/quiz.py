"""Practice with immediate answers: one question that is the same for everybody, then as many random ones as wanted.

A wrong answer is compared with those that the usual mistakes lead to, so that a student reads what went wrong and not
only that it did. The arithmetic is the explorers' own (`_numerics`).
"""

import ast
import base64
import html
import operator
import random
import re
import textwrap
from dataclasses import dataclass, field
from fractions import Fraction

import ipywidgets
from matplotlib import pyplot as plt

from visionlab import plots
from visionlab.widgets._numerics import FLOOR, _fields, _fit, _formula


class Illustrated(ipywidgets.VBox):
    """A column of widgets that leaves a picture behind where no kernel runs: on a code host, or in print.

    Parameters
    ----------
    children : sequence of widgets
    picture : matplotlib.figure.Figure
        What is seen in the widgets' place; it is closed.
    alt : str
        What the picture shows, in a sentence.
    """

    def __init__(self, children, picture, alt):
        if not alt.strip():
            raise ValueError("alt is empty: say in a sentence what the picture shows")
        super().__init__(children)
        self._png = plots.png(picture)
        self._alt = alt
        width, height = (int.from_bytes(self._png[at : at + 4]) for at in (16, 20))
        scale = 100 / picture.dpi  # as plots.display_figure does
        self._shown = {"alt": alt, "width": round(width * scale), "height": round(height * scale)}
        plt.close(picture)

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle |= {"image/png": base64.b64encode(self._png).decode(), "text/plain": self._alt}
        return bundle, {"image/png": self._shown}


@dataclass(frozen=True)
class Question:
    """One question with a number for an answer.

    Attributes
    ----------
    text : str
    answer : int
    because : str
        The calculation that leads to the answer.
    mistakes : dict of number to str
        Wrong answers that usual mistakes lead to, each with what to look at.
    """

    text: str
    answer: int
    because: str
    mistakes: dict = field(default_factory=dict)

    def judge(self, number):
        """Say whether a number is the answer, and what to say about it.

        Parameters
        ----------
        number : int or Fraction

        Returns
        -------
        right : bool
        words : str

        Examples
        --------
        >>> output_size(None).judge(4)[0]
        True
        >>> print(output_size(None).judge(3)[1])
        The window's first position counts too: add 1.
        """
        if number == self.answer:
            return True, self.because
        for value, words in self.mistakes.items():
            if number == value != self.answer:
                return False, words
        if number != int(number):
            return False, "The answer is a whole number. Frameworks round down what is left over."
        return False, "Too small." if number < self.answer else "Too large."


def _first_words(*pairs):
    """Keep the first explanation of each wrong answer."""
    return dict(reversed(pairs))


def output_size(rng):
    """Ask for the size of a convolution's or a pooling's output.

    Parameters
    ----------
    rng : random.Random or None
        None asks the question that is the same for everybody. So do the other topics.

    Returns
    -------
    Question
    """
    layer, size, kernel, stride, padding = "convolution", 13, 4, 3, 1
    if rng:
        layer = rng.choice(["convolution", "convolution", "max pooling"])
        kernel, stride = rng.randint(2, 7), rng.randint(1, 4)
        padding = rng.randint(0, 3 if layer == "convolution" else kernel // 2)
        size = rng.randint(kernel + 3, 64)
    span = size + 2 * padding - kernel
    fit = _fit(size, kernel, stride, padding)
    return Question(
        f"A {layer} reads an input of {size}×{size} with a {kernel}×{kernel} kernel, stride {stride} and padding "
        f"{padding}. How many rows has its output?",
        fit.windows,
        _formula(size, kernel, stride, padding, 1, FLOOR)
        + (f": the last {fit.remainder} of the {fit.padded} padded rows are never read." if fit.remainder else "."),
        _first_words(
            (fit.windows - 1, "The window's first position counts too: add 1."),
            (-(-span // stride) + 1, "You rounded up: the last window would stick out. Frameworks round down."),
            ((size + padding - kernel) // stride + 1, f"Padding is added on both sides: 2·{padding}, not {padding}."),
            ((size - kernel) // stride + 1, f"The padding is missing: the padded input has {fit.padded} rows."),
            (span + 1, f"The stride is missing: the window moves {stride} rows at a time."),
            (span // stride + 2, "One too many: count the steps that fit, then add the first position once."),
        ),
    )


def same_padding(rng):
    """Ask for the padding that keeps the size."""
    kernel, dilation = (7, 1) if rng is None else (rng.choice([1, 3, 5, 7, 9, 11, 13]), rng.choice([1, 1, 2, 3]))
    reach = dilation * (kernel - 1) + 1
    dilated = f", dilation {dilation}" if dilation > 1 else ""
    covers = f" The dilated kernel covers {dilation}·({kernel} − 1) + 1 = {reach} pixels." if dilation > 1 else ""
    return Question(
        f"A {kernel}×{kernel} kernel, stride 1{dilated}. With which padding is the output as large as the input?",
        (reach - 1) // 2,
        f"({reach} − 1)/2 = {(reach - 1) // 2}.{covers}",
        _first_words(
            (reach - 1, f"{reach - 1} is what is lost in all: half of it goes on each side."),
            ((kernel - 1) // 2, f"Think of the dilation: how many pixels does the kernel cover?{covers}"),
            ((reach + 1) // 2, "One too many: the pixel under the kernel's centre needs no padding."),
        ),
    )


def parameters(rng):
    """Ask for the number of parameters of a convolution."""
    kernel, channels, filters = 5, 3, 10
    if rng:
        kernel, channels = rng.choice([1, 3, 5, 7]), rng.choice([1, 3, 6, 16, 32, 64])
        filters = rng.choice([4, 6, 8, 10, 16, 20, 32, 64])
    one = kernel * kernel * channels
    return Question(
        f"A convolution with {filters} filters of {kernel}×{kernel} on an input of {channels} "
        f"channel{'s' * (channels > 1)}. How many parameters has it, biases included?",
        filters * (one + 1),
        f"({kernel}·{kernel}·{channels} + 1)·{filters} = {one + 1}·{filters} = {filters * (one + 1):,}.",
        _first_words(
            (filters * one, "These are the weights; each filter also has a bias."),
            (filters * one + 1, "Each filter has its own bias, not the layer one in all."),
            (filters * (kernel * kernel + 1), f"A filter is as deep as its input: {kernel}×{kernel}×{channels}."),
            (
                filters * kernel * kernel,
                f"A filter is as deep as its input, {kernel}×{kernel}×{channels}, and has a bias.",
            ),
            (filters * channels * (kernel * kernel + 1), "One bias for each filter, not one for each channel of it."),
            (one + 1, f"That is one filter; there are {filters}."),
            (filters * (kernel * channels + 1), f"The kernel is {kernel} wide and {kernel} high: {kernel}·{kernel}."),
        ),
    )


def connections(rng):
    """Ask for the number of connections of a convolution."""
    side, kernel, channels, filters = 28, 5, 1, 6
    if rng:
        side, kernel = rng.choice([8, 10, 12, 14, 16, 20, 32]), rng.choice([1, 3, 5])
        channels, filters = rng.choice([1, 3, 4, 6, 8]), rng.choice([2, 4, 6, 8, 10, 16])
    units, one = side * side * filters, kernel * kernel * channels
    return Question(
        f"A convolution with {filters} filters of {kernel}×{kernel} turns {channels} map{'s' * (channels > 1)} of "
        f"{side}×{side} into {filters} maps of {side}×{side}. How many connections has it, biases not counted?",
        units * one,
        f"{side}·{side}·{filters} = {units:,} units, each with {kernel}·{kernel}·{channels} = {one} connections: "
        f"{units * one:,}.",
        _first_words(
            (units, f"These are the units. How many inputs does each of them read? {kernel}·{kernel}·{channels}."),
            (filters * one, "These are the weights. Each is used again at every position of the output."),
            (units * (one + 1), "Biases are not counted here."),
            (units * kernel * kernel, f"A unit reads its window in all {channels} channels."),
            (side * side * one, f"That is one output map; there are {filters}."),
            (units * side * side * channels, "That is a fully connected layer: here a unit reads only its window."),
        ),
    )


def receptive_field(rng):
    """Ask for the receptive field of a stack of layers."""
    layers = [("conv", 5, 1), ("pool", 2, 2), ("conv", 5, 1)]
    if rng:
        layers = [
            rng.choice([("conv", 3, 1), ("conv", 3, 1), ("conv", 5, 1), ("conv", 3, 2), ("pool", 2, 2), ("pool", 3, 2)])
            for _ in range(rng.randint(3, 4))
        ]
    fields = _fields(layers)
    names = {"conv": "convolution", "pool": "max pooling"}
    stack = ", then ".join(f"{kernel}×{kernel} {names[kind]} (stride {stride})" for kind, kernel, stride in layers)
    steps = " → ".join(str(r) for r, _ in fields)
    added = ", ".join(f"+({k} − 1)·{j}" for (_, k, _), (_, j) in zip(layers, fields, strict=False))
    plain = 1 + sum(kernel - 1 for _, kernel, _ in layers)
    early, jump = 1, 1
    for _, kernel, stride in layers:
        jump *= stride
        early += (kernel - 1) * jump
    return Question(
        f"A stack of layers: {stack}. How many pixels wide is the receptive field of a unit of the last layer?",
        fields[-1][0],
        f"{steps} ({added}).",
        _first_words(
            (plain, "The strides are missing: after a stride of 2 neighbouring units lie 2 pixels apart."),
            (early, "A layer's own stride widens the steps of the layers after it, not its own."),
            (fields[-2][0], "That is the layer before."),
            (fields[-1][0] - 1, "Start from 1: a pixel sees itself."),
        ),
    )


TOPICS = {
    "output size": output_size,
    "padding": same_padding,
    "parameters": parameters,
    "connections": connections,
    "receptive field": receptive_field,
}

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def number(text):
    """Read a number, or a calculation with + − · / // and brackets.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> number("117,600"), number("(5·5·3 + 1)*10"), number("13/2")
    (Fraction(117600, 1), Fraction(760, 1), Fraction(13, 2))
    """
    plain = re.sub(r"(?<=\d)[,\s](?=\d{3})", "", text).translate(str.maketrans("·×−", "**-")).strip()

    def value(node):
        match node:
            case ast.Constant(value=int() | float() as found) if not isinstance(found, bool):
                return Fraction(str(found))
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](value(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return Fraction(_OPERATORS[type(op)](value(left), value(right)))
        raise ValueError

    try:
        return value(ast.parse(plain, mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        raise ValueError(f"not a number: {text!r}") from None


class Practice(Illustrated):
    """Questions of one topic: type the answer, be told at once, ask for another.

    Parameters
    ----------
    topic : str
        'output size', 'padding', 'parameters', 'connections' or 'receptive field'.
    seed : int, optional
        Makes the random questions repeatable.

    Attributes
    ----------
    question : Question
    asked, solved : int
        Questions answered so far, and those that were right at the first try.

    Examples
    --------
    >>> practice = Practice("output size")
    >>> practice.question.text
    'A convolution reads an input of 13×13 with a 4×4 kernel, stride 3 and padding 1. How many rows has its output?'
    >>> practice.answer("4")
    True
    """

    def __init__(self, topic, seed=None):
        if topic not in TOPICS:
            raise ValueError(f"no topic {topic!r}: choose one of {', '.join(map(repr, TOPICS))}")
        self.topic = topic
        self.question = TOPICS[topic](None)
        self.asked = self.solved = 0
        self._random = random.Random(seed)
        self._tried = self._done = False
        self._text = ipywidgets.HTML()
        self._box = ipywidgets.Text(
            description="Answer:", placeholder="a number", continuous_update=False, layout={"width": "250px"}
        )
        self._feedback = ipywidgets.HTML(layout={"min_height": "3.2em"})
        buttons = {
            "Check": (self._check, "primary", "Compare your answer"),
            "Show me": (self.show, "", "Show the answer and how it comes about"),
            "Another one": (self.another, "", "A new random question"),
        }
        made = []
        for name, (act, style, tooltip) in buttons.items():
            button = ipywidgets.Button(
                description=name, button_style=style, tooltip=tooltip, layout={"width": "auto", "padding": "0 14px"}
            )
            button.on_click(lambda _, act=act: act())
            made.append(button)
        self._box.observe(lambda change: change["new"].strip() and self.answer(change["new"]), "value")
        row = ipywidgets.HBox([self._box, *made], layout={"flex_flow": "row wrap"})
        super().__init__(
            [self._text, row, self._feedback],
            _picture(self.question.text),
            f"Practice question: {self.question.text} In a live notebook the answer is checked as soon as it is typed.",
        )
        self.add_class("vl-practice")
        self._show_question()

    def answer(self, text):
        """Give an answer, as if typed; return whether it is right, None if it is no number."""
        try:
            given = number(text)
        except ValueError:
            self._say("grey", "?", f"I can’t read “{html.escape(text)}” as a number or a calculation.")
            return None
        right, words = self.question.judge(given)
        shown = html.escape(text.strip())
        if not self._done:
            if not self._tried:
                self.asked += 1
                self.solved += right
            self._tried = True
            self._done = right
        self._say(*(("green", "✓ Right", words) if right else ("red", f"✗ Not yet ({shown})", words)))
        return right

    def another(self):
        """Ask a new random question."""
        before = self.question
        while self.question == before:
            self.question = TOPICS[self.topic](self._random)
        self._tried = self._done = False
        self._box.value = ""
        self._feedback.value = ""
        self._show_question()

    def show(self):
        """Show the answer; the question then counts as asked."""
        if not self._tried:
            self.asked += 1
        self._tried = self._done = True
        self._say("grey", f"The answer is {self.question.answer:,}", self.question.because)

    def _check(self):
        if self._box.value.strip():
            self.answer(self._box.value)
        else:
            self._say("grey", "?", "Type your answer first; a calculation such as (5·5·3 + 1)·10 will do too.")

    def _show_question(self):
        self._text.value = (
            f'<div style="font-size:15px;line-height:1.45;max-width:46em">{html.escape(self.question.text)}</div>'
        )

    def _say(self, colour, head, words):
        colour = {"green": plots.GREEN, "red": plots.VERMILLION, "grey": plots.GREY}[colour]
        tally = f"{self.solved} of {self.asked} right at the first try" if self.asked else ""
        self._feedback.value = (
            f'<div role="status" style="border-left:5px solid {colour};padding:2px 12px;line-height:1.45;'
            f'max-width:46em;font-size:14px"><b>{head}.</b> {words}'
            f'<div style="opacity:.75;font-size:13px">{tally}</div></div>'
        )


def _picture(text):
    """What stands for a question where no kernel runs."""
    lines = textwrap.wrap(text, 78)
    fig = plt.figure(figsize=(7.2, 0.55 + 0.24 * len(lines)), dpi=110, facecolor="white")
    fig.text(0.02, 1 - 0.12 / fig.get_figheight(), "\n".join(lines), fontsize=11, va="top", color=plots.BLACK)
    note = "In the live notebook: type the answer, be told at once, ask for another one."
    fig.text(0.02, 0.08 / fig.get_figheight(), note, fontsize=9.5, color=plots.GREY, style="italic")
    return fig
