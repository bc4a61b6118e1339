"""The site to read: complete, without dead links, and independent of any network."""

import base64
import doctest
import importlib
import itertools
import json
import os
import re
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from markdown_it import MarkdownIt

from tools.website.course import COVERS, contents, tomllib
from tools.website.links import dead_links, is_external, is_plausible
from tools.website.markup import FormulaError, Formulas, Markup, anchor, text_of
from tools.website.pages import PageError, read

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted([*ROOT.glob("lectures/*.ipynb"), *ROOT.glob("assignments/*/*.ipynb")])
TEXTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "tools/website/vendor/README.md"]

pytestmark = pytest.mark.xdist_group("browser")  # one process builds the site, once, for the browser tests too


@pytest.fixture(scope="module")
def markup():
    return Markup(Formulas())


def test_every_notebook_has_a_page_and_can_be_downloaded(built_site):
    folder, pages = built_site
    assert sorted(ROOT / page.source for page in pages) == NOTEBOOKS
    first = (folder / "index.html").read_text("utf-8")
    for page in pages:
        text = (folder / page.path).read_text("utf-8")
        assert f">{page.sections[0].html}</h1>" in text
        assert f'href="{page.path}"' in first
        assert f'href="{page.source.name}" download' in text
        assert (folder / page.source).read_bytes() == (ROOT / page.source).read_bytes()


def test_no_dead_links(built_site):
    assert dead_links(built_site[0]) == []


def test_dead_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<h2 id="A-·-b">A</h2><a href="b.html"><a href="#A-%C2%B7-b"><i id="twice">')
    (tmp_path / "b.html").write_text('<a href="a.html#no"><img src="no.png"><a href="https:/one.org"><a href="a.html">')
    assert dead_links(tmp_path) == [
        "b.html: a.html#no leads to no heading",
        "b.html: there is no no.png",
        "b.html: https:/one.org is no address",
    ]
    (tmp_path / "a.html").write_text('<i id="no"></i><i id="no"></i>')
    assert "a.html: the id 'no' stands there twice" in dead_links(tmp_path)


def test_pages_go_in_order_from_the_first_lecture_to_the_last_assignment(built_site):
    folder, pages = built_site
    for one, two in itertools.pairwise(pages):
        text = (folder / one.path).read_text("utf-8")
        following = re.search(r'rel="next" href="([^"]*)"', text)[1]
        assert (folder / one.path.parent / following).resolve() == (folder / two.path).resolve()
    assert [page.source.stem for page in pages[:2]] == ["00_start_here", "01_image_classification"]


def test_nothing_comes_from_a_network(built_site):
    folder, _ = built_site
    for path in folder.rglob("*.html"):
        fetched = re.findall(
            r'<(?:img|script|link|source|iframe) [^>]*?(?:src|href)="([^"]*)"', path.read_text("utf-8")
        )
        assert fetched and not [one for one in fetched if is_external(one)], path
    style = folder / "assets" / "site.css"
    for font in re.findall(r"url\(([^)]*)\)", style.read_text("utf-8")):
        assert (style.parent / font).is_file(), font
    for font in re.findall(r"url\(([^)]*\.woff2)\)", (folder / "assets/katex/katex.min.css").read_text("utf-8")):
        assert (folder / "assets/katex" / font).is_file(), font


def test_every_picture_is_there_with_its_description(built_site):
    folder, pages = built_site
    for page in pages:
        wanted = []
        for cell in nbformat.read(ROOT / page.source, as_version=4).cells:
            for output in cell.get("outputs", []):
                kinds = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
                wanted += [(output.metadata["image/png"]["alt"], base64.b64decode(output.data[k])) for k in kinds]
        assert [(figure.alt, figure.content) for figure in page.figures] == wanted
        text = (folder / page.path).read_text("utf-8")
        shown = re.findall(r'<img src="([^"]*)" alt="[^"]{9,}"', text)
        assert [(folder / page.path.parent / name).read_bytes() for name in shown] == [raw for _, raw in wanted]
        assert text.count("To play with.") == sum(figure.is_explorer for figure in page.figures)


def test_every_formula_is_set(built_site):
    folder, pages = built_site
    for page in pages:
        text = (folder / page.path).read_text("utf-8")
        assert "katex-error" not in text
        visible = re.sub(r"<(annotation|code|pre|h1|h2|h3)\b.*?</\1>|<[^>]*>", "", text, flags=re.S)
        assert not re.search(r"\$[^$\n]+\$", visible), page.source


def test_search_knows_every_section(built_site):
    folder, pages = built_site
    text = (folder / "assets" / "entries.js").read_text("utf-8")
    entries = json.loads(text.removeprefix("window.entries = ").removesuffix(";\n"))
    assert len(entries) == sum(len(page.sections) for page in pages)
    assert len({entry["url"] for entry in entries}) == len(entries)
    (summary,) = [entry for entry in entries if entry["url"] == "lectures/06_convolution.html#Summary"]
    assert (summary["page"], summary["title"]) == ("6 · Convolution", "Summary")
    assert len(summary["text"]) > 200
    assert any("convolve2d" in entry["code"] for entry in entries)


def test_every_lecture_and_assignment_has_a_picture_on_the_first_page(built_site):
    folder, pages = built_site
    cells = {f"{page.source.stem}#{figure.cell}" for page in pages for figure in page.figures}
    lectures, assignments = contents(ROOT)
    covers = tomllib.loads(COVERS.read_text("utf-8"))
    assert set(covers) >= {item.name for item in lectures}
    for name, cell in covers.items():
        assert cell in cells, f"{COVERS.name}: {name} names a picture that is not there"
    assert all(item.about for item in lectures), "the README's table says what each lecture is about"
    cards = re.findall(r'<div class="picture"><img', (folder / "index.html").read_text("utf-8"))
    with_picture = [item for item in assignments if item.cover]
    assert len(cards) == len(lectures) + len(with_picture)


def page_of(folder, markup, *cells, known=()):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title"), *cells])
    nbformat.write(notebook, folder / "a.ipynb")
    return read(folder, PurePosixPath("a.ipynb"), known, markup)


def test_what_cannot_be_shown_stops_the_build(tmp_path, markup):
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    with pytest.raises(PageError, match=r"a\.ipynb: the link to gone\.ipynb leads to no page"):
        page_of(tmp_path, markup, text("[it](gone.ipynb)"))
    with pytest.raises(FormulaError, match="frac"):
        page_of(tmp_path, markup, text(r"$\frac{1$"))
    picture = nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(b"no").decode()})
    with pytest.raises(PageError, match="a picture without a description"):
        page_of(tmp_path, markup, code("1", outputs=[picture]))
    wrong = nbformat.v4.new_output("error", ename="E", evalue="e", traceback=[])
    with pytest.raises(PageError, match="an output of kind error"):
        page_of(tmp_path, markup, code("1", outputs=[wrong]))


def test_a_page_keeps_what_a_notebook_says(tmp_path, markup):
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    printed = nbformat.v4.new_output("stream", text="a < b\n")
    page = page_of(
        tmp_path,
        markup,
        text("## Same\n\nSee [b](b.ipynb#A-·-b), $x < 1$.\n\n## Same"),
        text("<details><summary>Is $C$ a number?</summary>\n\n*Yes.*\n\n</details>"),
        code("if x < 1:\n    pass", outputs=[printed], metadata={"jupyter": {"source_hidden": True}}),
        code("y\n" * 40),
        known={PurePosixPath("b.ipynb")},
    )
    assert [section.id for section in page.sections] == ["Title", "Same", "Same-"]
    (_, said), (_, asked), (_, drawn), (kind, out), (_, long) = page.blocks[1:]
    assert 'href="b.html#A-%C2%B7-b"' in said
    assert '<annotation encoding="application/x-tex">x &lt; 1</annotation>' in said
    assert "<em>Yes.</em>" in asked and "<annotation" in asked
    assert drawn["drawn"] and not drawn["long"] and '<span class="o">&lt;</span>' in drawn["html"]
    assert (kind, out) == ("output", "a < b")
    assert long["long"] and not long["drawn"]


def slug(heading):
    """What code hosts make of a heading in a Markdown file."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def anchors(path):
    """The anchors of a notebook or a Markdown file."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        texts, name = [cell.source for cell in cells if cell.cell_type == "markdown"], anchor
    else:
        texts, name = [path.read_text("utf-8")], slug
    found = set()
    for text in texts:
        tokens = MarkdownIt("commonmark").parse(text)
        found |= {name(text_of(inline)) for start, inline in itertools.pairwise(tokens) if start.type == "heading_open"}
    return found


def references(path):
    """All that the text of a notebook or a Markdown file links to or shows."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text("utf-8")
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        for child in token.children or ():
            yield from (child.attrs[name] for name in ("href", "src") if name in child.attrs)


@pytest.mark.parametrize("path", [*TEXTS, *NOTEBOOKS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_of_texts_and_notebooks(path):
    for reference in references(path):
        if is_external(reference):
            assert is_plausible(reference), reference
            continue
        parts = urlsplit(reference)
        target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
        assert target.exists(), reference
        if parts.fragment:
            assert unquote(parts.fragment) in anchors(target), reference


@pytest.mark.parametrize("name", ["build", "course", "links", "markup", "pages"])
def test_examples_in_docstrings(name):
    module = importlib.import_module(f"tools.website.{name}")
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0
