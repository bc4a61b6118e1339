"""The quiz: every random question has the answer that torch gives, and mistakes are told apart."""

import random
import re

import pytest
import torch
from matplotlib import pyplot as plt

from visionlab.widgets import quiz

ROUNDS = 60


def numbers_in(text):
    return [int(n) for n in re.findall(r"\d+", text)]


def torch_answer(topic, text):
    """Work a question's answer out from its words alone, with torch's layers."""
    found = numbers_in(text)
    if topic == "output size":
        size, _, kernel, _, stride, padding = found
        layer = torch.nn.MaxPool2d if "pooling" in text else lambda k, **more: torch.nn.Conv2d(1, 1, k, **more)
        return layer(kernel, stride=stride, padding=padding)(torch.zeros(1, 1, size, size)).shape[-1]
    if topic == "padding":
        kernel, dilation = found[0], found[3] if "dilation" in text else 1
        side = dilation * kernel + 1
        return next(
            padding
            for padding in range(side)
            if torch.nn.Conv1d(1, 1, kernel, padding=padding, dilation=dilation)(torch.zeros(1, 1, side)).shape[-1]
            == side
        )
    if topic == "parameters":
        filters, kernel, _, channels = found
        return sum(p.numel() for p in torch.nn.Conv2d(channels, filters, kernel).parameters())
    if topic == "connections":
        filters, kernel, _, channels, side, _, _, _, _ = found
        layer = torch.nn.Conv2d(channels, filters, kernel, padding="same")
        return layer(torch.zeros(1, channels, side, side)).numel() * layer.weight[0].numel()
    layers = [
        ("pooling" in words, int(kernel), int(stride))
        for kernel, words, stride in re.findall(r"(\d+)×\d+ (convolution|max pooling) \(stride (\d+)\)", text)
    ]
    size = 180
    lines = torch.eye(size)[:, None]  # one line for each pixel, with that pixel poked
    for _, kernel, stride in layers:
        lines = torch.nn.functional.conv1d(lines, torch.ones(1, 1, kernel), stride=stride)
    seen = lines[:, 0, lines.shape[-1] // 2].nonzero().ravel()
    return int(seen.max() - seen.min()) + 1


@pytest.mark.parametrize("topic", quiz.TOPICS)
def test_answers_are_torch_s_and_no_mistake_is_the_answer(topic):
    rng = random.Random(topic)
    for question in [quiz.TOPICS[topic](None), *(quiz.TOPICS[topic](rng) for _ in range(ROUNDS))]:
        assert question.answer == torch_answer(topic, question.text), question.text
        assert question.judge(question.answer) == (True, question.because)
        for wrong, words in question.mistakes.items():
            if wrong != question.answer:
                assert question.judge(wrong) == (False, words)


@pytest.mark.parametrize("topic", quiz.TOPICS)
def test_the_explanation_ends_in_the_answer(topic):
    rng = random.Random(topic)
    for _ in range(ROUNDS):
        question = quiz.TOPICS[topic](rng)
        assert question.answer in numbers_in(question.because.replace(",", "")), question


@pytest.mark.parametrize(
    ("text", "value"),
    [("4", 4), (" 117,600 ", 117600), ("117 600", 117600), ("(5·5·3+1)×10", 760), ("-3 // 2", -2), ("9/2", 4.5)],
)
def test_numbers_and_calculations_are_read(text, value):
    assert quiz.number(text) == value


@pytest.mark.parametrize("text", ["", "four", "1e999", "2**99", "().__class__", "x", "3 4", "1/0", "True", "(" * 500])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="not a number"):
        quiz.number(text)


def test_a_round_of_practice():
    practice = quiz.Practice("parameters", seed=1)
    box, (check, show, another) = practice.children[1].children[0], practice.children[1].children[1:]
    feedback = practice.children[2]
    check.click()
    assert "Type your answer first" in feedback.value
    box.value = "lots <b>"
    assert "lots &lt;b&gt;" in feedback.value
    assert practice.asked == 0
    box.value = "750"
    assert "bias" in feedback.value
    assert "Not yet" in feedback.value
    box.value = "(5*5*3+1)*10"
    assert "Right" in feedback.value
    assert (practice.asked, practice.solved) == (1, 0)
    before = practice.question
    another.click()
    assert practice.question != before
    assert (box.value, feedback.value) == ("", "")
    assert practice.answer(str(practice.question.answer)) is True
    assert practice.answer("1") is False, "later answers are judged"
    assert (practice.asked, practice.solved) == (2, 1), "and don't count"
    another.click()
    show.click()
    assert f"{practice.question.answer:,}" in feedback.value
    assert (practice.asked, practice.solved) == (3, 1)


def test_the_same_seed_asks_the_same():
    first, second = (quiz.Practice("connections", seed=5) for _ in range(2))
    for _ in range(5):
        first.another()
        second.another()
        assert first.question == second.question


def test_an_unknown_topic_lists_the_others():
    with pytest.raises(ValueError, match="'output size', 'padding'"):
        quiz.Practice("shape")


@pytest.mark.parametrize("topic", quiz.TOPICS)
def test_a_picture_stays_where_no_kernel_runs(topic):
    data, metadata = quiz.Practice(topic)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["image/png"].startswith("iVBOR")
    assert quiz.TOPICS[topic](None).text in metadata["image/png"]["alt"] == data["text/plain"]
    assert not plt.get_fignums()


def test_a_picture_needs_words():
    with pytest.raises(ValueError, match="alt is empty"):
        quiz.Illustrated([], plt.figure(), " ")
    plt.close("all")
