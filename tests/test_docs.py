"""The docs speak of commands, files and modules that are there; `make help` lists every command."""

import importlib.util
import posixpath
import re
import subprocess
from pathlib import Path

import pytest
import typer

from autograder.cli import app
from tools.bundle import links, without_dead_links

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
MAKE = (ROOT / "Makefile").read_text("utf-8") + (ROOT / "tools/course.mk").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):(?! export)", MAKE, re.M))
each_page = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


def code_of(page):
    """What a page shows as code, within lines and in blocks."""
    text = page.read_text("utf-8")
    return "\n".join([*re.findall(r"```.*?\n(.*?)```", text, re.S), *re.findall(r"`([^`\n]+)`", text)])


def test_help_lists_every_command():
    helped = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"^  ([a-z-]+) +\S", helped, re.M)) == TARGETS
    assert {name for line in re.findall(r"^\.PHONY: (.*)", MAKE, re.M) for name in line.split()} == TARGETS
    assert {"lab", "test", "bundle"} <= TARGETS
    assert max(map(len, helped.splitlines())) <= 120


def test_make_alone_opens_the_lab():
    """The first target is what it was before there was a list of them."""
    dry, lab = (
        subprocess.run(["make", "-n", *goal], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for goal in ([], ["lab"])
    )
    assert dry == lab and "tools/lab.sh" in dry


@each_page
def test_commands_are_there(page):
    code = code_of(page)
    assert set(re.findall(r"^make ([a-z][\w-]*)", code, re.M)) <= TARGETS
    commands = set(typer.main.get_command(app).commands)
    assert set(re.findall(r"^autograder ([a-z][\w-]*)", code, re.M)) <= commands
    for module in re.findall(r"python -m (?!pip)([a-z]\w*(?:\.\w+)*)", code):
        assert importlib.util.find_spec(module), module


@each_page
def test_links_lead_somewhere(page):
    for _, target in links(page.relative_to(ROOT).as_posix(), page.read_text("utf-8")):
        assert (ROOT / posixpath.normpath(target)).exists(), target


def test_links_to_what_students_do_not_get_become_words():
    text = "See [b](b.md#part), ![a picture](c.png), [d](../d/e.md), [f](../f) and [the web](https://example.org/x)."
    kept = "See [b](b.md#part), a picture, d, [f](../f) and [the web](https://example.org/x)."
    assert without_dead_links("docs/a.md", text, ["docs/a.md", "docs/b.md", "f/g.md"]) == kept
