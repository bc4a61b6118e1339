"""The class maximiser without a browser: it climbs, obeys, regularises as it says, and leaves no thread behind."""

import base64
import io
import threading

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

from visionlab import datasets
from visionlab.nets.imagenet import Pretrained
from visionlab.widgets.class_maximiser import NONE, USUAL, ClassMaximiser, _blurred, _inverse_frequency

HALF = (0.5, 0.5, 0.5)


class Templates(torch.nn.Module):
    """A linear classifier of 32×32 images: class 0 likes red, class 1 likes a fine chequered pattern."""

    def forward(self, x):
        rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
        chequered = ((rows + columns) % 2 * 2.0 - 1).expand(3, -1, -1)
        red = torch.tensor([1.0, -1, -1]).view(3, 1, 1).expand(-1, 32, 32)
        weights = torch.stack([red, chequered]).flatten(1) / 100
        return x.flatten(1) @ weights.T


@pytest.fixture
def linear():
    return Pretrained(Templates(), ("red", "chequered"), "", "", "", HALF, HALF)


def make(linear, **settings):
    return ClassMaximiser(linear, **{"target": "red", "side": 32, "steps": 20, **NONE, **settings})


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "visionlab job"]


def test_it_climbs_along_the_template(linear):
    dream = make(linear, rate=0.01)
    first = dream.image
    dream.run(steps=1)
    step = dream.image - first
    np.testing.assert_allclose(step, np.broadcast_to([0.01, -0.01, -0.01], step.shape), atol=1e-6)
    dream.run()
    assert dream.status == "done" and len(dream.history) == 20
    scores = [row[1] for row in dream.history]
    assert scores == sorted(scores) and dream.history[-1][2] > 0.9


def test_smooth_steps_hold_fine_patterns_back(linear):
    gained = {}
    for smoothness in (0, 1):
        dream = make(linear, target="chequered", smoothness=smoothness)
        dream.run(steps=5)
        gained[smoothness] = dream.history[-1][1] - dream.history[0][1]
    assert gained[0] == pytest.approx(gained[1], rel=0.2), "one pattern alone: only its length matters"
    spectrum = _inverse_frequency(32)
    assert spectrum.shape == (32, 17) and spectrum[0, 0] == spectrum[0, 1] == 32
    assert spectrum[16, 16] == pytest.approx(2**0.5), "the chequered pattern is the fastest wave"


def test_l2_pulls_to_grey_and_blur_blurs(linear):
    dream = make(linear, start="photograph", photo=datasets.photo("chelsea"), l2=0.2, rate=1e-6)
    before = dream.image
    dream.run(steps=1)
    np.testing.assert_allclose(dream.image - 0.5, 0.8 * (before - 0.5), atol=1e-5)
    image = torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(0))
    smooth = _blurred(image, 1.5)
    assert smooth.shape == image.shape and smooth.std() < 0.4 * image.std()
    assert float(smooth.mean()) == pytest.approx(float(image.mean()), abs=0.02)


def test_jitter_moves_the_image_and_the_gradient_back(linear):
    dream = make(linear, jitter=7)
    first = dream.image
    dream.run(steps=1)
    assert np.ptp(dream.image - first, axis=(0, 1)).max() < 1e-6, "red everywhere: moving changes nothing"
    dream.target = "chequered"
    assert dream.history == [], "another class begins anew"
    dream.run(steps=20)
    assert dream.history[-1][1] < 5, "moved by one pixel, the pattern is its opposite: the climb gets nowhere"


def test_the_probability_has_a_gradient_that_dies(linear):
    dream = make(linear, objective="probability", rate=0.05)
    dream.run()
    assert dream.history[-1][3] < dream.history[0][3] / 100
    other = make(linear, rate=0.05)
    other.run()
    assert other.history[-1][3] == pytest.approx(other.history[0][3])


def test_it_obeys_the_page(linear):
    dream = make(linear, steps=100_000)
    order = lambda word: dream._handle_custom_msg({"do": word}, [])  # noqa: E731
    order("start")
    assert dream.status == "running" and len(threads()) == 1
    order("pause")
    dream._job.wait()
    at = len(dream.history)
    assert dream.status == "paused"
    order("step")
    dream._job.wait()
    assert len(dream.history) == at + 1
    dream.l2 = 0.1  # while it is held
    order("start")
    dream.stop()
    assert dream.status == "stopped" and not threads()
    order("start")
    assert dream.status == "running", "after a stop it goes on"
    order("over")
    assert dream.status == "ready" and dream.history == [] and not threads()
    order("nonsense")
    order("start")
    dream.close()
    assert not threads()


def test_the_same_seed_gives_the_same_with_pauses_and_without(linear):
    one, two, other = (make(linear, **USUAL, seed=seed) for seed in (0, 0, 1))
    one.run()
    two.run(steps=7)
    two.go()
    two._job.wait()
    other.run()
    assert np.array_equal(one.image, two.image) and not np.array_equal(one.image, other.image)


def test_what_is_not_allowed_is_told(linear):
    with pytest.raises(traitlets.TraitError, match="no class of that name"):
        make(linear, target="blue")
    with pytest.raises(ValueError, match="photo="):
        make(linear, start="photograph")
    with pytest.raises(traitlets.TraitError, match="from 0 to 32"):
        make(linear, jitter=40)
    dream = make(linear)
    dream._step = lambda: 1 / 0
    dream.go()
    dream._job.wait()
    assert dream.status == "failed" and "ZeroDivisionError" in dream.message


def test_a_picture_stands_in(linear):
    dream = make(linear)
    assert "not started" in dream._repr_mimebundle_()[1]["image/png"]["alt"]
    dream.run(steps=5)
    data, metadata = dream._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert "after 5 steps" in metadata["image/png"]["alt"]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(dream._picture))))
    np.testing.assert_allclose(shown / 255, dream.image, atol=0.003)
    assert np.frombuffer(dream._table, np.float32).reshape(-1, 3)[:, 0].tolist() == [1, 2, 3, 4, 5]
