"""Pack what students get into one zip: no solution, no hidden case, no bug catalogue, no grader."""

import posixpath
import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("lectures/", "assignments/", "data/", "visionlab/")
FILES = (
    "Makefile",
    "README.md",
    "LICENSE",
    "LICENSE-text",
    "environment.yml",
    "pyproject.toml",
    "tools/hosted.py",
    "tools/lab.sh",
    "docs/course_map.md",
    "docs/students.md",
    "docs/troubleshooting.md",
)
NAME = "visionlab-course"


def files():
    """Paths to pack, relative to the repository: what is committed or about to be, nothing that merely lies around."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    known = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    packed = {name for name in known if (ROOT / name).is_file() and (name in FILES or name.startswith(FOLDERS))}
    pictures = {name for name in known if name.startswith("docs/pictures/")}
    shown = {target for page in packed if page.endswith(".md") for _, target in links(page, students_text(page))}
    return sorted(packed | pictures & shown)


def students_text(name):
    """A text file as students get it."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if name == "pyproject.toml":
        return students_pyproject(text)
    return students_readme(text) if name == "README.md" else text


def students_pyproject(text):
    """Keep of pyproject.toml what students need: not the grader, not the contributors' tools."""
    sections = re.split(r"^(?=\[)", text, flags=re.M)
    kept = [s for s in sections if not re.match(r"\[(project\.scripts|project\.optional|tool\.ruff|tool\.pytest)", s)]
    return re.sub(r"^autograder = .*\n", "", "".join(kept), flags=re.M).replace(', "autograder*"', "")


def students_readme(text):
    """Keep of the README what students need: neither the sections for others nor the commands that they don't have."""
    sections = re.split(r"^(?=## )", text, flags=re.M)
    kept = [s for s in sections if not re.match(r"## (For instructors|For contributors|Read it as a site)", s)]
    return re.sub(r"^make (?!lab|help).*\n", "", "".join(kept), flags=re.M).replace(", make and git.", " and make.")


def links(page, text):
    """Each relative link of a Markdown page: its place in the text, and the path in the repository it leads to."""
    for link in re.finditer(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)[^)]*\)", text):
        yield link, posixpath.normpath(posixpath.join(posixpath.dirname(page), link[3]))


def without_dead_links(page, text, packed):
    """Turn links to what is not packed into their words."""
    for link, target in reversed(list(links(page, text))):
        if not any(name == target or name.startswith(f"{target}/") for name in packed):
            text = text[: link.start()] + link[2] + text[link.end() :]
    return text


def make_bundle(path):
    """Write the zip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = files()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in packed:
            # A fixed date: the same course gives the same zip.
            entry = zipfile.ZipInfo(f"{NAME}/{name}", date_time=(2026, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            content = (ROOT / name).read_bytes()
            if name == "pyproject.toml":
                content = students_text(name).encode()
            elif name.endswith(".md") and not name.startswith(FOLDERS):
                content = without_dead_links(name, students_text(name), packed).encode()
            bundle.writestr(entry, content, compress_type=zipfile.ZIP_DEFLATED)
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / f"{NAME}.zip"
    print(f"Packed {make_bundle(target)} ({target.stat().st_size / 1e6:.1f} MB)")
