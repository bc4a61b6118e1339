"""Finding dead links in a folder of pages."""

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Parser(HTMLParser):
    """Collects a page's ids and all that it refers to."""

    def __init__(self):
        super().__init__()
        self.ids, self.references = [], []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src") and value is not None:
                self.references.append(value)


def is_external(reference):
    """Whether a reference leads out of the site.

    Examples
    --------
    >>> is_external("https://arxiv.org/abs/1512.03385"), is_external("06_convolution.html#Summary")
    (True, False)
    """
    return bool(urlsplit(reference).scheme)


def is_plausible(reference):
    """Whether an external link has the form of one that a browser can follow; nothing is fetched.

    Examples
    --------
    >>> is_plausible("https://cs231n.github.io/"), is_plausible("https:/cs231n.github.io"), is_plausible("htp://a.b")
    (True, False, False)
    """
    parts = urlsplit(reference)
    if parts.scheme in ("mailto", "data"):
        return bool(parts.path)
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and ("." in host or host == "localhost") and " " not in reference


def dead_links(folder):
    """Check all links, pictures, scripts and anchors of the pages in a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of str
        What is wrong: references to no file or no anchor, ids given twice, external links that have no proper form.
    """
    found, problems = {}, []
    for path in sorted(Path(folder).rglob("*.html")):
        found[path.resolve()] = parser = _Parser()
        parser.feed(path.read_text("utf-8"))
    for path, parser in found.items():
        name = path.relative_to(Path(folder).resolve())
        twice = [one for one, count in Counter(parser.ids).items() if count > 1]
        problems += [f"{name}: the id {one!r} stands there twice" for one in twice]
        for reference in parser.references:
            if is_external(reference):
                if not is_plausible(reference):
                    problems.append(f"{name}: {reference} is no address")
                continue
            parts = urlsplit(reference)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file():
                problems.append(f"{name}: there is no {reference}")
            elif anchor and target in found and anchor not in found[target].ids:
                problems.append(f"{name}: {reference} leads to no heading")
    return problems
