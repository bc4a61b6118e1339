"""Building the site: every notebook a page, a first page, and all that they need, in one folder."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup as Safe
from markupsafe import escape

from tools.website.course import contents
from tools.website.markup import Formulas, Markup
from tools.website.pages import Figure, read, search_entries

HERE = Path(__file__).parent
VENDOR = HERE / "vendor"
LICENCES = "LICENSE"


@dataclass
class Card:
    """What the first page shows of a lecture or an assignment."""

    title: str
    about: str
    pages: list
    folder: str
    picture: Figure | None


def numbered(title):
    """Return a title whose leading number stands in a box of its own.

    Examples
    --------
    >>> numbered("6 · Convolution")
    Markup('<span class="number">6</span> Convolution')
    >>> numbered("Start here")
    Markup('Start here')
    """
    number, dot, rest = title.partition(" · ")
    return Safe('<span class="number">{}</span> {}').format(number, rest) if dot else escape(title)


def build(root, folder):
    """Write the site.

    Parameters
    ----------
    root : Path
        The course.
    folder : Path
        Where to; whatever lies there is deleted.

    Returns
    -------
    list of Page
        In reading order.

    Raises
    ------
    PageError, FormulaError
        If a notebook holds something that the site cannot show.
    """
    lectures, assignments = contents(root)
    known = {notebook for item in lectures + assignments for notebook in item.notebooks}
    markup = Markup(Formulas())
    pages = {notebook: read(root, notebook, known, markup) for notebook in sorted(known)}
    by_name = {page.source.stem: page for page in pages.values()}

    shutil.rmtree(folder, ignore_errors=True)
    _write_assets(folder / "assets")
    for page in pages.values():
        _write_files(root, folder, page)

    order = [pages[notebook] for item in lectures + assignments for notebook in item.notebooks]
    common = {
        "lectures": [pages[item.notebooks[0]] for item in lectures],
        "assignments": [[pages[notebook] for notebook in item.notebooks] for item in assignments],
    }
    templates = _templates()
    for before, page, after in zip([None, *order], order, [*order[1:], None], strict=False):
        html = templates.get_template("notebook.html").render(
            page=page, before=before, after=after, here=page.path, root="../" * (len(page.path.parts) - 1), **common
        )
        (folder / page.path).write_text(html, encoding="utf-8")
    cards = [[_card(item, pages, by_name) for item in items] for items in (lectures, assignments)]
    html = templates.get_template("index.html").render(
        here=None, root="", lecture_cards=cards[0], assignment_cards=cards[1], **common
    )
    (folder / "index.html").write_text(html, encoding="utf-8")
    entries = json.dumps([entry for page in order for entry in search_entries(page)], ensure_ascii=False)
    # A script, not JSON: a page that is opened as a file may not fetch other files.
    (folder / "assets" / "entries.js").write_text(f"window.entries = {entries};\n", encoding="utf-8")
    return order


def _templates():
    options = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
    templates = Environment(loader=FileSystemLoader(HERE / "templates"), **options)
    templates.filters |= {"numbered": numbered, "url": lambda path: quote(str(path))}
    return templates


def _write_assets(folder):
    shutil.copytree(HERE / "assets", folder)
    shutil.copytree(VENDOR / "katex" / "fonts", folder / "katex" / "fonts")
    shutil.copy(VENDOR / "katex" / "katex.min.css", folder / "katex")
    shutil.copy(VENDOR / "minisearch" / "minisearch.js", folder)
    for family in ("source-sans", "source-code"):
        for font in (VENDOR / family).glob("*.woff2"):
            shutil.copy(font, folder)
    licences = [f"{path.parent.name}\n\n{path.read_text('utf-8')}" for path in sorted(VENDOR.glob(f"*/{LICENCES}"))]
    (folder / "licences.txt").write_text("\n\n\n".join(licences), encoding="utf-8")


def _write_files(root, folder, page):
    """Write a page's pictures, and the notebook itself for download."""
    pictures = folder / page.source.with_suffix("")
    pictures.mkdir(parents=True)
    for figure in page.figures:
        (pictures / figure.name).write_bytes(figure.content)
    shutil.copy(root / page.source, folder / page.source)


def _card(item, pages, by_name):
    name, _, cell = item.cover.partition("#")
    page = by_name[name] if name else pages[item.notebooks[0]]
    figures = [figure for figure in page.figures if figure.cell == cell or not cell]
    own = [pages[notebook] for notebook in item.notebooks]
    words = re.sub(r"^(hw)(\d+)_", r"Assignment \2: ", item.name).replace("_", " ")
    return Card(words, item.about, own, str(page.source.with_suffix("")), figures[0] if figures else None)
