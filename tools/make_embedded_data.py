"""Make the embedded subsets under data/ from the full sets, and write their checksums into data/registry.toml.

The choice is drawn from a fixed seed, the same number of each class, without exact copies between train and test. The
position of each chosen image in the original set is kept, so that later splits can stay clear of them.
"""

import hashlib
import json
import re

import numpy as np
from PIL import Image

from visionlab.datasets import DATA, SPLITS, array_digest, balanced_order, fetch, registry

PER_CLASS = {
    "mnist": {"train": 600, "test": 100},
    "fashion_mnist": {"train": 600, "test": 100},
    "cifar10": {"train": 300, "test": 100},
}
COLUMNS = 50
SHEET_IMAGES = {"mnist": 6000, "fashion_mnist": 3000, "cifar10": 750}
"""Images a sheet: no file grows past 3 MB."""
SEED = 20_260


def choose(images, labels, per_class, forbidden, rng):
    """Draw the same number of images of each class, none twice and none among ``forbidden``; return positions."""
    chosen = []
    for label in range(10):
        taken = 0
        for position in rng.permutation(np.flatnonzero(labels == label)):
            content = images[position].tobytes()
            if content in forbidden:
                continue
            forbidden.add(content)
            chosen.append(position)
            taken += 1
            if taken == per_class:
                break
    chosen = np.array(chosen)
    return chosen[balanced_order(labels[chosen])]


def make_sheet(images):
    """Lay images out in rows of `COLUMNS`; the inverse of `visionlab.datasets.cut_sheet`."""
    height, width = images.shape[1:3]
    blocks = images.reshape(-1, COLUMNS, height, width, *images.shape[3:]).swapaxes(1, 2)
    return blocks.reshape(-1, COLUMNS * width, *images.shape[3:])


def embed(name, arrays):
    """Write the sheets and labels of one set; return a dict of file name to SHA-256."""
    folder = DATA / name
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(SEED)
    seen, digests = set(), {}
    for split in ("test", "train"):
        images, labels = arrays[f"{split}-images"], arrays[f"{split}-labels"]
        chosen = choose(images, labels, PER_CLASS[name][split], seen, rng)
        for number, start in enumerate(range(0, len(chosen), SHEET_IMAGES[name])):
            sheet = make_sheet(images[chosen[start : start + SHEET_IMAGES[name]]])
            Image.fromarray(sheet).save(folder / f"{split}-{number}.png", optimize=True)
            digests[f"{split}-{number}.png"] = ""
        about = {"labels": "".join(map(str, labels[chosen])), "positions": chosen.tolist()}
        (folder / f"{split}.json").write_text(json.dumps(about, separators=(",", ":")) + "\n")
        digests[f"{split}.json"] = ""
    return {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in sorted(digests)}


def describe(name, digests):
    """The registry's table of a set's embedded files."""
    lines = [f"[datasets.{name}.embedded]"]
    for split in SPLITS:
        sheets = [f'"{file}"' for file in digests if re.fullmatch(rf"{split}-\d+\.png", file)]
        lines.append(f"{split} = {{ count = {10 * PER_CLASS[name][split]}, sheets = [{', '.join(sheets)}] }}")
    lines += ["", f"[datasets.{name}.embedded.sha256]", *(f'"{file}" = "{digest}"' for file, digest in digests.items())]
    return "\n".join(lines)


def main():
    """Make the subsets of all sets."""
    path = DATA / "registry.toml"
    for name in registry()["datasets"]:
        arrays = fetch(name)
        for key, array in arrays.items():
            print(f'{name}: "{key}" = "{array_digest(array)}"')
        made = describe(name, embed(name, arrays))
        marks = f"# <embedded {name}: written by tools/make_embedded_data.py>", f"# </embedded {name}>"
        text = path.read_text(encoding="utf-8")
        begin, end = text.index(marks[0]) + len(marks[0]), text.index(marks[1])
        path.write_text(f"{text[:begin]}\n{made}\n{text[end:]}", encoding="utf-8")
    size = sum(file.stat().st_size for file in DATA.rglob("*") if file.is_file())
    print(f"data/ has {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
