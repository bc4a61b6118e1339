"""Markdown, formulas and code as HTML."""

import json
import re
from html import escape
from pathlib import Path

import quickjs
from ipython_pygments_lexers import IPython3Lexer
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter

KATEX = Path(__file__).parent / "vendor" / "katex"


class FormulaError(ValueError):
    """A formula that cannot be set."""


class Formulas:
    """Sets formulas with KaTeX: HTML for the eye, MathML for screen readers.

    Examples
    --------
    >>> formulas = Formulas()
    >>> "<mi>η</mi>" in formulas.render(r"\\eta")
    True
    >>> formulas.render(r"\\frac{1")
    Traceback (most recent call last):
    ...
    tools.website.markup.FormulaError: \\frac{1: KaTeX parse error: Unexpected end of input ...
    """

    def __init__(self):
        context = quickjs.Context()
        context.eval((KATEX / "katex.min.js").read_text("utf-8"))
        # join: the binding cannot read a string that the engine keeps in pieces.
        self._set = context.eval("(formula, options) => [katex.renderToString(formula, JSON.parse(options))].join()")

    def render(self, formula, display=False):
        """Return the HTML of a formula; `display` sets it on a line of its own."""
        try:
            return self._set(formula, json.dumps({"displayMode": display, "strict": "ignore"}))
        except quickjs.JSException as problem:
            reason = re.search(r"KaTeX parse error.*", str(problem))
            raise FormulaError(f"{formula}: {reason[0] if reason else problem}") from None


def code(source):
    """Return Python source, with IPython's magics, as highlighted HTML without a frame around it.

    Examples
    --------
    >>> code("x = 1")
    '<span class="n">x</span> <span class="o">=</span> <span class="mi">1</span>'
    """
    return highlight(source, IPython3Lexer(), HtmlFormatter(nowrap=True)).rstrip("\n")


def anchor(heading):
    """Return the id of a heading, the one that JupyterLab gives it: so links work in both.

    Examples
    --------
    >>> anchor("3 · How much does a unit see?")
    '3-·-How-much-does-a-unit-see?'
    """
    return heading.replace(" ", "-")


def text_of(inline):
    """Return the text of an inline token, formulas as they were written."""
    parts = []
    for token in inline.children or ():
        if token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type == "math_inline":
            parts.append(f"${token.content}$")
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return "".join(parts)


class Markup:
    """Turns Markdown, as notebooks write it, into HTML.

    Parameters
    ----------
    formulas : Formulas

    Examples
    --------
    >>> html, headings, words = Markup(Formulas()).render("## The *question*\\n\\nSee [it](a.ipynb).", lambda href: "b")
    >>> html
    '<h2 id="The-question">The <em>question</em></h2>\\n<p>See <a href="b">it</a>.</p>\\n'
    >>> headings, words
    ([(2, 'The-question', 'The <em>question</em>')], [(1, 'See it.')])
    """

    def __init__(self, formulas):
        self._formulas = formulas
        self._markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        dollarmath_plugin(self._markdown, renderer=self._formula, double_inline=True)
        self._markdown.add_render_rule("table_open", lambda *_: '<div class="table"><table>\n')
        self._markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
        for kind, rule in (("fence", self._fence), ("html_block", self._html_block)):
            self._markdown.add_render_rule(kind, lambda _, tokens, at, *rest, rule=rule: rule(tokens[at]))

    def _formula(self, formula, options):
        html = self._formulas.render(formula, options["display_mode"])
        return f'<div class="formula">{html}</div>\n' if options["display_mode"] else html

    def _html_block(self, token):
        """A block of HTML may hold formulas too, such as a question in a `<summary>`."""
        return re.sub(r"\$([^$]+)\$", lambda found: self._formulas.render(found[1]), token.content)

    def _fence(self, token):
        inner = code(token.content) if token.info.strip() in ("python", "py") else escape(token.content.rstrip("\n"))
        return f'<pre class="code"><code>{inner}</code></pre>\n'

    def render(self, text, link, taken=()):
        """Render one cell.

        Parameters
        ----------
        text : str
        link : callable
            Says where a link of the text leads to on the site.
        taken : collection of str
            Ids that the page has already.

        Returns
        -------
        html : str
        headings : list of (level, id, html)
        words : list of (int, str)
            The text, block by block, each with the number of headings that stand before it.
        """
        tokens = self._markdown.parse(text)
        headings, words = [], []
        for position, token in enumerate(tokens):
            if token.type == "heading_open":
                inline = tokens[position + 1]
                name = anchor(text_of(inline))
                while name in taken or name in [known for _, known, _ in headings]:
                    name += "-"
                token.attrSet("id", name)
                inner = self._markdown.renderer.render(inline.children, self._markdown.options, {})
                headings.append((int(token.tag[1]), name, inner))
            elif token.type == "inline":
                if tokens[position - 1].type != "heading_open":
                    words.append((len(headings), text_of(token)))
                for child in token.children:
                    if child.type == "link_open":
                        child.attrSet("href", link(child.attrGet("href")))
            elif token.type == "html_block":
                words.append((len(headings), re.sub(r"<[^>]*>", " ", token.content)))
        html = self._markdown.renderer.render(tokens, self._markdown.options, {})
        return html, headings, [(number, " ".join(part.split())) for number, part in words if part.strip()]
