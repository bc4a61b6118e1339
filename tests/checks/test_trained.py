"""Weights beside a notebook: judged in the student's network, and every bad file told for what it is."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn

from visionlab.checks import trained
from visionlab.checks.cases import Recorder, run_case
from visionlab.checks.files import files_in

LABELS = np.arange(400) % 4
IMAGES = np.full((400, 1, 2, 2), 10, np.uint8)
IMAGES[np.arange(400), 0, LABELS // 2, LABELS % 2] = 200  # the brightest pixel tells the class


class Reader(nn.Module):
    """Knows the class by the brightest pixel, once its weights are those of `knowing`."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return self.linear(x.flatten(1))


def knowing():
    network = Reader()
    network.load_state_dict({"linear.weight": torch.eye(4), "linear.bias": torch.zeros(4)})
    return network


@pytest.fixture
def folder(tmp_path):
    save_model(knowing(), tmp_path / trained.WEIGHTS)
    with files_in(tmp_path):
        yield tmp_path


def seen(network_class, least=0.9):
    def case(student, rng):
        return trained.observed(student, "photographs", IMAGES, LABELS, least, classes=4)

    return run_case(case, Recorder(network_class), 0)


def changed(forward):
    return type("Changed", (Reader,), {"forward": forward})


def test_weights_are_judged_and_their_share_is_told(folder):
    good = seen(Reader)
    assert not good.error and good.shares == {"right answers among the photographs": 1.0}
    assert good.observations == seen(Reader, least=0.3).observations | {"right answers": "90% or more"}
    wrong_quarter = changed(lambda self, x: self.linear(x.flatten(1)) * torch.tensor([1.0, 1.0, 1.0, 0.0]))
    poor = seen(wrong_quarter)
    assert poor.shares == {"right answers among the photographs": 0.75}
    assert poor.observations["right answers"] == "75.0%, and 90% are asked for"
    assert {**poor.observations, "right answers": ""} == {**good.observations, "right answers": ""}


@pytest.mark.parametrize(
    ("forward", "name", "said"),
    [
        (lambda self, x: self.linear(x.flatten(1)).flip(1), "classes it answers with", "in another order"),
        (lambda self, x: self.linear(0 * x.flatten(1)), "classes it answers with", "one class"),
        (lambda self, x: self.linear((x.flatten(1) / 255 - 0.2).relu()), "brightness the network expects", "0 … 255"),
        (lambda self, x: torch.rand(len(x), 4), "a second look at the same images", "other answers"),
    ],
    ids=["order", "one answer", "brightness", "chance"],
)
def test_what_a_network_does_instead_is_told(folder, forward, name, said):
    torch.manual_seed(0)
    assert said in seen(changed(forward)).observations[name]


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (lambda self, x: self.linear(x.flatten(1)).argmax(1), r"puts out shape \(50,\)"),
        (lambda self, x: self.linear(x.flatten(1))[:, :3], r"puts out shape \(50, 3\)"),
        (lambda self, x: [1, 2], "puts out list"),
        (lambda self, x: self.linear(x.flatten(1)) / 0, "infinite ones or nan"),
    ],
)
def test_what_is_no_scores_is_refused(folder, forward, said):
    with pytest.raises(trained.ScoresUnusable, match=said):
        trained.answers(changed(forward), torch.from_numpy(IMAGES), classes=4)


def missing(path):
    path.unlink()


def too_large(path):
    with path.open("r+b") as file:
        file.truncate(2_000_000_000)  # of zeros that take no room


def pickled(path):
    torch.save(knowing().state_dict(), path)


def old_pickle(path):
    torch.save(knowing().state_dict(), path, _use_new_zipfile_serialization=False)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-10])


def wider(path):
    save_file({"linear.weight": torch.zeros(8, 4), "linear.bias": torch.zeros(8)}, path)


def other_names(path):
    save_file({"head.weight": torch.eye(4), "head.bias": torch.zeros(4)}, path)


@pytest.mark.parametrize(
    ("spoil", "kind", "said"),
    [
        (missing, "WeightsMissing", "no model.safetensors beside the notebook"),
        (too_large, "WeightsTooLarge", "2,000 MB, and at most 50 MB"),
        (pickled, "NotSafetensors", "was not opened"),
        (old_pickle, "NotSafetensors", "was not opened"),
        (cut_off, "NotSafetensors", "not a whole safetensors file"),
        (wider, "WeightsOfAnotherNetwork", "linear.weight is (4, 4) in the network and (8, 4) in the file"),
        (other_names, "WeightsOfAnotherNetwork", "linear.weight is (4, 4) in the network and missing in the file"),
    ],
)
def test_bad_files_are_told_for_what_they_are(folder, spoil, kind, said):
    spoil(folder / trained.WEIGHTS)
    error = seen(Reader).error
    assert error.kind == kind and said in error.message


def test_new_weights_are_judged_anew(folder):
    assert seen(Reader).shares["right answers among the photographs"] == 1.0
    save_file({"linear.weight": -torch.eye(4), "linear.bias": torch.zeros(4)}, folder / trained.WEIGHTS)
    assert seen(Reader).shares["right answers among the photographs"] == 0.0


def test_answers_that_are_none_count_for_nothing(folder, monkeypatch):
    """The answers come from the student's process, where anything may have been replaced."""
    for forged in (np.array(True), LABELS.astype(float), LABELS[:, None]):
        monkeypatch.setattr(trained, "answers", lambda *_, forged=forged: forged)
        assert seen(Reader).unusable and not seen(Reader).shares
