"""A graph walked back by hand, and the order in which any graph is walked."""

from collections import Counter

from autograder.exercise import Bug, Case, Correct, Exercise
from visionlab.checks.draws import quarters, whole

# ---------------------------------------------------------------------------------------------------------------------
# gradients_by_hand


def by_name(student, x, y, z):
    """The four results under their names, with the numbers they belong to."""
    f, g_x, g_y, g_z = student(x, y, z)
    at = f"at x = {x:g}, y = {y:g}, z = {z:g}"
    return {f"f {at}": f, f"g_x {at}": g_x, f"g_y {at}": g_y, f"g_z {at}": g_z}


def hand_small(student, rng):
    """x = 1, y = 2, z = 3"""
    return by_name(student, 1.0, 2.0, 3.0)


def hand_slides(student, rng):
    """the numbers of the slides: x = −2, y = 5, z = −4"""
    return by_name(student, -2.0, 5.0, -4.0)


def hand_zero(student, rng):
    """x = 0, where nothing comes back from the square"""
    return by_name(student, 0.0, 3.0, 2.0)


def hand_quarters(student, rng):
    """x = 0.5, y = −1.25, z = 1.5"""
    return by_name(student, 0.5, -1.25, 1.5)


def hand_drawn(student, rng):
    """numbers drawn at random"""
    seen = {}
    for numbers in [*whole(rng, 3, 3, low=-5, high=5), *quarters(rng, 3, 3)]:
        seen |= by_name(student, *map(float, numbers))
    return seen


GRADIENTS_BY_HAND = Exercise(
    "gradients_by_hand",
    points=2,
    cases=[
        Case(hand_small),
        Case(hand_slides),
        Case(hand_zero),
        Case(hand_quarters),
        Case(hand_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "gradient of a shared value overwritten",
            "x and z are used twice, in `a` or `b` and in `c`, and you kept only what comes back from `c`. "
            "What comes back from several places is *added*.",
            ("g_a + g_c * z", "g_c * z"),
            ("g_b * a + g_c * x", "g_c * x"),
        ),
        Bug(
            "second use of x and z forgotten",
            "x and z are used twice, and you followed only the way through the sum `a`. The product `c` sends "
            "something back as well, and it is *added*.",
            ("g_a + g_c * z", "g_a"),
            ("g_b * a + g_c * x", "g_b * a"),
        ),
        Bug(
            "second use of x forgotten",
            "x goes into `a` and into `c`. You have only what comes back from `a`; add what comes back from `c`.",
            ("g_a + g_c * z", "g_a"),
        ),
        Bug(
            "second use of z forgotten",
            "z goes into `b` and into `c`. You have only what comes back from `b`; add what comes back from `c`.",
            ("g_b * a + g_c * x", "g_b * a"),
        ),
        Bug(
            "slope of the square without its 2",
            "The slope of c² is 2c, and you have c. A quick test: nudge c from 3 to 3.001, and c² grows by 0.006.",
            ("g_c = 2 * c", "g_c = c"),
        ),
        Bug(
            "slope of the square as 2",
            "You use 2 as the slope of c². That is the slope of 2c; a square gets steeper as c grows.",
            ("g_c = 2 * c", "g_c = 2"),
        ),
        Bug(
            "chain cut at c",
            "You add 2c to the gradients of x and z. That is the gradient of `c` itself: on the way to x and z it "
            "has to pass the product x·z, which multiplies it by the other factor.",
            ("g_a + g_c * z", "g_a + g_c"),
            ("g_b * a + g_c * x", "g_b * a + g_c"),
        ),
        Bug(
            "product passes on the wrong factor",
            "In c = x·z you give each factor its *own* value as slope. If x grows by h, the product grows by "
            "z·h: the slope is the *other* factor.",
            ("g_a + g_c * z", "g_a + g_c * x"),
            ("g_b * a + g_c * x", "g_b * a + g_c * z"),
        ),
        Bug(
            "sum treated as a product",
            "At a = x + y you multiply by the other summand. A sum passes on what comes back unchanged, to both.",
            ("g_x = g_a +", "g_x = g_a * y +"),
            ("g_y = g_a", "g_y = g_a * x"),
        ),
        Bug(
            "gradients multiplied where they meet",
            "Two gradients come back to x, and two to z, and you multiply them. Along a way back one multiplies; "
            "where two ways meet one *adds*.",
            ("g_a + g_c * z", "g_a * g_c * z"),
            ("g_b * a + g_c * x", "g_b * a * g_c * x"),
        ),
        Bug(
            "gradients alone returned",
            "You return the three gradients. The value f is asked for as well, and comes first.",
            ("return f, g_x, g_y, g_z", "return g_x, g_y, g_z"),
        ),
    ],
    correct=[
        Correct(
            "one formula each",
            '''
def gradients_by_hand(x, y, z):
    """What the graph gives, multiplied out."""
    return (x + y) * z + x * x * z * z, z + 2 * x * z * z, z, x + y + 2 * x * x * z
''',
        ),
        Correct(
            "torch",
            '''
import torch
def gradients_by_hand(x, y, z):
    """Let torch walk back."""
    values = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, y, z)]
    x, y, z = values
    f = (x + y) * z + (x * z) ** 2
    f.backward()
    return [f.item(), *(v.grad.item() for v in values)]
''',
        ),
        Correct(
            "by nudging",
            '''
import numpy as np
def gradients_by_hand(x, y, z):
    """Central differences are exact for squares."""
    def f(v):
        return (v[0] + v[1]) * v[2] + (v[0] * v[2]) ** 2
    v, h = np.array([x, y, z]), 0.01
    return (f(v), *((f(v + h * e) - f(v - h * e)) / (2 * h) for e in np.eye(3)))
''',
        ),
        Correct(
            "both ways kept apart until the end",
            '''
def gradients_by_hand(x, y, z):
    """First through the product, then through the square."""
    total = x + y
    both = x * z
    through_product = {"x": z, "y": z, "z": total}
    through_square = {"x": 2 * both * z, "y": 0.0, "z": 2 * both * x}
    gradients = [through_product[name] + through_square[name] for name in "xyz"]
    return total * z + both**2, *gradients
''',
        ),
    ],
)


# ---------------------------------------------------------------------------------------------------------------------
# topological_order


def facts(student, parents, root):
    """What can be said of an order; there may be several right ones."""
    order = list(student(parents, root))
    needed, waiting = set(), [root]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += parents[name]
    place = {name: i for i, name in enumerate(order)}
    early = [
        f"{n} before {p}" for n in order for p in parents.get(n, []) if n in needed and place.get(p, -1) > place[n]
    ]
    call = f"topological_order(parents, {root!r})"
    return {
        f"names missing in {call}": listed(needed - set(order)),
        f"names more than once in {call}": listed(name for name, times in Counter(order).items() if times > 1),
        f"names too many in {call}": listed(set(order) - needed),
        f"names too early in {call}": listed(early),
    }


def listed(names):
    """Names in words, the first three."""
    names = sorted(set(names))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") if names else "none"


def order_chain(student, rng):
    """a chain: q is made from x, f from q"""
    return facts(student, {"f": ["q"], "q": ["x"], "x": []}, "f")


def order_slides(student, rng):
    """f = q·z with q = x + y"""
    return facts(student, {"x": [], "y": [], "z": [], "q": ["x", "y"], "f": ["q", "z"]}, "f")


def order_square(student, rng):
    """f = q·q with q = x + x: the same parent twice"""
    return facts(student, {"x": [], "q": ["x", "x"], "f": ["q", "q"]}, "f")


def order_diamond(student, rng):
    """f = a·b, where a and b are both made from x"""
    return facts(student, {"f": ["a", "b"], "a": ["x"], "b": ["x"], "x": []}, "f")


def order_short_and_long_way(student, rng):
    """f = x·b with b made from a, and a from x: a short way and a long way"""
    return facts(student, {"b": ["a"], "f": ["x", "b"], "x": [], "a": ["x"]}, "f")


def order_long_and_short_way(student, rng):
    """f = b·x, the same graph with the parents of f exchanged"""
    return facts(student, {"b": ["a"], "f": ["b", "x"], "x": [], "a": ["x"]}, "f")


def order_part(student, rng):
    """a graph in which r and s are not needed for q"""
    return facts(student, {"x": [], "y": [], "q": ["x", "y"], "r": ["q", "x"], "s": ["y"]}, "q")


def order_alone(student, rng):
    """a single value, made from nothing"""
    return facts(student, {"x": [], "y": ["x"]}, "x")


def order_long_chain(student, rng):
    """a chain of 1,500 values"""
    parents = {f"v{i}": [f"v{i - 1}"] if i else [] for i in range(1500)}
    return facts(student, parents, "v1499")


def graph(rng, size):
    """A graph drawn at random, listed in no particular order; returns parents, and the value that was made last."""
    names = [f"v{i}" for i in rng.permutation(size)]
    parents = {name: [] for name in names[:3]}
    for i in range(3, size):
        near = names[max(0, i - 6) : i]
        parents[names[i]] = [str(name) for name in rng.choice(near, rng.integers(1, 4))]
    return {str(name): parents[name] for name in rng.permutation(names)}, names[-1]


def order_drawn_graphs(student, rng):
    """graphs drawn at random"""
    seen = {}
    for size in (5, 6, 8, 12, 20):
        for name, value in facts(student, *graph(rng, size)).items():
            seen[f"{name}, a graph of {size}"] = value
    return seen


TOPOLOGICAL_ORDER = Exercise(
    "topological_order",
    points=3,
    cases=[
        Case(order_chain),
        Case(order_slides),
        Case(order_square),
        Case(order_diamond),
        Case(order_short_and_long_way),
        Case(order_long_and_short_way),
        Case(order_part),
        Case(order_alone),
        Case(order_long_chain),
        Case(order_drawn_graphs, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "from the root to its parents",
            "Your list begins with the root. That is the order for walking *back*; asked for is the order for "
            "calculating, in which parents come before what is made from them.",
            ("return order", "return order[::-1]"),
        ),
        Bug(
            "listed before its parents",
            "You put a name on the list when you meet it for the first time, and turn the list round at the end. "
            "Where a short and a long way lead to a value, that is too early or too late. Put a name on the list "
            "when *all* its parents are on it.",
            source='''
def topological_order(parents, root):
    """Depth first, listed on arrival."""
    order, waiting = [], [root]
    while waiting:
        name = waiting.pop()
        if name not in order:
            order.append(name)
            waiting += reversed(parents[name])
    return order[::-1]
''',
        ),
        Bug(
            "level by level",
            "You go from the root level by level (first its parents, then their parents, …) and turn the list "
            "round. A value that is used on two levels is then listed with the one you met first, which may be "
            "too late for the other. Put a name on the list when *all* its parents are on it.",
            source='''
def topological_order(parents, root):
    """Breadth first."""
    order = [root]
    for name in order:
        for parent in parents[name]:
            if parent not in order:
                order.append(parent)
    return order[::-1]
''',
        ),
        Bug(
            "no memory of what was listed",
            "A value that is used several times stands on your list several times. Remember what you have "
            "listed, and skip it when you come to it again.",
            source='''
def topological_order(parents, root):
    """Every way to every value."""
    order, waiting = [], [(root, 0)]
    while waiting:
        name, done = waiting.pop()
        if done < len(parents[name]):
            waiting += [(name, done + 1), (parents[name][done], 0)]
        else:
            order.append(name)
    return order
''',
        ),
        Bug(
            "too deep for recursion",
            "Your function calls itself for each parent, and Python gives up after about a thousand calls "
            "within each other. Graphs get that deep: a loss summed over a thousand images is a chain of a "
            "thousand sums. Use a loop and a list of names that still wait, in place of recursion.",
            source='''
def topological_order(parents, root):
    """By recursion."""
    order, seen = [], set()
    def visit(name):
        if name not in seen:
            seen.add(name)
            for parent in parents[name]:
                visit(parent)
            order.append(name)
    visit(root)
    return order
''',
        ),
        Bug(
            "root left out",
            "The root itself is missing. It is the last name on the list.",
            ("return order", "return order[:-1]"),
        ),
        Bug(
            "inputs left out",
            "Names without parents are missing. They come from nowhere, but gradients arrive there too: list "
            "them, before all that is made from them.",
            ("return order", "return [name for name in order if parents[name]]"),
        ),
        Bug(
            "everything listed",
            "You list values that the root isn't made from. Start at the root, and follow only the parents.",
            (
                "    return order",
                "    return order + [name for name in parents if name not in listed]",
            ),
        ),
        Bug(
            "order of the dict",
            "You list the names in the order in which they stand in `parents`. That is any order; only the "
            "lists of parents say what has to come first.",
            ("return order", "return [name for name in parents if name in listed]"),
        ),
        Bug(
            "parents taken away",
            "You take the parents out of the lists that you were given (`pop`, `remove`), so whoever called your "
            "function has lost them. Work on copies, or keep count in a dict of your own.",
            (
                "    return order",
                "    for name in order:\n        parents[name].clear()\n    return order",
            ),
        ),
    ],
    correct=[
        Correct(
            "counting the children that wait",
            '''
from collections import Counter
def topological_order(parents, root):
    """A value is ready when all that is made from it has been listed."""
    needed, waiting = {root}, [root]
    while waiting:
        for parent in parents[waiting.pop()]:
            if parent not in needed:
                needed.add(parent)
                waiting.append(parent)
    children = Counter(parent for name in needed for parent in parents[name])
    order, ready = [], [root]
    while ready:
        name = ready.pop()
        order.append(name)
        for parent in parents[name]:
            children[parent] -= 1
            if children[parent] == 0:
                ready.append(parent)
    return order[::-1]
''',
        ),
        Correct(
            "an iterator for each name that waits",
            '''
def topological_order(parents, root):
    """A stack of iterators; a dict keeps what is listed in order."""
    done = {}
    stack = [(root, iter(parents[root]))]
    while stack:
        name, rest = stack[-1]
        parent = next((p for p in rest if p not in done), None)
        if parent is None:
            done[name] = True
            stack.pop()
        else:
            stack.append((parent, iter(parents[parent])))
    return tuple(done)
''',
        ),
        Correct(
            "python's own",
            '''
from graphlib import TopologicalSorter
def topological_order(parents, root):
    """The standard library has one."""
    needed, waiting = {}, [root]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = parents[name]
            waiting.extend(parents[name])
    return list(TopologicalSorter(needed).static_order())
''',
        ),
        Correct(
            "recursion with a higher limit",
            '''
import sys
def topological_order(parents, root):
    """Python can be told to go deeper."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    seen = []
    known = set()
    def visit(name):
        for parent in parents[name]:
            if parent not in known:
                visit(parent)
        known.add(name)
        seen.append(name)
    visit(root)
    sys.setrecursionlimit(before)
    return seen
''',
        ),
    ],
)
