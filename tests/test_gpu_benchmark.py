"""The recipe of `make gpu-bench`, on a processor and at tiny size."""

import dataclasses

import pytest
import torch

from benchmarks import gpu
from visionlab import datasets

CPU = torch.device("cpu")
SMALL = gpu.Recipe(epochs=6, batch_size=50, width=8)


@pytest.fixture(scope="module")
def photographs():
    return gpu.prepared("train", 600, CPU)


def test_images_are_normalised(photographs):
    images, labels = photographs
    assert images.shape == (600, 3, 32, 32) and labels.bincount().tolist() == [60] * 10
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=0.15, rtol=0)
    torch.testing.assert_close(images.std((0, 2, 3)), torch.ones(3), atol=0.15, rtol=0)


def test_each_image_is_moved_flipped_and_blanked_by_itself():
    torch.manual_seed(0)
    ramp = torch.arange(1.0, 33).expand(64, 3, 32, 32) + 100 * torch.arange(1.0, 33)[:, None]
    out = gpu.augmented(ramp, cutout=8)
    assert out.shape == ramp.shape
    blank = out == 0
    assert (blank.sum((1, 2, 3)) == 3 * 64).all()
    assert len({tuple(image.flatten().tolist()) for image in out}) == 64
    first = out[:, 0, 16][~blank[:, 0, 16]]
    assert first.min() > 100 * (17 - gpu.MARGIN) and first.max() < 100 * (17 + gpu.MARGIN) + 33
    whole = gpu.augmented(ramp, cutout=0)
    rising = [(image[0, 16, 8:24].diff() > 0).all().item() for image in whole]
    falling = [(image[0, 16, 8:24].diff() < 0).all().item() for image in whole]
    assert sum(rising) + sum(falling) == 64 and 15 < sum(falling) < 49


def test_it_learns_and_its_averaged_weights_are_judged(photographs):
    torch.manual_seed(0)
    network, warm_up, seconds = gpu.train(SMALL, photographs, CPU, compiled=False)
    assert warm_up > 0 and seconds > 0
    assert gpu.accuracy(network, photographs) > 0.25  # chance is 0.1


def test_weights_are_averaged():
    torch.manual_seed(0)
    networks = [gpu.ResNet9(width=2) for _ in range(3)]
    mean = gpu.ResNet9(width=2)
    for count, network in enumerate(networks, 1):
        gpu._add(mean, network, count)
    expected = torch.stack([network.linear.weight for network in networks]).mean(0)
    torch.testing.assert_close(mean.linear.weight, expected)


def test_the_rate_is_a_triangle():
    assert [round(gpu.factor(t, 0.2), 3) for t in (0, 0.1, 0.2, 0.6, 1)] == [0, 0.5, 1, 0.5, 0]


def test_without_a_gpu_nothing_is_reported(monkeypatch):
    monkeypatch.setattr(gpu, "device", lambda: CPU)
    with pytest.raises(SystemExit, match="no NVIDIA or AMD GPU"):
        gpu.main([])


def test_part_of_the_data_is_not_taken_for_all(monkeypatch):
    monkeypatch.setattr(gpu, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(gpu, "prepared", lambda *_: (None, datasets.load("cifar10", "test").labels))
    with pytest.raises(SystemExit, match="nothing was measured"):
        gpu.main([])


def test_the_full_network_is_pages():
    assert sum(p.numel() for p in gpu.ResNet9().parameters()) == 6_573_120
    assert dataclasses.asdict(gpu.Recipe())["epochs"] <= 24
