"""Computation graphs to step through: type an expression, go forward for values and backward for gradients.

Reading an expression, its values, its gradients and where its nodes are drawn are plain functions here; the browser
only draws what they find, and asks for a guess before it shows a gradient.
"""

import ast
import base64
import html
import math
from dataclasses import dataclass, field
from itertools import pairwise

import ipywidgets
import numpy as np
import traitlets
from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve
from matplotlib.ticker import MaxNLocator

from visionlab import datasets, plots
from visionlab.widgets.controls import Menu, Slider
from visionlab.widgets.explorer import Explorer, Whole, browser_module, style_sheet
from visionlab.widgets.quiz import Illustrated

MOST_NODES = 36
_BINARY = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×", ast.Div: "÷", ast.Pow: "**"}
_FUNCTIONS = ("exp", "log", "relu", "tanh", "sigmoid", "sin", "cos", "max")
_SIGNS = str.maketrans("·×−÷", "**-/")


class ExpressionError(ValueError):
    """An expression cannot be read, or has no value; the message says what to change."""


@dataclass
class Step:
    """One node of a graph: a variable, or an operation on earlier nodes and constants.

    Attributes
    ----------
    kind : str
        "variable", "negate", one of the signs + − × ÷ **, or a function's name.
    text : str
        The part of the expression that the node stands for.
    arguments : list of int or float
        What the operation reads: an int is an earlier node's number, a float is a constant.
    name : str
        Of a variable, or the one given with ``name = ...``.
    """

    kind: str
    text: str
    arguments: list = field(default_factory=list)
    name: str = ""

    @property
    def inputs(self):
        """The slots that read a node, each with that node's number."""
        return [(slot, read) for slot, read in enumerate(self.arguments) if isinstance(read, int)]


def read_expression(text):
    """Turn an expression into a graph.

    Parameters
    ----------
    text : str
        With names, numbers, + − * / **, brackets and the functions exp, log, relu, tanh, sigmoid, sin, cos, max. Names
        may be given to intermediate results: ``q = x + y; q * z``. A name that is used twice is one node.

    Returns
    -------
    list of Step
        Each node after those that it reads; the last one is the result.

    Raises
    ------
    ExpressionError

    Examples
    --------
    >>> [node.text for node in read_expression("(x + y) * z")]
    ['x', 'y', 'x + y', 'z', '(x + y) * z']
    >>> read_expression("x @ y")
    Traceback (most recent call last):
    ...
    visionlab.widgets.computation_graph.ExpressionError: "x @ y" can't be drawn: use + - * / ** and exp, log, relu, tanh, sigmoid, sin, cos, max
    """  # noqa: E501
    statements = _parse(text)
    nodes, known = [], {}

    def add(kind, source, arguments=(), name=""):
        if len(nodes) >= MOST_NODES:
            raise ExpressionError(f"the graph has more than {MOST_NODES} nodes: use a shorter expression")
        nodes.append(Step(kind, ast.unparse(source), list(arguments), name))
        return len(nodes) - 1

    def operation(kind, source, arguments):
        if all(isinstance(argument, float) for argument in arguments):
            return _number(_calculate(kind, arguments), source)
        return add(kind, source, arguments)

    def read(tree):
        match tree:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                try:
                    return _number(float(value), tree)
                except OverflowError:
                    raise ExpressionError("a number in the expression is too large") from None
            case ast.Name(id=name):
                if name in _FUNCTIONS:
                    raise ExpressionError(f"{name} is a function: write {name}(…)")
                if name not in known:
                    known[name] = add("variable", tree, name=name)
                return known[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return operation("negate", tree, [read(operand)])
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return read(operand)
            case ast.BinOp(op=ast.BitXor()):
                raise ExpressionError(f'"{_short(tree)}": a power is written with **, as in x**2')
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return operation(_BINARY[type(op)], tree, [read(left), read(right)])
            case ast.Call(func=ast.Name(id=name)):
                return call(name, tree)
        raise ExpressionError(f'"{_short(tree)}" can\'t be drawn: use + - * / ** and {", ".join(_FUNCTIONS)}')

    def call(name, tree):
        if name not in _FUNCTIONS:
            hint = f", or {name} * (…) if {name} is a variable" if len(name) < 3 else ""
            raise ExpressionError(f"there is no function {name}: use {', '.join(_FUNCTIONS)}{hint}")
        if tree.keywords or any(isinstance(argument, ast.Starred) for argument in tree.args):
            raise ExpressionError(f'"{_short(tree)}": only plain arguments between the brackets')
        wanted = "two arguments or more" if name == "max" else "one argument"
        if len(tree.args) < 2 if name == "max" else len(tree.args) != 1:
            raise ExpressionError(f'"{_short(tree)}": {name} takes {wanted}')
        if name != "max":
            return operation(name, tree, [read(tree.args[0])])
        largest = read(tree.args[0])
        for count, other in enumerate(tree.args[1:], 2):
            part = ast.Call(func=tree.func, args=tree.args[:count], keywords=[])
            largest = operation("max", part, [largest, read(other)])
        return largest

    try:
        for statement in statements:
            if isinstance(statement, ast.Assign):
                name = statement.targets[0].id
                result = read(statement.value)
                if name in known:
                    raise ExpressionError(f"{name} has a meaning already: give the result another name")
                known[name] = result
                if isinstance(result, int) and nodes[result].kind != "variable":
                    nodes[result].name = nodes[result].name or name
            else:
                result = read(statement.value)
    except RecursionError:
        raise ExpressionError("too many brackets within brackets") from None
    if isinstance(result, float):
        raise ExpressionError(f"there is no variable in it: it is always {_say(result)}")
    if nodes[result].kind == "variable":
        raise ExpressionError("it is a variable alone: there is nothing to calculate")
    return _reachable(nodes, result)


def _parse(text):
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError("there is no expression: type one, such as (x + y) * z")
    if len(text) > 400:
        raise ExpressionError("the expression is longer than 400 characters")
    plain = text.translate(_SIGNS).strip()
    try:
        statements = ast.parse(plain).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if plain.count("(") != plain.count(")"):
            many, few = ("(", ")") if plain.count("(") > plain.count(")") else (")", "(")
            words = f"{plain.count(many)} times {many} but {plain.count(few)} times {few}"
            raise ExpressionError(f"brackets don't match: {words}") from None
        where = f" near character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        raise ExpressionError(
            f"it can't be read{where}: is a sign missing? A product is written with *, as in 2 * x"
        ) from None
    for number, statement in enumerate(statements, 1):
        match statement:
            case ast.Expr() if number == len(statements):
                pass
            case ast.Assign(targets=[ast.Name(id=name)]):
                if name in _FUNCTIONS:
                    raise ExpressionError(f"{name} is a function's name: choose another")
            case ast.Expr():
                raise ExpressionError(f'give "{_short(statement.value)}" a name, as in q = {_short(statement.value)}')
            case _:
                raise ExpressionError('only expressions, and names for parts of them, as in "q = x + y; q * z"')
    if not statements:
        raise ExpressionError("there is no expression: type one, such as (x + y) * z")
    return statements


def _short(tree):
    text = ast.unparse(tree)
    return text if len(text) <= 40 else text[:37] + "…"


def _number(value, source):
    if not math.isfinite(value):
        raise ExpressionError(f'"{_short(source)}" is too large')
    return value


def _reachable(nodes, result):
    """Drop nodes that the result doesn't depend on, and number the others anew."""
    wanted, todo = set(), [result]
    while todo:
        at = todo.pop()
        if at not in wanted:
            wanted.add(at)
            todo += [read for _, read in nodes[at].inputs]
    new = {old: number for number, old in enumerate(sorted(wanted))}
    for old in wanted:
        nodes[old].arguments = [new[a] if isinstance(a, int) else a for a in nodes[old].arguments]
    return [nodes[old] for old in sorted(wanted)]


def _calculate(kind, numbers):
    """One operation; raises ExpressionError where it has no value."""
    a, b = (*numbers, 0.0)[:2]
    try:
        match kind:
            case "negate":
                value = -a
            case "+":
                value = a + b
            case "−":
                value = a - b
            case "×":
                value = a * b
            case "÷":
                value = a / b
            case "**":
                value = a**b
            case "relu":
                value = max(a, 0.0)
            case "max":
                value = max(a, b)
            case "sigmoid":
                value = 1 / (1 + math.exp(-a)) if a > -700 else 0.0
            case "log" if a <= 0:
                raise ExpressionError(f"log({_say(a)}) doesn't exist: its argument must be above 0")
            case _:
                value = getattr(math, kind)(a)
    except ZeroDivisionError:
        power = kind == "**"
        raise ExpressionError(f"0 to the power {_say(b)} doesn't exist" if power else "division by 0") from None
    except OverflowError:
        raise ExpressionError(f"the value of {kind} is too large") from None
    if isinstance(value, complex):
        raise ExpressionError(f"({_say(a)}) to the power {_say(b)} is no real number")
    if not math.isfinite(value):
        raise ExpressionError(f"the value of {kind} is too large")
    return float(value)


def forward(graph, values):
    """Calculate the value of every node.

    Parameters
    ----------
    graph : list of Step
    values : dict of str to float
        Of each variable.

    Returns
    -------
    list of float

    Examples
    --------
    >>> forward(read_expression("(x + y) * z"), {"x": -2, "y": 5, "z": -4})
    [-2.0, 5.0, 3.0, -4.0, -12.0]
    """
    known = []
    for node in graph:
        if node.kind == "variable":
            if node.name not in values:
                raise ExpressionError(f"{node.name} has no value")
            known.append(float(values[node.name]))
        else:
            known.append(_calculate(node.kind, _arguments(node, known)))
    return known


def _arguments(node, known):
    return [known[a] if isinstance(a, int) else a for a in node.arguments]


def local_gradients(node, known):
    """Give the derivative of a node's value with respect to each of its arguments, with the rule in words.

    Parameters
    ----------
    node : Step
    known : list of float
        The values of all nodes before it.

    Returns
    -------
    list of (float, str)
    """
    a, b = (*_arguments(node, known), 0.0)[:2]
    match node.kind:
        case "negate":
            return [(-1.0, "a change of sign passes −1")]
        case "+":
            return [(1.0, "a sum passes 1")] * 2
        case "−":
            return [(1.0, "the first term passes 1"), (-1.0, "what is subtracted passes −1")]
        case "×":
            return [(b, "the other factor"), (a, "the other factor")]
        case "÷":
            return [(1 / b, "1 / denominator"), (-a / b**2, "−numerator / denominator²")]
        case "**":
            base = b * _calculate("**", [a, b - 1]) if b else 0.0
            power = 0.0
            if isinstance(node.arguments[1], int):
                if a <= 0:
                    raise ExpressionError(
                        f"the base of {node.text} is {_say(a)}: the derivative with respect to a power exists only for "
                        "a base above 0"
                    )
                power = a**b * math.log(a)
            return [(base, "power · base^(power − 1)"), (power, "value · log(base)")]
        case "exp":
            return [(math.exp(a), "the value itself")]
        case "log":
            return [(1 / a, "1 / input")]
        case "relu":
            return [(1.0, "positive input: passes 1") if a > 0 else (0.0, "no positive input: passes 0")]
        case "tanh":
            return [(1 - math.tanh(a) ** 2, "1 − value²")]
        case "sigmoid":
            value = _calculate("sigmoid", [a])
            return [(value * (1 - value), "value · (1 − value)")]
        case "sin":
            return [(math.cos(a), "cos(input)")]
        case "cos":
            return [(-math.sin(a), "−sin(input)")]
        case "max":
            if a == b:
                return [(0.5, "a tie: by convention a half each")] * 2
            return [
                (1.0, "the larger input: passes 1") if mine > other else (0.0, "the smaller input: passes 0")
                for mine, other in ((a, b), (b, a))
            ]
    raise AssertionError(node.kind)


def backward(graph, known):
    """Calculate all gradients of the last node.

    Parameters
    ----------
    graph : list of Step
    known : list of float
        Their values, from `forward`.

    Returns
    -------
    gradients : list of float
        Of the result with respect to each node.
    edges : list of tuple
        In the order of calculation (consumer, slot, node, local, rule, downstream): what flows from a consumer back to
        the node that it read.

    Examples
    --------
    >>> graph = read_expression("(x + y) * z")
    >>> backward(graph, forward(graph, {"x": -2, "y": 5, "z": -4}))[0]
    [-4.0, -4.0, -4.0, 3.0, 1.0]
    """
    gradients = [0.0] * len(graph)
    gradients[-1] = 1.0
    edges = []
    for consumer in range(len(graph) - 1, -1, -1):  # each node is complete before it passes its gradient on
        node = graph[consumer]
        if not node.inputs:
            continue
        try:
            local = local_gradients(node, known)
        except OverflowError:
            raise ExpressionError(f"the derivative of {node.kind} is too large") from None
        except ZeroDivisionError:
            raise ExpressionError(f"{node.text} has no derivative here") from None
        for slot, read in node.inputs:
            slope, rule = local[slot]
            downstream = slope * gradients[consumer]
            if not math.isfinite(downstream):
                raise ExpressionError(f"the derivative of {node.kind} is too large")
            gradients[read] += downstream
            edges.append((consumer, slot, read, slope, rule, downstream))
    return gradients, edges


def arrange(graph):
    """Say where the nodes are drawn: in layers from left to right, each to the right of all that it reads.

    Parameters
    ----------
    graph : list of Step

    Returns
    -------
    places : list of (int, float)
        Layer and height of each node; heights in one layer differ by 1 at least, and the least height is 0.
    bends : dict of (int, int) to list of (int, float)
        For an edge (consumer, slot) that passes layers, the places it passes them at, left to right.

    Examples
    --------
    >>> places, bends = arrange(read_expression("(x + y) * z"))
    >>> [layer for layer, _ in places]
    [0, 0, 1, 1, 2]
    """
    layer = [0] * len(graph)
    for at, node in enumerate(graph):
        layer[at] = 1 + max((layer[read] for _, read in node.inputs), default=-1)
    for at, node in enumerate(graph):  # a variable stands just before its first use
        if node.kind == "variable":
            layer[at] = min(layer[c] for c, consumer in enumerate(graph) if at in consumer.arguments) - 1
    columns = [[] for _ in range(max(layer) + 1)]
    neighbours = {}

    def link(left, right):
        neighbours.setdefault(left, ([], []))[1].append(right)
        neighbours.setdefault(right, ([], []))[0].append(left)

    for at in range(len(graph)):
        columns[layer[at]].append(at)
    passing = {}
    for consumer, node in enumerate(graph):
        for slot, read in node.inputs:
            between = [(consumer, slot, column) for column in range(layer[read] + 1, layer[consumer])]
            for point in between:
                columns[point[2]].append(point)
            chain = [read, *between, consumer]
            for left, right in pairwise(chain):
                link(left, right)
            passing[consumer, slot] = between
    _order(columns, neighbours, graph)
    heights = _heights(columns, neighbours)
    lowest = min(heights.values())
    places = [(layer[at], heights[at] - lowest) for at in range(len(graph))]
    bends = {
        edge: [(point[2], heights[point] - lowest) for point in points] for edge, points in passing.items() if points
    }
    return places, bends


def _order(columns, neighbours, graph):
    """Sort each column so that few edges cross: as the inputs are read, then by the mean of the neighbours."""
    rank = {}

    def visit(at):
        if at not in rank:
            for _, read in graph[at].inputs:
                visit(read)
            rank[at] = len(rank)

    visit(len(graph) - 1)
    for column in columns:
        column.sort(key=lambda at: rank[at] if isinstance(at, int) else rank[graph[at[0]].arguments[at[1]]])
    best, fewest = [list(column) for column in columns], _crossings(columns, neighbours)
    for sweep in range(12):
        side = sweep % 2  # 0: left neighbours, from left to right; 1: right neighbours, from right to left
        for column in columns[:: -1 if side else 1]:
            position = {at: i for other in columns for i, at in enumerate(other)}
            means = {
                at: np.mean([position[n] for n in neighbours[at][side]]) if neighbours[at][side] else position[at]
                for at in column
            }
            column.sort(key=means.get)
        crossings = _crossings(columns, neighbours)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    columns[:] = best


def _crossings(columns, neighbours):
    position = {at: i for column in columns for i, at in enumerate(column)}
    count = 0
    for column in columns:
        edges = [(position[at], position[right]) for at in column for right in neighbours[at][1]]
        count += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for i, a in enumerate(edges) for b in edges[:i])
    return count


def _heights(columns, neighbours):
    heights = {at: i - (len(column) - 1) / 2 for column in columns for i, at in enumerate(column)}
    for sweep in range(40):
        for column in columns[:: -1 if sweep % 2 else 1]:
            wanted = [np.mean([heights[n] for side in neighbours[at] for n in side]) for at in column]
            placed = []
            for i, want in enumerate(wanted):
                placed.append(want if i == 0 else max(want, placed[-1] + 1))
            shift = np.mean(wanted) - np.mean(placed)
            for at, height in zip(column, placed, strict=True):
                heights[at] = float(height + shift)
    return heights


def _say(value, digits=4):
    """A number in few characters, with a proper minus sign."""
    text = f"{value:.{digits}g}" if value == 0 or 1e-4 <= abs(value) < 1e5 else f"{value:.2e}"
    return ("0" if text in ("-0", "0") else text).replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


_SYMBOLS = {"negate": "× (−1)", "**": "^"}


def _label(node):
    """What stands in a node's shape: the operation, with its constant if it has one."""
    if node.kind == "variable":
        return node.name
    sign = _SYMBOLS.get(node.kind, node.kind)
    constants = [_say(a) if isinstance(a, float) else None for a in node.arguments]
    if node.kind == "max":
        return "max" if constants == [None, None] else f"max with {constants[0] or constants[1]}"
    if len(constants) == 2 and constants != [None, None]:
        brackets = [f"({c})" if c and c.startswith("−") else c or "" for c in constants]
        return f"{brackets[0]} {sign} {brackets[1]}".strip()
    return sign


def _mistakes(local, upstream, downstream):
    """Wrong answers that usual mistakes lead to, each with what to look at."""
    pairs = [
        (-downstream, "Look at the sign."),
        (local, f"{_say(local)} is the local gradient alone: multiply it by the upstream gradient, {_say(upstream)}."),
        (upstream, f"{_say(upstream)} is what arrives from upstream: multiply it by the local gradient."),
        (local + upstream, "Local and upstream gradients are multiplied, not added."),
    ]
    return [[value, words] for value, words in pairs if not _close(value, downstream)]


def _close(a, b):
    return abs(a - b) <= max(0.005 * abs(b), 0.0005 if b else 1e-9)


def describe(text, values):
    """Collect all that the browser draws: nodes, edges, places, numbers and words.

    Parameters
    ----------
    text : str
        The expression.
    values : dict of str to float
        Of its variables.

    Returns
    -------
    dict
        Plain lists, numbers and strings. ``operations`` are the nodes in the order of the forward steps; ``edges`` are
        in the order of the backward steps.
    """
    graph = read_expression(text)
    known = forward(graph, values)
    gradients, edges = backward(graph, known)
    places, bends = arrange(graph)
    nodes = []
    for at, node in enumerate(graph):
        consumers = [i for i, edge in enumerate(edges) if edge[2] == at]
        numbers = [_say(a) for a in _arguments(node, known)]
        nodes.append(
            {
                "label": _label(node),
                "name": node.name or (node.text if len(node.text) <= 22 else node.text[:20] + "…"),
                "named": bool(node.name),
                "text": node.text,
                "variable": node.kind == "variable",
                "layer": places[at][0],
                "height": round(places[at][1], 4),
                "value": known[at],
                "said": _say(known[at]),
                "sum": _with_numbers(node, numbers),
                "gradient": gradients[at],
                "gradientSaid": _say(gradients[at]),
                "consumers": consumers,  # edges by number: they bring the gradient
                "inputs": [i for i, edge in enumerate(edges) if edge[0] == at],
            }
        )
    return {
        "nodes": nodes,
        "operations": [at for at, node in enumerate(graph) if node.kind != "variable"],
        "edges": [
            {
                "to": consumer,
                "slot": slot,
                "from": read,
                "twin": sum(other[0] == consumer and other[2] == read for other in edges) > 1,
                "bends": [[column, round(height, 4)] for column, height in bends.get((consumer, slot), [])],
                "local": local,
                "localSaid": _say(local),
                "rule": rule,
                "downstream": downstream,
                "said": _say(downstream),
                "mistakes": _mistakes(local, gradients[consumer], downstream),
            }
            for consumer, slot, read, local, rule, downstream in edges
        ],
        "layers": 1 + max(column for column, _ in places),
        "height": max([h for _, h in places] + [h for points in bends.values() for _, h in points]),
        "result": graph[-1].name or "f",
    }


def _with_numbers(node, numbers):
    signed = [f"({number})" if number.startswith("−") else number for number in numbers]
    match node.kind:
        case "variable":
            return ""
        case "negate":
            return f"−{signed[0]}"
        case "+" | "−" | "×" | "÷":
            return f"{numbers[0]} {node.kind} {signed[1]}"
        case "**":
            return f"{signed[0]} to the power {numbers[1]}"
    return f"{node.kind}({', '.join(numbers)})"


class GraphExplorer(Explorer):
    """Step through a computation graph: forward for the values, backward for the gradients.

    Type an expression and values for its variables. *Forward step* calculates one node. *Backward step* asks which
    gradient flows along the next edge, and then shows it. Click a node, or choose it in the list, for its local,
    upstream and downstream gradients.

    Parameters
    ----------
    expression : str
        With names, numbers, + − * / **, brackets and exp, log, relu, tanh, sigmoid, sin, cos, max. Parts may have
        names: ``q = x + y; q * z``.
    values : dict of str to float, optional
        Of the variables; 1 for those not given.
    step : int
        How many steps have been made: first one for each operation, then one for the gradient 1 of the result, then
        one for each edge.
    predict : bool
        Whether a backward step asks for a guess first.

    Attributes
    ----------
    expression, values, step, predict
        As above; in step with the browser, readable and settable.
    selected : int
        The node whose gradients are told, −1 for none; nodes are numbered as in `gradients`.
    steps : int
        How many steps there are. Read only.
    result : float
        The value of the expression. Read only.
    gradients : dict of str to float
        Of the result with respect to each variable. Read only.
    error : str
        What is wrong with the expression typed last, empty if nothing is.

    Examples
    --------
    >>> explorer = GraphExplorer("(x + y) * z", {"x": -2, "y": 5, "z": -4})
    >>> explorer.result, explorer.gradients
    (-12.0, {'x': -4.0, 'y': -4.0, 'z': 3.0})
    """

    _esm = browser_module("drawing.js", "computation_graph.js")
    _css = style_sheet() + (
        """
.vl-graph .vl-bar + *, .vl-graph [data-problem] + .vl-bar { margin-top: 10px; }
.vl-graph .vl-field { display: flex; flex-direction: column; gap: 2px; }
.vl-graph .vl-field input { min-height: 28px; padding: 2px 8px; border: 1px solid var(--vl-rule); border-radius: 6px;
  background: var(--vl-paper); color: var(--vl-ink); font: inherit; font-variant-numeric: tabular-nums; }
.vl-graph .vl-field input[aria-invalid="true"] { border-color: var(--vl-wrong); }
.vl-graph .vl-expression { flex: 1 1 320px; }
.vl-graph .vl-expression input { font-family: var(--jp-code-font-family, monospace); }
.vl-graph .vl-number { width: 84px; }
.vl-graph .vl-number input { width: 100%; }
.vl-graph .vl-stage { overflow-x: auto; }
.vl-graph .vl-stage > svg { width: auto; height: auto; max-width: none; margin: 0 auto; }
.vl-graph .vl-edge { fill: none; stroke: var(--vl-soft); stroke-width: 1.5; }
.vl-graph .vl-edge-now { stroke: var(--vl-window); stroke-width: 3; }
.vl-graph .vl-tip { fill: var(--vl-soft); }
.vl-graph .vl-node { cursor: pointer; }
.vl-graph .vl-node rect { fill: var(--vl-paper); stroke: var(--vl-soft); stroke-width: 1.5; }
.vl-graph .vl-node.vl-variable rect { fill: var(--vl-well); }
.vl-graph .vl-node.vl-now rect { stroke: var(--vl-window); stroke-width: 3; }
.vl-graph .vl-node.vl-picked rect { stroke: var(--vl-accent); stroke-width: 3; }
.vl-graph .vl-node text { text-anchor: middle; dominant-baseline: central; font-size: 14px; }
.vl-graph .vl-stage .vl-above, .vl-graph .vl-stage .vl-below { font-size: 13px; font-weight: 600; text-anchor: middle;
  paint-order: stroke; stroke: var(--vl-paper); stroke-width: 4px; stroke-linejoin: round; }
.vl-graph .vl-stage .vl-above { fill: var(--vl-right); }
.vl-graph .vl-stage .vl-below { fill: var(--vl-wrong); }
.vl-graph .vl-stage .vl-asked { fill: var(--vl-window); }
.vl-graph .vl-key-value { color: var(--vl-right); font-weight: 600; }
.vl-graph .vl-key-gradient { color: var(--vl-wrong); font-weight: 600; }
.vl-graph .vl-question { display: flex; flex-wrap: wrap; gap: 8px 10px; align-items: end; margin-top: 10px;
  padding: 8px 12px; border-left: 4px solid var(--vl-window); background: var(--vl-well); border-radius: 0 6px 6px 0; }
.vl-graph .vl-question[hidden] { display: none; }
.vl-graph .vl-question p { flex: 1 1 100%; margin: 0; }
.vl-graph .vl-said { min-height: 2.9em; }
.vl-graph ul { margin: 4px 0 0; padding-left: 1.3em; }
"""
    )

    step = Whole(0, 0).tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    predict = traitlets.Bool(True).tag(sync=True)
    expression = traitlets.Unicode().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    typed = traitlets.Dict(help="What the browser asks for: an expression and values").tag(sync=True)
    graph = traitlets.Dict(help="What is drawn; see `describe`").tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    tally = traitlets.List([0, 0], help="Guesses right at the first try, and gradients asked for").tag(sync=True)

    steps = traitlets.Int(read_only=True)
    result = traitlets.Float(read_only=True)
    gradients = traitlets.Dict(read_only=True)

    def __init__(self, expression="(x + y) * z", values=None, *, step=0, predict=True):
        given = _values(expression, {} if values is None else values, strict=True)
        graph = describe(expression, given)
        super().__init__(expression=expression, values=given, predict=predict)
        self._take(graph)
        self.step = step

    def _take(self, graph):
        self.set_trait("steps", len(graph["operations"]) + 1 + len(graph["edges"]))
        self.set_trait("result", graph["nodes"][-1]["value"])
        self.set_trait("gradients", {n["label"]: n["gradient"] for n in graph["nodes"] if n["variable"]})
        self.graph, self.error = graph, ""

    def _change(self, expression, values):
        new_graph = expression != self.expression
        graph = describe(expression, values)
        with self.hold_trait_notifications(), self.hold_sync():
            if new_graph:
                self.selected, self.tally = -1, [0, 0]
            self.step = 0
            self._take(graph)
            self.expression, self.values = expression, values

    @traitlets.validate("expression")
    def _check_expression(self, proposal):
        try:
            describe(proposal["value"], _values(proposal["value"], self.values))
        except ExpressionError as error:
            raise traitlets.TraitError(f"expression is {proposal['value']!r}: {error}") from None
        return proposal["value"]

    @traitlets.validate("values")
    def _check_values(self, proposal):
        try:
            values = _values(self.expression, proposal["value"])
            describe(self.expression, values)
        except ExpressionError as error:
            raise traitlets.TraitError(f"values is {proposal['value']!r}: {error}") from None
        return values

    @traitlets.validate("step")
    def _check_step(self, proposal):
        if self.steps and proposal["value"] > self.steps:
            raise traitlets.TraitError(f"step is {proposal['value']}: there are {self.steps} steps")
        return proposal["value"]

    @traitlets.validate("selected")
    def _check_selected(self, proposal):
        count = len(self.graph.get("nodes", ()))
        if not -1 <= proposal["value"] < max(count, 1):
            raise traitlets.TraitError(f"selected is {proposal['value']}: there are {count} nodes, −1 means none")
        return proposal["value"]

    @traitlets.observe("expression", "values")
    def _settle(self, change):
        if not self.graph:
            return
        values = _values(self.expression, self.values)
        graph = describe(self.expression, values)
        if graph != self.graph:
            self.selected, self.step = -1, 0
            self._take(graph)
            self.values = values

    @traitlets.observe("typed")
    def _follow(self, change):
        typed = change["new"]
        try:
            expression = str(typed.get("expression", self.expression))
            self._change(expression, _values(expression, typed.get("values", self.values)))
        except ExpressionError as error:
            self.error = str(error)

    def _description(self):
        gradients = ", ".join(f"{_say(value)} with respect to {name}" for name, value in self.gradients.items())
        given = ", ".join(f"{name} = {_say(value)}" for name, value in self.values.items())
        return (
            f"Computation graph of {self.expression} with {given}: {len(self.graph['operations'])} operations, value "
            f"{_say(self.result)}, gradients {gradients}. In JupyterLab you step through it and guess each gradient."
        )

    def _figure(self):
        return draw_graph(
            self.graph,
            f"{self.expression}      {',  '.join(f'{name} = {_say(value)}' for name, value in self.values.items())}",
            "Values above the edges, gradients below. In JupyterLab this picture is live: type any expression,\n"
            "step forward and backward, guess each gradient before it is shown.",
        )


def _values(expression, values, strict=False):
    """The values of the expression's variables, 1 where none is given."""
    if not isinstance(values, dict):
        raise ExpressionError(f"values is {values!r}: give a dict such as {{'x': -2.0}}")
    names = [node.name for node in read_expression(expression) if node.kind == "variable"]
    if strict and set(values) - set(names):
        extra = ", ".join(sorted(map(str, set(values) - set(names))))
        raise ExpressionError(f"there is no variable {extra} in {expression}: it has {', '.join(names)}")
    found = {}
    for name in names:
        try:
            found[name] = float(values.get(name, 1.0))
        except (TypeError, ValueError):
            raise ExpressionError(f"{name} is {values[name]!r}: give a number") from None
        if not abs(found[name]) <= 1e6:
            raise ExpressionError(f"{name} is {_say(found[name])}: give a number between −1000000 and 1000000")
    return found


def draw_graph(graph, title, caption=""):
    """Draw a graph with all its values and gradients.

    Parameters
    ----------
    graph : dict
        From `describe`.
    title, caption : str
        Lines above and below it.

    Returns
    -------
    matplotlib.figure.Figure
    """
    halves = [max(0.2, 0.05 * len(node["label"]) + 0.1) for node in graph["nodes"]]
    widest = [0.2] * graph["layers"]  # half of the widest node in each layer
    for node, half in zip(graph["nodes"], halves, strict=True):
        widest[node["layer"]] = max(widest[node["layer"]], half)
    gap = min(1.3, max(0.75, (8.2 - 2 * sum(widest)) / graph["layers"]))  # inches between layers: room for a number
    digits = 4 if gap > 0.9 else 3
    centres = [widest[0]]
    for before, after in pairwise(widest):
        centres.append(centres[-1] + before + gap + after)
    down = 0.85
    across = centres[-1] + widest[-1] + 0.6  # with the arrow at the end
    width = max(5.5, across + 0.6)
    height = down * (graph["height"] + 1) + 0.45 + 0.42 * bool(caption)
    fig = plt.figure(figsize=(width, height), layout="none")
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    left = (width - across) / 2

    def spot(layer, up):
        return left + centres[layer], 0.45 + down * (up + 0.5)

    halo = {"bbox": {"fc": "white", "ec": "none", "pad": 0.6}, "fontsize": 9, "ha": "center", "zorder": 3}
    spots = [spot(node["layer"], node["height"]) for node in graph["nodes"]]
    for edge in graph["edges"]:
        x, y = spots[edge["from"]]
        ends = [(x + halves[edge["from"]], y), *(spot(*bend) for bend in edge["bends"])]
        x, y = spots[edge["to"]]
        ends.append((x - halves[edge["to"]], y))
        lift = (0.3 if edge["slot"] else -0.3) if edge["twin"] else 0.0
        points, codes = [ends[0]], [Curve.MOVETO]
        for (x0, y0), (x1, y1) in pairwise(ends):
            bow = 0.45 * (x1 - x0)
            points += [(x0 + bow, y0 + lift), (x1 - bow, y1 + lift), (x1, y1)]
            codes += [Curve.CURVE4] * 3
        ax.add_patch(PathPatch(Curve(points, codes), fc="none", ec=plots.GREY, lw=1.2, zorder=1))
        ax.annotate("", ends[-1], (ends[-1][0] - 0.02, ends[-1][1]), arrowprops={"arrowstyle": "-|>", "fc": plots.GREY})
        # Numbers keep clear of the end where other edges are close; where several begin they stand in the middle.
        (x0, y0), (x1, y1) = ends[:2]
        several = len(graph["nodes"][edge["from"]]["consumers"]) > 1
        over, along, raised = (0.5, 0.5, 0.75) if several else (0.39 if digits == 4 else 0.47, 0.3, 0.69)
        x, y = x0 + over * (x1 - x0), y0 + along * (y1 - y0) + raised * lift
        value = _say(graph["nodes"][edge["from"]]["value"], digits)
        ax.text(x, y - 0.04, value, color=plots.GREEN, va="bottom", **halo)
        ax.text(x, y + 0.05, _say(edge["downstream"], digits), color=plots.VERMILLION, va="top", **halo)
    for node, (x, y), half in zip(graph["nodes"], spots, halves, strict=True):
        shape = FancyBboxPatch((x - half, y - 0.18), 2 * half, 0.36, boxstyle="round,pad=0,rounding_size=0.16")
        shape.set(fc="#EEF0F3" if node["variable"] else "white", ec=plots.BLACK, lw=1.1, zorder=4)
        ax.add_patch(shape)
        ax.text(x, y, node["label"], ha="center", va="center", fontsize=10, zorder=5)
        if len(node["consumers"]) > 1:
            total = f"Σ = {_say(node['gradient'], digits)}"
            ax.text(x, y + 0.22, total, color=plots.VERMILLION, va="top", **halo)
    (x, y), half = spots[-1], halves[-1]
    ax.annotate(
        "", (x + half + 0.42, y), (x + half, y), arrowprops={"arrowstyle": "-|>", "color": plots.GREY, "shrinkA": 0}
    )
    ax.text(
        x + half + 0.24, y - 0.05, _say(graph["nodes"][-1]["value"], digits), color=plots.GREEN, va="bottom", **halo
    )
    ax.text(x + half + 0.24, y + 0.06, "1", color=plots.VERMILLION, va="top", **halo)
    ax.text(0.08, 0.08, title, fontsize=10.5, va="top")
    if caption:
        ax.text(0.08, height - 0.06, caption, fontsize=8, color=plots.GREY, va="bottom")
    return fig


def gradient_sizes(depth, scale, activation="tanh", width=64, images=32):
    """Measure how large the gradient is at each layer of a stack of random layers that reads digits.

    Parameters
    ----------
    depth : int
        Number of layers z_i = φ(W_i z_{i−1}).
    scale : float
        The weights are normal with standard deviation scale / √width.
    activation : {"tanh", "relu", "none"}
        φ.
    width : int
        Length of every z_i.
    images : int
        How many digits are sent through; the gradients' sizes are averaged over them.

    Returns
    -------
    sizes : numpy.ndarray
        Of shape (depth + 1,): the length of the gradient with respect to z_0, …, z_n, where it is 1.
    singular : numpy.ndarray
        The singular values of the first layer's Jacobian for the first image, the largest first.

    Examples
    --------
    >>> sizes, singular = gradient_sizes(10, 0.5)
    >>> bool(sizes[0] < 0.01), float(sizes[-1].round(6))
    (True, 1.0)
    """
    if activation not in ("tanh", "relu", "none"):
        raise ValueError(f"activation is {activation!r}: it must be 'tanh', 'relu' or 'none'")
    rng = np.random.default_rng(0)
    pixels = _digits()[:images].reshape(images, -1) / 255.0
    pixels = (pixels - pixels.mean()) / pixels.std()
    z = pixels @ rng.normal(size=(pixels.shape[1], width)) / np.sqrt(pixels.shape[1])
    layers = []
    for _ in range(depth):
        weights = scale * rng.normal(size=(width, width)) / np.sqrt(width)
        before = z @ weights.T
        z = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0), "none": lambda x: x}[activation](before)
        slopes = {"tanh": lambda: 1 - z**2, "relu": lambda: (before > 0) * 1.0, "none": lambda: np.ones_like(z)}  # noqa: B023
        layers.append((weights, slopes[activation]()))
    upstream = rng.normal(size=z.shape)
    upstream /= np.linalg.norm(upstream, axis=1, keepdims=True)
    sizes = [1.0]
    for weights, slopes in reversed(layers):
        upstream = (upstream * slopes) @ weights
        sizes.append(np.linalg.norm(upstream, axis=1).mean())
    weights, slopes = layers[0]
    return np.array(sizes[::-1]), np.linalg.svd(slopes[0][:, None] * weights, compute_uv=False)


def _with_power(value):
    """A number with two digits; a small or large one as a product with a power of ten, such as 1.1 × 10⁻⁸."""
    digits, _, power = f"{value:.2g}".partition("e")
    raised = str(int(power or 0)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10{raised}" if power else digits


def _digits():
    return datasets.load("mnist", split="test").images


class DepthExplorer(Illustrated):
    """Sliders for the depth and the weights of a stack of layers, and the size of the gradient at each layer.

    Parameters
    ----------
    depth : int
        Number of layers, 1 … 50.
    scale : float
        The weights' standard deviation times the root of the width, 0.2 … 3.
    activation : {"tanh", "relu", "none"}

    Attributes
    ----------
    sizes : numpy.ndarray
        Length of the gradient with respect to z_0, …, z_n; see `gradient_sizes`.

    Examples
    --------
    >>> explorer = DepthExplorer(depth=20, scale=0.5)
    >>> bool(explorer.sizes[0] < 1e-5)
    True
    """

    def __init__(self, depth=20, scale=1.0, activation="tanh"):
        if not 1 <= depth <= 50:
            raise ValueError(f"depth is {depth}: it must be from 1 to 50")
        if not 0.2 <= scale <= 3:
            raise ValueError(f"scale is {scale}: it must be from 0.2 to 3")
        if activation not in ("tanh", "relu", "none"):
            raise ValueError(f"activation is {activation!r}: it must be 'tanh', 'relu' or 'none'")
        self.depth = Slider(depth, 1, 50, description="depth n")
        self.scale = Slider(scale, 0.2, 3, step=0.05, description="scale of the weights")
        self.activation = Menu(activation, ["tanh", "relu", "none"], description="activation")
        self._picture = ipywidgets.HTML()
        row = ipywidgets.HBox([self.depth, self.scale, self.activation], layout={"flex_flow": "row wrap"})
        figure = self._draw()
        self._show(plots.png(figure))
        caption = "In JupyterLab sliders change the depth and the scale of the weights, a menu the activation."
        figure.text(0.01, -0.03, caption, fontsize=8, color=plots.GREY)
        super().__init__([row, self._picture], figure, self._described())
        for control in (self.depth, self.scale, self.activation):
            control.observe(lambda _: self._redraw(), "value")

    def _draw(self):
        self.sizes, self.singular = gradient_sizes(self.depth.value, self.scale.value, self.activation.value)
        with plt.rc_context():
            plots.use_style()
            fig, ax = plt.subplots(figsize=(7.6, 3.2))
            tiny = 1e-30
            ax.semilogy(np.arange(len(self.sizes)), np.maximum(self.sizes, tiny), "o-", color=plots.VERMILLION)
            ax.axhline(1, color=plots.GREY, lw=1)
            low, high = min(self.sizes.min(), 1e-3), max(self.sizes.max(), 1e3)
            ax.set(
                xlabel="layer $i$ (0 is the input)", ylabel="length of $g(z_i)$", ylim=(max(low, tiny) / 3, high * 3)
            )
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
            ax.set_title(self._said(), fontsize=10.5)
        return fig

    def _said(self):
        n = self.depth.value
        return (
            f"{n} {({'none': 'linear', 'relu': 'ReLU'}).get(self.activation.value, 'tanh')} layers, scale "
            f"{self.scale.value:.2f}: the gradient is {_with_power(self.sizes[0])} times as long at the input\n"
            f"Singular values of the first layer's Jacobian: {self.singular[0]:.2f} to {self.singular[-1]:.3f}"
        )

    def _described(self):
        words = self._said().replace("\n", ". ")
        return f"Length of the gradient at each layer, on a logarithmic axis. {words}."

    def _redraw(self):
        figure = self._draw()
        self._show(plots.png(figure))
        plt.close(figure)

    def _show(self, picture):
        encoded = base64.b64encode(picture).decode()
        width = int.from_bytes(picture[16:20]) * 100 // 110
        self._picture.value = (
            f'<img src="data:image/png;base64,{encoded}" alt="{html.escape(self._described())}" width="{width}" '
            'style="max-width:100%;height:auto;border-radius:4px">'
        )
