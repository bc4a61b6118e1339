"""A notebook as the content of a page: text, code, pictures, headings, and what the search finds."""

import base64
import html
import io
import os
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import nbformat
from markupsafe import Markup as Safe
from PIL import Image

from tools.website.markup import code

LONG = 24
"""Lines of code above which a cell can be folded away."""

EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg"}


class PageError(ValueError):
    """Something in a notebook that the site cannot show."""


@dataclass
class Figure:
    """A picture of a notebook.

    Parameters
    ----------
    name : str
        Of its file, in the folder that is named after the notebook.
    content : bytes
    alt : str
        What is to be seen.
    width, height : int
        In CSS pixels.
    cell : str
        Id of the cell that made it.
    is_explorer : bool
        Whether it stands for a widget.
    """

    name: str
    content: bytes
    alt: str
    width: int
    height: int
    cell: str
    is_explorer: bool


@dataclass
class Section:
    """A heading and what stands below it, up to the next one."""

    level: int
    id: str
    html: str
    words: list = field(default_factory=list)
    code: list = field(default_factory=list)


@dataclass
class Page:
    """A notebook, ready to be laid out.

    Parameters
    ----------
    source : PurePosixPath
        The notebook, from the root of the course.
    title : str
    blocks : list of (kind, content)
        All below the title, in order: ('text', html), ('code', dict), ('output', text), ('table', html) and
        ('figure', Figure).
    sections : list of Section
        The first is the page's title.
    lead : list of str
        The first paragraphs, as text.
    """

    source: PurePosixPath
    blocks: list
    sections: list
    lead: list

    @property
    def title(self):
        """The first heading, as text."""
        return re.sub(r"<[^>]*>", "", self.sections[0].html)

    @property
    def path(self):
        """Where the page lies on the site."""
        return self.source.with_suffix(".html")

    @property
    def figures(self):
        """All pictures, in order."""
        return [content for kind, content in self.blocks if kind == "figure"]


def relative(target, page):
    """Return the relative URL that leads from a page to another path of the site.

    Examples
    --------
    >>> relative(PurePosixPath("lectures/06.html"), PurePosixPath("assignments/hw1/a.html"))
    '../../lectures/06.html'
    """
    return os.path.relpath(target, page.parent).replace(os.sep, "/")


def read(root, source, known, markup):
    """Read a notebook.

    Parameters
    ----------
    root : Path
        The course.
    source : PurePosixPath
        The notebook, from the root.
    known : collection of PurePosixPath
        The notebooks that have a page.
    markup : Markup

    Returns
    -------
    Page

    Raises
    ------
    PageError
        If a link leads to no page, an output is of an unknown kind or a picture has no description.
    """

    def link(href):
        parts = urlsplit(href)
        if parts.scheme or not parts.path:
            return href
        target = PurePosixPath(os.path.normpath(source.parent / unquote(parts.path)))
        if target not in known:
            raise PageError(f"{source}: the link to {href} leads to no page of the site")
        return relative(target.with_suffix(".html"), source) + (f"#{parts.fragment}" if parts.fragment else "")

    blocks, sections, lead, figures = [], [], [], 0
    for cell in nbformat.read(root / source, as_version=4).cells:
        if cell.cell_type == "markdown":
            text, headings, words = markup.render(cell.source, link, {section.id for section in sections})
            before = len(sections)
            sections += [Section(level, name, Safe(inner)) for level, name, inner in headings]
            if not blocks:
                if not text.startswith("<h1"):
                    raise PageError(f"{source} doesn't begin with a title")
                text = text.partition("</h1>")[2]  # the page sets its title itself
            blocks.append(("text", Safe(text)))
            for number, said in words:
                sections[max(before + number - 1, 0)].words.append(said)
                if len(sections) <= 2:
                    lead.append(said)
        elif cell.cell_type == "code" and cell.source.strip():
            blocks.append(("code", _code(cell)))
            sections[-1].code.append(cell.source)
            for output in cell.get("outputs", []):
                kind, content = _output(output, cell, f"{source}, cell {cell.id}", figures)
                figures += kind == "figure"
                blocks.append((kind, content))
    return Page(source, blocks, sections, lead)


def _code(cell):
    lines = cell.source.count("\n") + 1
    drawn = bool(cell.metadata.get("jupyter", {}).get("source_hidden"))
    return {"html": Safe(code(cell.source)), "lines": lines, "drawn": drawn, "long": lines > LONG}


def _output(output, cell, where, number):
    if output.output_type == "stream":
        return "output", output.text.rstrip("\n")
    data = output.get("data", {})
    for kind, extension in EXTENSIONS.items():
        if kind in data:
            about = output.metadata.get(kind) or output.metadata.get("image/png", {})
            if not about.get("alt"):
                raise PageError(f"{where}: a picture without a description")
            content = base64.b64decode(data[kind])
            width, height = Image.open(io.BytesIO(content)).size
            shown = about.get("width", width)  # a picture may have more pixels than it is wide on the page
            figure = Figure(
                name=f"{number + 1:02d}.{extension}",
                content=content,
                alt=about["alt"],
                width=shown,
                height=round(height * shown / width),
                cell=cell.id,
                is_explorer="text/html" not in data,  # a plain figure comes as HTML too, a widget does not
            )
            return "figure", figure
    if "text/html" in data:
        return "table", Safe(data["text/html"])
    if "text/plain" in data:
        return "output", data["text/plain"]
    raise PageError(f"{where}: an output of kind {output.output_type}, which the site cannot show")


def search_entries(page):
    """Return what the search knows of a page: one entry a section.

    Returns
    -------
    list of dict
        With 'url', 'page', 'title', 'text' and 'code', which holds the words of the code, each once.
    """
    entries = []
    for number, section in enumerate(page.sections):
        title = html.unescape(re.sub(r"<annotation.*?</annotation>|<[^>]*>", "", section.html))
        entries.append(
            {
                "url": str(page.path) + (f"#{section.id}" if number else ""),
                "page": page.title,
                "title": title,
                "text": " ".join(section.words),
                "code": " ".join(sorted(set(re.findall(r"[^\W\d]\w\w+", "\n".join(section.code))))),
            }
        )
    return entries
