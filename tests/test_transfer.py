"""The stored experiments of the lecture on transfer learning: what they show, how they train, and had again."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from experiments import transfer
from experiments.transfer import STAGES, TOP, Enlarging, Part
from visionlab import datasets


@pytest.fixture(scope="module")
def stored():
    return json.loads(transfer.RESULT.read_text("utf-8"))


@pytest.fixture(autouse=True)
def one_core():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def photos(monkeypatch):
    """CIFAR-10 as where only the embedded images are."""

    def missing(name, split):
        raise datasets.DataUnavailable("not here")

    monkeypatch.setattr(datasets, "load_full", missing)
    return transfer.load("cifar10")


def mean(numbers):
    return {way: np.array([np.mean(draws) for draws in parts]) for way, parts in numbers.items()}


# What the results show


def test_the_result_is_whole(stored):
    assert set(transfer.PARTS) <= set(stored) and transfer.RESULT.stat().st_size < 60_000
    curve = stored["curve"]
    assert curve["training_images"] == [n for n, _ in transfer.CURVE] and curve["test_images"] == 3000
    for method in curve["methods"].values():
        for kind in ("test", "embedded"):
            assert [len(draws) for draws in method[kind]] == [draws for _, draws in transfer.CURVE]
    assert [row["name"] for row in stored["table"]] == list(transfer.TABLE)
    assert [(cell["task"], cell["training_images"]) for cell in stored["quadrants"]] == [
        ("cifar10", 100), ("cifar10", 5000), ("mnist", 100), ("mnist", 5000)
    ]  # fmt: skip


def test_transfer_is_worth_most_with_little_data(stored):
    sizes = stored["curve"]["training_images"]
    curve = mean({way: method["test"] for way, method in stored["curve"]["methods"].items()})
    gap = curve["frozen"] - curve["from scratch"]
    assert gap[sizes.index(100)] > 0.2 > 0.1 > gap[-1]
    assert (curve["frozen"][sizes.index(100) :] > curve["HOG"][sizes.index(100) :] + 0.2).all()
    assert (curve["fine-tuned"][sizes.index(1000) :] > curve["frozen"][sizes.index(1000) :] + 0.03).all()
    for accuracy in curve.values():
        assert (np.diff(accuracy) > -0.01).all(), "more images, more right"


def test_a_high_rate_destroys(stored):
    rates = stored["rates"]
    by_rate = dict(zip(rates["rate"]["values"], rates["rate"]["accuracy"], strict=True))
    assert by_rate[3e-4] > rates["frozen"] + 0.05 and by_rate[3e-3] < 0.15
    kept, of_batches = rates["fixed_statistics"]["accuracy"]
    assert kept > of_batches + 0.05
    layered = rates["factor at a higher rate"]
    assert (
        layered["values"][int(np.argmax(layered["accuracy"]))] == transfer.FACTOR and layered["rate"] == transfer.RATE
    )


def test_far_from_imagenet_the_middle_is_better(stored):
    cells = {(cell["task"], cell["training_images"]): cell for cell in stored["quadrants"]}
    for n in (100, 5000):
        near, far = (
            {way: np.mean(a) for way, a in cells[name, n]["accuracy"].items()} for name in ("cifar10", "mnist")
        )
        assert far["linear at the best depth"] > far["linear on top"] + 0.05
        assert min(cells["cifar10", n]["best_depth"]) >= 6 > 3 <= min(cells["mnist", n]["best_depth"])
        assert max(cells["mnist", n]["best_depth"]) <= 6
        assert near["linear on top"] > max(near["HOG"], near["pixels"]) + 0.2


# How it is measured


def test_the_embedded_images_come_first_and_parts_do_not_overlap(photos):
    assert [len(part) for part in photos[:3]] == [2500, 500, 1000] and photos.flip
    first = datasets.load("cifar10", subset=100)
    assert (photos.train.images[:100].permute(0, 2, 3, 1).numpy() == first.images).all()
    assert np.bincount(photos.train.labels[:30]).tolist() == [3] * 10
    known = {image.numpy().tobytes() for image in photos.train.images}
    for part in (photos.validation, photos.test):
        assert not known & {image.numpy().tobytes() for image in part.images}


def test_of_the_full_set_only_images_that_are_not_embedded_are_added(monkeypatch):
    numbers = np.arange(10_000, dtype=np.uint16).view(np.uint8).reshape(-1, 1, 1, 2)  # an image that tells its position
    full = datasets.Dataset(numbers, np.arange(10_000) % 10, ())
    monkeypatch.setattr(datasets, "load_full", lambda name, split: full)
    rest = transfer._without_embedded("cifar10", "test")
    positions = rest.images.permute(0, 2, 3, 1).contiguous().numpy().view(np.uint16).ravel()
    embedded = json.loads((datasets.DATA / "cifar10" / "test.json").read_text("utf-8"))["positions"]
    assert sorted([*positions.tolist(), *embedded]) == list(range(10_000))


def test_features_are_computed_once(photos, monkeypatch):
    part = photos.train.take(slice(4))
    top = part.features("frozen")
    assert top.shape == (4, 1280)
    sizes = [part.features(depth).shape[1] for depth in range(len(STAGES))]
    assert all(1200 <= size <= 1800 for size in sizes)
    np.testing.assert_allclose(part.features(TOP), top, atol=1e-5)
    monkeypatch.setattr(transfer, "_frozen", None)
    np.testing.assert_array_equal(part.take([2, 0]).features("frozen"), part.features("frozen")[[2, 0]])


def test_frozen_features_are_what_the_last_layer_reads(photos):
    part = photos.train.take(slice(3))
    images = transfer.enlarged(part.images.float() / 255)
    assert images.shape == (3, 3, 96, 96)
    with torch.inference_mode():
        expected = transfer.lite().network.embed(images)
    np.testing.assert_allclose(part.features("frozen"), expected.numpy(), atol=1e-5)


def test_splits_leave_no_image_on_both_sides():
    part = Part(torch.arange(50).reshape(50, 1, 1, 1), torch.arange(50) % 2)
    for train, test in transfer.splits(part):
        assert (len(train), len(test)) == (36, 14)
        assert sorted([*train.images.ravel().tolist(), *test.images.ravel().tolist()]) == list(range(50))
        assert np.bincount(test.labels).tolist() == [7, 7]


def test_statistics_stay_fixed_only_if_asked(photos):
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    kept = Enlarging(layers, True).train()
    assert not layers[1].training and layers[2].training and kept.training
    kept(photos.train.images[:2].float() / 255)
    assert layers[1].running_mean.abs().sum() == 0
    moved = Enlarging(layers, False).train()
    moved(photos.train.images[:2].float() / 255)
    assert layers[1].running_mean.abs().sum() > 0


def test_what_is_frozen_stays_and_rates_fall_with_depth(photos, monkeypatch):
    seen = []
    plain = transfer.fit
    monkeypatch.setattr(transfer, "fit", lambda *a, **k: seen.append(k["optimiser"].param_groups) or plain(*a, **k))
    train = photos.train.take(slice(10))
    tuned, history = transfer.fine_tuned(train, True, rate=1e-3, factor=0.5, first=6, epochs=1)
    before, after = transfer.lite().network, tuned.network
    assert len(history) == 1 and after.classifier.out_features == 10
    split = STAGES[5][0] + 1
    for part, same in ((slice(split), True), (slice(split, None), False)):
        pairs = zip(before.features[part].parameters(), after.features[part].parameters(), strict=True)
        assert all(torch.equal(a, b) == same for a, b in pairs)
    rates = [group["initial_lr"] for group in seen[0]]
    assert rates == pytest.approx([1e-3, 1.25e-4, 2.5e-4, 5e-4])  # the last layer, then depths 6, 7, 8
    assert sum(len(group["params"]) for group in seen[0]) == sum(p.requires_grad for p in after.parameters())


# Pieces of the result, had again


@pytest.mark.parametrize("way", ["pixels", "HOG", "frozen"])
def test_a_hundred_images_give_the_same_again(stored, photos, way):
    at = stored["curve"]["training_images"].index(100)
    expected = stored["curve"]["methods"][way]["embedded"][at][0]
    again = transfer.right(way, photos.train.take(slice(100)), photos.test, photos.flip).mean()
    assert again == pytest.approx(expected, abs=0.02)


def test_fine_tuning_with_ten_images_gives_the_same_again(stored, photos):
    expected = stored["curve"]["methods"]["fine-tuned"]["embedded"][0][0]
    again = transfer.right("fine-tuned", photos.train.take(slice(10)), photos.test, photos.flip).mean()
    assert again == pytest.approx(expected, abs=0.06)
    assert again > 0.3
