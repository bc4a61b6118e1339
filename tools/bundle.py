"""Pack what students get into one zip: no solution, no hidden case, no bug catalogue, no grader."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("lectures/", "assignments/", "data/", "visionlab/", "tools/lab.sh", "tools/hosted.py")
FILES = ("Makefile", "README.md", "LICENSE", "LICENSE-text", "environment.yml", "pyproject.toml")
NAME = "visionlab-course"


def files():
    """Paths to pack, relative to the repository: what is committed or about to be, nothing that merely lies around."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    known = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(name for name in set(known) if name in FILES or name.startswith(FOLDERS))


def students_pyproject(text):
    """Keep of pyproject.toml what students need: not the grader, not the contributors' tools."""
    sections = re.split(r"^(?=\[)", text, flags=re.M)
    kept = [s for s in sections if not re.match(r"\[(project\.scripts|project\.optional|tool\.ruff|tool\.pytest)", s)]
    return "".join(kept).replace(', "autograder*"', "").replace('autograder = ["templates/*.html"]\n', "")


def make_bundle(path):
    """Write the zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in files():
            # A fixed date: the same course gives the same zip.
            entry = zipfile.ZipInfo(f"{NAME}/{name}", date_time=(2026, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            content = (ROOT / name).read_bytes()
            if name == "pyproject.toml":
                content = students_pyproject(content.decode()).encode()
            bundle.writestr(entry, content, compress_type=zipfile.ZIP_DEFLATED)
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / f"{NAME}.zip"
    print(f"Packed {make_bundle(target)} ({target.stat().st_size / 1e6:.1f} MB)")
