"""Which submissions are suspiciously alike: a hint for a person, never a verdict, and no part of any score.

Fingerprints are chosen by winnowing (Schleimer, Wilkerson, Aiken: Winnowing: Local Algorithms for Document
Fingerprinting, SIGMOD 2003), over tokens without names, comments or layout, so that renaming hides nothing. What was
released to all does not count, and what much of the class has in common counts little: a short exercise has few right
answers, and to share a common one says nothing.
"""

import math
import zlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations

from pygments.lexers import PythonLexer
from pygments.token import Token

from autograder.submission import Unreadable, parse_notebook

GRAM = 12
"""Tokens in a fingerprint: shorter passages that are alike are not noticed."""

WINDOW = 6
"""Of so many neighbouring fingerprints one is kept: a passage of GRAM + WINDOW − 1 tokens is always noticed."""

LINE = 15
"""Characters that a line must have to be told as one that only two students wrote."""

ALIKE = 0.5
"""Share of what is special in a submission that must be found in another one."""

FEW, FEW_SHARE = 3, 0.1
"""What at most so many students have in common, or this share of the class, is special to them."""

LEAST = 4
"""Special fingerprints that two submissions must share."""


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Attributes
    ----------
    students : tuple of str
    share : float
        Of what is special in the shorter submission, how much is in the other one: 0 to 1.
    lines : list of str
        Lines, comments included, that these two have, and nobody else of the class.
    """

    students: tuple
    share: float
    lines: list = field(default_factory=list)


def tokens_of(source):
    """The tokens of Python code that count: every name is 'N', every text 'S', and comments and layout are gone.

    >>> tokens_of("total = total + x  # sum")
    ['N', '=', 'N', '+', 'N']
    """
    found = []
    for kind, text in PythonLexer().get_tokens(source):
        if kind in Token.Comment or kind in Token.Text or kind in Token.Literal.String.Doc:
            continue
        if kind in Token.Name and kind not in Token.Name.Builtin:
            found.append("N")
        elif kind in Token.Literal.String:
            found += ["S"] if found[-1:] != ["S"] else []
        else:
            found.append(text)
    return found


def fingerprints(source):
    """Winnowed hashes of a source's token sequences, as a set of int."""
    tokens = tokens_of(source)
    hashes = [zlib.crc32(" ".join(tokens[i : i + GRAM]).encode()) for i in range(len(tokens) - GRAM + 1)]
    return {min(hashes[i : i + WINDOW]) for i in range(max(len(hashes) - WINDOW + 1, min(len(hashes), 1)))}


def alike(sources, template=()):
    """Find pairs of submissions that are more alike than the class is.

    Parameters
    ----------
    sources : dict of str to list of str
        Each student's cells.
    template : iterable of str
        Cells that all were given: what is in them does not count.

    Returns
    -------
    list of Pair
        The most alike first.
    """
    given = set().union(*map(fingerprints, template)) if template else set()
    prints = {student: set().union(*map(fingerprints, cells)) - given for student, cells in sources.items() if cells}
    owners = Counter(mark for marks in prints.values() for mark in marks)
    weight = {mark: math.log(len(prints) / count) for mark, count in owners.items()}
    special = {student: sum(weight[mark] for mark in marks) for student, marks in prints.items()}
    unique = _lines_of_two(sources, template)
    few = max(FEW, FEW_SHARE * len(prints))
    pairs = []
    for one, other in combinations(sorted(prints), 2):
        shared = [mark for mark in prints[one] & prints[other] if owners[mark] <= few]
        if len(shared) < LEAST:
            continue
        share = sum(weight[mark] for mark in shared) / max(min(special[one], special[other]), 1e-9)
        if share >= ALIKE:
            pairs.append(Pair((one, other), share, unique.get((one, other), [])))
    return sorted(pairs, key=lambda pair: (-pair.share, -len(pair.lines), pair.students))


def _lines_of_two(sources, template):
    """Lines that exactly two students have: pair -> lines."""
    given = {line.strip() for cell in template for line in cell.splitlines()}
    owners = {}
    for student, cells in sorted(sources.items()):
        for line in dict.fromkeys(line.strip() for cell in cells for line in cell.splitlines()):
            if len(line) >= LINE and line not in given:
                owners.setdefault(line, []).append(student)
    found = {}
    for line, students in owners.items():
        if len(students) == 2:
            found.setdefault(tuple(students), []).append(line)
    return found


def students_cells(handed_in):
    """The code cells of a submission, [] of one that cannot be read."""
    return [cell for content in handed_in.notebooks.values() for cell in _code_cells(content)]


def blank_cells(package):
    """The code cells of the notebooks that were released."""
    names = (f"{name}.ipynb" for name in package.assignment.notebooks)
    return [cell for name in names for cell in _code_cells(package.released[name])]


def _code_cells(content):
    try:
        return [cell.source for cell in parse_notebook(content).cells if cell.cell_type == "code"]
    except Unreadable:
        return []
