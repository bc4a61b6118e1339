"""Showing a verdict: an HTML card for notebooks and pages, and the same in plain text for terminals."""

import re
from html import escape

import numpy as np

from visionlab.checks.compare import number
from visionlab.checks.plain import arrays_in

LIMIT = 8  # rows and columns of an array that are drawn; larger arrays are cropped around the place that matters

MORE_RIGHT = '<td class="vl-more">…</td>'

STYLE = """<style>
.vl-check {font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 14px; line-height: 1.5;
  color: var(--jp-ui-font-color1, #1c1c1c); background: var(--jp-layout-color1, #fff); max-width: 60em;
  border: 1px solid var(--jp-border-color2, #ccc); border-left: 6px solid var(--vl-mark); border-radius: 4px;
  padding: 10px 16px; margin: 4px 0}
.vl-check.vl-right {--vl-mark: #009e73} .vl-check.vl-wrong {--vl-mark: #d55e00}
.vl-check h4 {margin: 0 0 4px; font-size: 16px; font-weight: 600} .vl-check p {margin: 6px 0}
.vl-check h4 span {color: var(--vl-mark)}
.vl-check code, .vl-check .vl-grid {font-family: var(--jp-code-font-family, monospace); font-size: 13px}
.vl-check.vl-check code {background: none; padding: 0}
.vl-check .vl-cause {background: var(--jp-layout-color2, #f3f3f3); border-radius: 4px; padding: 8px 12px; margin: 8px 0}
.vl-check .vl-row {display: flex; flex-wrap: wrap; gap: 8px 28px; align-items: flex-start; margin: 8px 0}
.vl-check .vl-row > div > span {display: block; margin-bottom: 3px; color: var(--jp-ui-font-color1, #1c1c1c)}
.vl-check table.vl-grid {border-collapse: collapse; margin: 0; border: none; table-layout: auto}
.vl-check table.vl-grid td {border: 1px solid var(--jp-border-color2, #bbb); padding: 2px 7px; text-align: right;
  min-width: 1.6em; background: var(--jp-layout-color1, #fff); color: inherit}
.vl-check table.vl-grid td.vl-off {outline: 2px solid #d55e00; outline-offset: -2px; font-weight: 700}
.vl-check table.vl-grid td.vl-more {border: none; color: var(--jp-ui-font-color2, #666)}
.vl-check details {margin-top: 6px} .vl-check summary {cursor: pointer}
.vl-check ul {margin: 4px 0; padding-left: 4px; list-style: none}
</style>"""


def html(verdict):
    """Render a verdict as a self-contained HTML fragment that follows JupyterLab's theme."""
    name = escape(verdict.exercise)
    if verdict.passed:
        head = f"<h4><span>✓</span> {name}: {_all_pass(len(verdict.titles))}</h4>"
        return f'{STYLE}<div class="vl-check vl-right">{head}{_shares_html(verdict)}{_titles_html(verdict)}</div>'
    failure = verdict.failures[0]
    if failure.kind == "unwritten":
        head = f"<h4><span>○</span> {name}: {_not_yet(verdict)}</h4><p>{_prose(_what_waits(failure))}</p>"
        titles = _titles_html(verdict) if verdict.fraction else ""
        return f'{STYLE}<div class="vl-check vl-wrong">{head}{titles}</div>'
    parts = [f"<h4><span>✗</span> {name}: {_fail_count(verdict)}</h4>"]
    if verdict.diagnosis:
        parts.append(f'<div class="vl-cause"><b>{_lead(verdict)}</b> {_prose(verdict.explanation)}</div>')
    parts.append(f"<p><b>The smallest check that fails:</b> {_prose(failure.case.title)}</p>")
    if _shows_call(verdict, failure):
        arrays = [_array_html(key, value) for key, value in _arrays(failure.call.arguments)]
        parts.append(f"<p><code>{escape(call_text(verdict.exercise, failure.call))}</code></p>")
        parts.append(f'<div class="vl-row">{"".join(arrays)}</div>' if arrays else "")
    parts.append(f"<p>{_prose(failure.message)}</p>{_where_html(failure)}")
    if _comparable(failure):
        index = failure.difference.index
        wrong = failure.difference.wrong
        first, second = ("before the call", "after it") if failure.kind == "changed" else ("expected", "yours")
        pair = _array_html(f"{failure.observation}, {first}", failure.expected, index, wrong)
        pair += _array_html(f"{failure.observation}, {second}", failure.got, index, wrong)
        parts.append(f'<div class="vl-row">{pair}</div>')
    parts += [_shares_html(verdict), _titles_html(verdict)]
    return f'{STYLE}<div class="vl-check vl-wrong">{"".join(parts)}</div>'


def text(verdict):
    """Render a verdict as plain text."""
    if verdict.passed:
        return "\n".join([f"✓ {verdict.exercise}: {_all_pass(len(verdict.titles))}", *_shares(verdict)])
    failure = verdict.failures[0]
    if failure.kind == "unwritten":
        return f"○ {verdict.exercise}: {_not_yet(verdict)}\n{_what_waits(failure)}"
    lines = [f"✗ {verdict.exercise}: {_fail_count(verdict)}"]
    if verdict.diagnosis:
        lines.append(f"{_lead(verdict)} {verdict.explanation}")
    lines.append(f"The smallest check that fails: {failure.case.title}")
    if _shows_call(verdict, failure):
        lines.append("    " + call_text(verdict.exercise, failure.call))
        lines += [_array_text(key, value) for key, value in _arrays(failure.call.arguments)]
    lines.append(failure.message)
    if where := _where(failure):
        lines.append(where)
    if _comparable(failure):
        index = failure.difference.index
        first, second = ("before the call", "after it") if failure.kind == "changed" else ("expected", "yours")
        lines.append(_array_text(f"{failure.observation}, {first}", failure.expected, index))
        lines.append(_array_text(f"{failure.observation}, {second}", failure.got, index))
    return "\n".join(lines + _shares(verdict))


def _shows_call(verdict, failure):
    """An observation that is named like the call itself needs no second copy of it."""
    named = failure.observation.startswith(f"{verdict.exercise}(")
    return failure.call is not None and bool(failure.call.arguments) and not named


def call_text(exercise, call):
    """Write a call as the student would type it, arrays and whatever is not plain data by their names."""
    plain = call.arguments
    short = {name: f"{name}={value!r:.60}" for name, value in plain.items() if not any(arrays_in(name, value))}
    return f"{exercise}({', '.join(short.get(name, name) for name in call.names or plain)})"


def _all_pass(total):
    return "the check passes" if total == 1 else f"all {total} checks pass"


def _not_yet(verdict):
    good = sum(good for _, good in verdict.titles)
    return f"{good} of {len(verdict.titles)} checks pass, the rest is not written yet" if good else "not written yet"


def _what_waits(failure):
    return f"{failure.message} The first check that waits: {failure.case.title}."


def _fail_count(verdict):
    total, failed = len(verdict.titles), len(verdict.failures)
    return "the check fails" if total == 1 else f"{failed} of {total} checks fail{'s' if failed == 1 else ''}"


def _lead(verdict):
    if verdict.certain:
        return "Your answers are exactly those of a known mistake:"
    return "On this input your answer is just what a known mistake gives:"


def _prose(sentence):
    """Escape a sentence; what stands between backticks is set as code, a *word* between stars is stressed."""
    parts = escape(sentence, quote=False).split("`")
    stressed = (re.sub(r"(?<![\w*])\*(\w[\w ]*)\*(?![\w*])", r"<em>\1</em>", part) for part in parts)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(stressed))


def _where(failure):
    if not failure.error or not failure.error.line:
        return ""
    return f"It happened in line {failure.error.line_number} of the cell: {failure.error.line}"


def _where_html(failure):
    where = _where(failure)
    if not where:
        return ""
    lead, line = where.split(": ", 1)
    return f"<p>{escape(lead)}: <code>{escape(line)}</code></p>"


def _shares(verdict):
    return [f"{name}: {share:.1%}" for name, share in verdict.shares.items()]


def _shares_html(verdict):
    return "".join(f"<p>{_prose(line)}</p>" for line in _shares(verdict))


def _titles_html(verdict):
    items = "".join(f"<li>{'✓' if good else '✗'} {_prose(title)}</li>" for title, good in verdict.titles)
    return f"<details><summary>All checks</summary><ul>{items}</ul></details>"


def _arrays(arguments):
    return [found for name, value in arguments.items() for found in arrays_in(name, value)]


def _comparable(failure):
    """Two arrays are drawn side by side, also if their shapes differ; anything else is said in the message."""
    pair = (failure.expected, failure.got)
    return all(isinstance(value, np.ndarray) and value.ndim > 0 for value in pair)


def planes(array, index=()):
    """Cut a small picture of an array: up to three 2-D planes of at most `LIMIT` rows and columns.

    Parameters
    ----------
    array : numpy.ndarray
    index : tuple of int
        An element that must be in the picture.

    Yields
    ------
    label : str
        Which plane, such as '[0, 1]', '' for arrays of at most two dimensions.
    plane : numpy.ndarray
        Of shape (rows, columns).
    top, left : int
        Position of the plane's first element in its axes.
    """
    array = np.asarray(array)
    leading = array.shape[:-2]
    for lead in [index[: len(leading)]] if index else list(np.ndindex(*leading))[:3]:
        plane = np.atleast_2d(array[lead])
        row, column = ((0, 0, *index)[-2:]) if index else (0, 0)
        top = max(0, min(row - LIMIT // 2, plane.shape[0] - LIMIT))
        left = max(0, min(column - LIMIT // 2, plane.shape[1] - LIMIT))
        label = f"[{', '.join(map(str, lead))}]" if leading else ""
        yield label, plane[top : top + LIMIT, left : left + LIMIT], top, left


def _caption(name, label, array, top, left):
    shape = f", shape {array.shape}" if array.ndim > 1 else ""
    where = f", from row {top}, column {left}" if top or left else ""
    base, _, rest = name.partition(", ")
    return f"{base}{label}{', ' + rest if rest else shape}{where}"


def _array_html(name, array, index=(), wrong=None):
    blocks = []
    for label, plane, top, left in planes(array, index):
        marks = np.zeros(plane.shape, bool)
        if wrong is not None:
            lead = index[: wrong.ndim - 2] if wrong.ndim > 2 else ()
            marks = np.atleast_2d(wrong[lead])[top : top + plane.shape[0], left : left + plane.shape[1]]
        full = np.atleast_2d(array[index[: array.ndim - 2]] if index and array.ndim > 2 else array)
        cut_right = left + plane.shape[1] < full.shape[-1]
        cut_below = top + plane.shape[0] < full.shape[-2]
        rows = ""
        for values, row_marks in zip(plane, marks, strict=True):
            cells = "".join(
                f'<td class="vl-off">{number(v)}</td>' if off else f"<td>{number(v)}</td>"
                for v, off in zip(values, row_marks, strict=True)
            )
            rows += f"<tr>{cells}{MORE_RIGHT if cut_right else ''}</tr>"
        if cut_below:
            rows += '<tr><td class="vl-more">⋮</td></tr>'
        caption = escape(_caption(name, label, array, top, left))
        drawn = f'<table class="vl-grid">{rows}</table>' if plane.size else "(empty)"
        blocks.append(f"<div><span>{caption}</span>{drawn}</div>")
    shown = len(blocks)
    hidden = int(np.prod(array.shape[:-2])) - shown
    if hidden > 0 and not index:
        blocks.append(f"<div><span>… and {hidden} more</span></div>")
    return "".join(blocks)


def _array_text(name, array, index=()):
    blocks = []
    for label, plane, top, left in planes(array, index):
        cells = [[number(value) for value in row] for row in plane]
        width = max((len(cell) for row in cells for cell in row), default=1)
        rows = ["        " + " ".join(cell.rjust(width) for cell in row) for row in cells if row] or ["        (empty)"]
        blocks.append("\n".join([f"    {_caption(name, label, array, top, left)}", *rows]))
    return "\n".join(blocks)
