"""`python -m experiments.top_patches`: where the units of EfficientNet-Lite0 answer most, at six depths.

Units of the first layers see small patches; they look through eight photographs at full resolution. Units of the
later layers look through the 4000 embedded CIFAR-10 images, enlarged to 128×128. What is stored are places, not
pictures: the lecture cuts the patches out of images that everybody has.
"""

import json
from pathlib import Path

import numpy as np
import torch
from skimage import data
from sklearn.datasets import load_sample_image

from visionlab import datasets
from visionlab.nets import pretrained

RESULT = Path(__file__).resolve().parent.parent / "data" / "results" / "top_patches.json"
SIDE = 128
"""Height and width of enlarged CIFAR-10 images."""
DEPTHS = {"photographs": (2, 4, 7), "cifar10": (10, 13, 18)}
"""Layers of ``network.features``, by the images that their units look at."""
UNITS, PLACES = 5, 9
APART = 24
"""Places on one photograph are at least so many pixels apart, and at most `PER_PHOTO` of them are kept."""
PER_PHOTO = 3
OTHER_PHOTOGRAPHS = ("camera", "china", "flower", "coins")


def photographs():
    """The eight photographs by name: (H, W, 3), uint8."""
    photos = {name: datasets.photo(name) for name in datasets.PHOTOS}
    photos |= {name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}
    grey = {name: getattr(data, name)() for name in ("camera", "coins")}
    return photos | {name: np.repeat(photo[..., None], 3, axis=2) for name, photo in grey.items()}


def small_images():
    """The embedded CIFAR-10: training images, then test images; (4000, 32, 32, 3), uint8."""
    return np.concatenate([datasets.load("cifar10", split).images for split in datasets.SPLITS])


@torch.inference_mode()
def maps(lite, images, depths):
    """The maps of one batch of prepared images after each of some layers, by layer."""
    kept, z = {}, images
    for i, layer in enumerate(lite.network.features[: max(depths) + 1]):
        z = layer(z)
        if i in depths:
            kept[i] = z
    return kept


def places(strongest, apart):
    """Choose places from candidates (value, image, row, column), best first: apart, and few on one photograph."""
    chosen = []
    for value, image, row, column in sorted(strongest, reverse=True):
        same = [place for place in chosen if place[0] == image]
        near = any(abs(row - r) < apart and abs(column - c) < apart for _, r, c, _ in same)
        if not near and len(same) < PER_PHOTO:
            chosen.append((image, row, column, round(value, 2)))
        if len(chosen) == PLACES:
            return chosen
    return chosen


def selective(best, mean, deviation):
    """Order units by how far the mean of their best places lies above their usual answer, in standard deviations."""
    return ((best.mean(1) - mean) / deviation.clamp(min=1e-6)).argsort(descending=True).tolist()


def in_photographs(lite, depths):
    """Places in the photographs: dict of depth to dict of unit to list of [name, row, column, value]."""
    names, found = list(photographs()), {depth: {} for depth in depths}
    all_maps = [maps(lite, lite.normalise(_tensor(photo)), depths) for photo in photographs().values()]
    for depth in depths:
        flat = torch.cat([kept[depth][0].flatten(1) for kept in all_maps], dim=1)
        best = flat.topk(PLACES, dim=1).values
        for unit in selective(best, flat.mean(1), flat.std(1)):
            strongest = []
            for name, photo, kept in zip(names, photographs().values(), all_maps, strict=True):
                unit_map = kept[depth][0, unit]
                jump = photo.shape[1] / unit_map.shape[1]
                values, at = unit_map.flatten().topk(min(400, unit_map.numel()))
                for value, index in zip(values.tolist(), at.tolist(), strict=True):
                    row, column = divmod(index, unit_map.shape[1])
                    middle = [int((place + 0.5) * jump) for place in (row, column)]
                    middle = [min(place, side - 1) for place, side in zip(middle, photo.shape[:2], strict=True)]
                    strongest.append((value, name, *middle))
            chosen = places(strongest, APART)
            if len(chosen) == PLACES and len({name for name, *_ in chosen}) > 3:
                found[depth][unit] = chosen
            if len(found[depth]) == UNITS:
                break
    return found


def in_small_images(lite, depths):
    """Images of CIFAR-10: dict of depth to dict of unit to list of [image, row, column, value], places at 128×128."""
    images = small_images()
    tops = {depth: [] for depth in depths}
    for start in range(0, len(images), 50):
        for depth, kept in maps(lite, lite.prepare(list(images[start : start + 50]), size=SIDE), depths).items():
            tops[depth].append(_inside(kept).flatten(2).max(2))
    found = {depth: {} for depth in depths}
    for depth in depths:
        values = torch.cat([top.values for top in tops[depth]])
        at = torch.cat([top.indices for top in tops[depth]])
        side = round(SIDE / 2 ** (4 if depth < 14 else 5))
        best, which = values.topk(PLACES, dim=0)
        for unit in selective(best.T, values.mean(0), values.std(0))[:UNITS]:
            chosen = []
            for value, image in zip(best[:, unit].tolist(), which[:, unit].tolist(), strict=True):
                row, column = divmod(at[image, unit].item(), side)
                middle = [round((place + 0.5) * SIDE / side) for place in (row, column)]
                chosen.append((image, *middle, round(value, 2)))
            found[depth][unit] = chosen
    return found


def _inside(kept):
    """Maps (N, C, H, W) without their borders, where units answer to zero padding rather than to the image."""
    edge = torch.full_like(kept, -torch.inf)
    far = 2 if kept.shape[-1] > 4 else 0
    inner = slice(far, kept.shape[-1] - far)
    edge[:, :, inner, inner] = kept[:, :, inner, inner]
    return edge


def _tensor(photo):
    return torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float() / 255


def main():
    """Look through all images and store the places."""
    torch.set_num_threads(1)
    lite = pretrained("efficientnet_lite0")
    found = in_photographs(lite, DEPTHS["photographs"]) | in_small_images(lite, DEPTHS["cifar10"])
    for depth, units in found.items():
        print(depth, {unit: places[0] for unit, places in units.items()}, flush=True)
    RESULT.write_text(json.dumps({"side": SIDE, "depths": found}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
