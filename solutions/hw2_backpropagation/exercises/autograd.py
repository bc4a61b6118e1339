"""The class `Value`: expressions are calculated with it, and their derivatives compared, those of shared values too."""

from autograder.exercise import Bug, Case, Correct, Exercise, replaced
from visionlab.checks.draws import quarters


def calculate(student, program, **numbers):
    """Run a program such as "q = x + y; f = q * z" with Values; return all of them by name, or nothing if it can't."""
    values = {name: student(number) for name, number in numbers.items()}
    for step in program.split("; "):
        name, expression = step.split(" = ")
        values[name] = eval(expression, {}, values)
        if values[name] is None:  # an operation that returns nothing: there is no way on
            return {}
    return values


def derivatives(student, program, root="f", times=1, **numbers):
    """What `backward()` of the root leaves in `.grad` of all values, and the root's value."""
    values = calculate(student, program, **numbers)
    if not values:
        return {}
    for _ in range(times):
        values[root].backward()
    at = ", ".join(f"{name} = {number:g}" for name, number in numbers.items())
    seen = {f"`{root}.data` for `{program}` at {at}": values[root].data}
    return seen | {f"`{name}.grad` for `{program}` at {at}": value.grad for name, value in values.items()}


def value_sum(student, rng):
    """f = x + y"""
    return derivatives(student, "f = x + y", x=2, y=-3)


def value_product(student, rng):
    """f = x * y"""
    return derivatives(student, "f = x * y", x=2, y=-3)


def value_slides(student, rng):
    """the slides' f = q * z with q = x + y"""
    return derivatives(student, "q = x + y; f = q * z", x=-2, y=5, z=-4)


def value_with_numbers(student, rng):
    """sums and products of a Value and a plain number, on either side"""
    return (
        derivatives(student, "f = x + 3", x=2)
        | derivatives(student, "f = 3 + x", x=2)
        | derivatives(student, "f = x * 4", x=2)
        | derivatives(student, "f = 0.5 * x", x=2)
        | derivatives(student, "f = 2 - x", x=3)
    )


def value_quotient(student, rng):
    """f = x / y, which is x * y ** -1"""
    return derivatives(student, "f = x / y", x=3, y=4)


def value_power(student, rng):
    """powers with a plain number as exponent, which may be negative or a fraction"""
    return (
        derivatives(student, "f = x ** 3", x=2)
        | derivatives(student, "f = x ** 2", x=-1.5)
        | derivatives(student, "f = x ** -1", x=4)
        | derivatives(student, "f = x ** 0.5", x=9)
        | derivatives(student, "f = x ** 2", x=0)
    )


def value_power_of_values(student, rng):
    """powers in which the exponent is a Value too"""
    return derivatives(student, "f = x ** y", x=2, y=3) | derivatives(student, "f = 2 ** y", y=-1.5)


def value_exp(student, rng):
    """f = x.exp()"""
    return derivatives(student, "f = x.exp()", x=1.5) | derivatives(student, "q = x.exp(); f = 3 * q", x=-1)


def value_log(student, rng):
    """f = x.log()"""
    return derivatives(student, "f = x.log()", x=4) | derivatives(student, "q = x.log(); f = 3 * q", x=0.5)


def value_relu(student, rng):
    """f = x.relu() below 0, above 0, and at 0"""
    return (
        derivatives(student, "q = x.relu(); f = 5 * q", x=-3)
        | derivatives(student, "q = x.relu(); f = 5 * q", x=3)
        | derivatives(student, "q = x.relu(); f = 5 * q", x=0)
        | derivatives(student, "q = x.relu(); f = -5 * q", x=2)
    )


def value_tanh(student, rng):
    """f = x.tanh()"""
    return derivatives(student, "f = x.tanh()", x=0.5) | derivatives(student, "q = x.tanh(); f = 3 * q", x=-1.25)


def value_used_twice(student, rng):
    """one Value used twice"""
    return (
        derivatives(student, "f = x + x", x=3)
        | derivatives(student, "f = x * x", x=3)
        | derivatives(student, "q = x * y; f = q + x", x=3, y=4)
    )


def value_shared(student, rng):
    """an intermediate result used twice"""
    return derivatives(student, "q = x + y; a = q * q; b = q * z; f = a + b", x=1, y=2, z=-4)


def value_short_and_long_way(student, rng):
    """a result used early and late: a short and a long way lead back to it"""
    return derivatives(student, "q = x * y; a = q + z; b = a * q; c = b * a; f = c + q", x=1, y=2, z=-4)


def value_in_the_middle(student, rng):
    """`backward()` of a result in the middle, which tells nothing to what comes later"""
    return derivatives(student, "q = x * y; f = q * z", root="q", x=2, y=3, z=5)


def value_twice(student, rng):
    """`backward()` called twice: everything is added once more"""
    return derivatives(student, "q = x + y; f = q * z", times=2, x=-2, y=5, z=-4)


def value_two_results(student, rng):
    """two results with a value in common, each with its own `backward()`"""
    values = calculate(student, "q = x * y; f = q + x; g = q * q", x=2, y=-3)
    values["f"].backward()
    values["g"].backward()
    late = values["q"] * values["x"]
    late.backward()
    said = "after `backward()` of `f = q + x`, of `g = q * q` and of `q * x`, with `q = x * y`, at x = 2, y = -3"
    return {f"`{name}.grad` {said}": values[name].grad for name in "xyqfg"} | {"`(q * x).data`": late.data}


def value_long_chain(student, rng):
    """a sum of 1,500 numbers, one after the other"""
    x = student(0.5)
    total = x
    for _ in range(1499):
        total = total + x
    total.backward()
    return {"`x.grad` of the sum of 1,500 times x": x.grad, "the sum at x = 0.5": total.data}


FORMS = (
    "{a} + {b}",
    "{a} - {b}",
    "{a} * {b}",
    "{a}.tanh() * {b}",
    "{a} / ({b} ** 2 + 1)",
    "{a}.relu() + {b}",
    "{a}.tanh().exp()",
    "({a} * {a} + 1).log()",
    "({a} ** 2 + 2) ** -0.5",
    "({a} ** 2 + 1) ** {b}.tanh()",
    "2 - 3 * {a}",
)


def program(rng, steps):
    """A program drawn at random; what nobody has used by the end is added up."""
    names, unused, lines = ["x", "y", "z"], ["x", "y", "z"], []
    for i in range(steps):
        first = unused[0] if i % 3 == 0 else str(rng.choice(names))
        second, form, name = str(rng.choice(names)), str(rng.choice(FORMS)), "abcdeghijklm"[i]
        lines.append(f"{name} = {form.format(a=first, b=second)}")
        names.append(name)
        unused = [other for other in [*unused, name] if other != first and ("{b}" not in form or other != second)]
    return "; ".join([*lines, f"f = {' + '.join(unused)}"])


def value_drawn(student, rng):
    """an expression drawn at random"""
    x, y, z = (float(number) for number in quarters(rng, 3))
    return derivatives(student, program(rng, 4), x=x, y=y, z=z)


def value_drawn_many(student, rng):
    """more expressions drawn at random"""
    seen = {}
    for steps in (2, 3, 4, 5, 6, 8):
        x, y, z = (float(number) for number in quarters(rng, 3))
        seen |= derivatives(student, program(rng, steps), x=x, y=y, z=z)
    return seen


def value_drawn_twice(student, rng):
    """expressions drawn at random, `backward()` called more than once"""
    x, y, z = (float(number) for number in quarters(rng, 3))
    seen = derivatives(student, program(rng, 6), times=2, x=x, y=y, z=z)
    return seen | derivatives(student, program(rng, 3), times=3, x=y, y=z, z=x)


def value_doubled(student, rng):
    """a value doubled 50 times, which must not take 2⁵⁰ steps"""
    x = student(1.0)
    doubled = x
    for _ in range(50):
        doubled = doubled + doubled
    doubled.backward()
    return {"`x.grad` after 50 doublings": x.grad}


VALUE_BY_CLOSURES = '''
import math

class Value:
    """Each result keeps a function that sends its gradient on."""

    def __init__(self, data, parents=()):
        self.data = data + 0.0
        self.grad = 0.0
        self._new = 0.0
        self._parents = parents
        self._send = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def send():
            self._new += out._new
            other._new += out._new

        out._send = send
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def send():
            self._new += other.data * out._new
            other._new += self.data * out._new

        out._send = send
        return out

    def __pow__(self, other):
        if isinstance(other, Value):
            return (self.log() * other).exp()
        return self._apply(self.data**other, other * self.data ** (other - 1))

    def _apply(self, value, slope):
        out = Value(value, (self,))

        def send():
            self._new += slope * out._new

        out._send = send
        return out

    def exp(self):
        return self._apply(math.exp(self.data), math.exp(self.data))

    def log(self):
        return self._apply(math.log(self.data), 1 / self.data)

    def tanh(self):
        t = math.tanh(self.data)
        return self._apply(t, (1 - t) * (1 + t))

    def relu(self):
        return self._apply(self.data if self.data > 0 else 0.0, 1.0 if self.data > 0 else 0.0)

    def _order(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            value, ready = stack.pop()
            if ready:
                order.append(value)
            elif value not in seen:
                seen.add(value)
                stack.append((value, True))
                stack.extend((parent, False) for parent in value._parents)
        return order[::-1]

    def backward(self):
        order = self._order()
        for value in order:
            value._new = 0.0
        self._new = 1.0
        for value in order:
            value._send()
        for value in order:
            value.grad += value._new

    __radd__ = __add__
    __rmul__ = __mul__

    def __rpow__(self, other):
        return Value(other) ** self

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return self**-1 * other
'''

LEVEL_BY_LEVEL = """
        order = [self]
        for value in order:
            order.extend(parent for parent in dict.fromkeys(value._parents) if parent not in order)
        return order
"""

BY_RECURSION = """
        order, seen = [], set()

        def visit(value):
            if value not in seen:
                seen.add(value)
                for parent in value._parents:
                    visit(parent)
                order.append(value)

        visit(self)
        return order[::-1]
"""

# The number of calls is limited, so that proving the exercise comes to an end where this walk would not.
AT_ONCE = """
        for value in self._order():
            value._new = 0.0
        self._new = 1.0
        calls = [0]

        def visit(value):
            calls[0] += 1
            if calls[0] > 20_000:
                raise TimeoutError
            value._send()
            for parent in value._parents:
                visit(parent)

        visit(self)
        for value in self._order():
            value.grad += value._new
"""


def body(method):
    """The lines of one method of `VALUE_BY_CLOSURES`."""
    start = VALUE_BY_CLOSURES.index(f"    def {method}(self")
    start = VALUE_BY_CLOSURES.index("\n", start)
    return VALUE_BY_CLOSURES[start : VALUE_BY_CLOSURES.index("\n\n    ", start) + 1]


VALUE = Exercise(
    "Value",
    points=10,
    cases=[
        Case(value_sum),
        Case(value_product),
        Case(value_slides),
        Case(value_with_numbers),
        Case(value_power),
        Case(value_quotient),
        Case(value_power_of_values),
        Case(value_exp),
        Case(value_log),
        Case(value_relu),
        Case(value_tanh),
        Case(value_used_twice, weight=2),
        Case(value_shared, weight=2),
        Case(value_short_and_long_way, weight=2),
        Case(value_in_the_middle),
        Case(value_twice, weight=2),
        Case(value_two_results),
        Case(value_long_chain),
        Case(value_drawn, weight=2),
        Case(value_drawn_many, hidden=True, weight=4),
        Case(value_drawn_twice, hidden=True, weight=2),
        Case(value_doubled, hidden=True),
    ],
    bugs=[
        Bug(
            "gradient overwritten at shared values",
            "You *set* the gradient of an input (`=`), so a value that is used twice keeps only what came back "
            "last. Add to what is there (`+=`).",
            ("arrived[id(value)] += local", "arrived[id(value)] = local"),
        ),
        Bug(
            "an input of both sides counted once",
            "In `x * x` the same Value stands on both sides, and you keep one local derivative for each input "
            "(in a dict or a set), so one of the two is lost. Keep a list of pairs: the same input may come "
            "twice.",
            ("for value, local in result._inputs:", "for value, local in dict(result._inputs).items():"),
        ),
        Bug(
            "no 1 at the start",
            "All gradients are 0. The walk begins at the result itself, whose derivative with respect to itself is 1.",
            ("arrived[id(self)] = 1.0", "arrived[id(self)] = 0.0"),
        ),
        Bug(
            "the result's own gradient left out",
            "`.grad` of the value whose `backward()` was called stays 0. Its derivative with respect to itself "
            "is 1, and it is added like the others.",
            ("result.grad += arrived[id(result)]", "result.grad += arrived[id(result)] if result is not self else 0.0"),
        ),
        Bug(
            "upstream gradient ignored",
            "You hand each input the local derivative alone. It has to be *multiplied* by the gradient that "
            "arrived at the result: that is the chain rule.",
            ("local * arrived[id(result)]", "local"),
        ),
        Bug(
            "upstream gradient added",
            "You *add* the local derivative and the gradient that arrived. Along a way they are multiplied; "
            "only what comes from several ways is added.",
            ("local * arrived[id(result)]", "local + arrived[id(result)]"),
        ),
        Bug(
            "walked from the inputs to the result",
            "You go through the values in the order in which they were calculated. Backward begins at the result, "
            "which comes last: turn the order round.",
            ("reversed(order)", "order"),
        ),
        Bug(
            "passed on before all had arrived",
            "A value passes its gradient on as soon as you meet it. If it is used early *and* late, a part of "
            "its gradient arrives afterwards and goes no further. Order the values first: all that is made "
            "from a value comes before it on the way back.",
            source=replaced(VALUE_BY_CLOSURES, (body("_order"), LEVEL_BY_LEVEL)),
        ),
        Bug(
            "passed on again with all that was there",
            "Each input passes on its gradient as soon as something has arrived, and next time it passes on "
            "the old part once more. Let each value pass on once, when everything has arrived.",
            source=replaced(VALUE_BY_CLOSURES, (body("backward"), AT_ONCE)),
        ),
        Bug(
            "second backward starts from what the first left",
            "Your second `backward()` sends on the gradients that the first one left in the intermediate "
            "values, so they count twice and more. Keep what arrives in *this* walk apart from `.grad`, and "
            "add it to `.grad` when the walk is over.",
            source=replaced(
                VALUE_BY_CLOSURES,
                ("        self._new = 0.0\n", ""),
                ("        for value in order:\n            value._new = 0.0\n", ""),
                ("        for value in order:\n            value.grad += value._new\n", ""),
                ("_new", "grad"),
            ),
        ),
        Bug(
            "gradients set to 0 at each backward",
            "Each of your `backward()` calls forgets the gradients of the one before. Here, as in PyTorch, it "
            "*adds* to `.grad`: twice gives twice as much, and several results may share a value.",
            ("result.grad += arrived", "result.grad = arrived"),
        ),
        Bug(
            "too deep for recursion",
            "Your `backward` calls itself from value to value, and Python gives up after about a thousand calls "
            "within each other. A sum over a thousand images is that deep: make the order with a loop, as in "
            "exercise 2.",
            source=replaced(VALUE_BY_CLOSURES, (body("_order"), BY_RECURSION)),
        ),
        Bug(
            "product passes on the wrong factor",
            "In a product you give each factor its *own* value as local derivative. If x grows by h, x·y grows by "
            "y·h: it is the *other* factor.",
            ("[(self, other.data), (other, self.data)]", "[(self, self.data), (other, other.data)]"),
        ),
        Bug(
            "plain numbers not turned into Values",
            "`x + 3` fails: the 3 is a plain number and has no `.data`. Make a Value of it first, in each "
            "operation that takes a second operand.",
            ("other = other if isinstance(other, Value) else Value(other)", "other = other"),
        ),
        Bug(
            "exponent not made smaller",
            "The slope of xⁿ is n·xⁿ⁻¹: the exponent comes down as a factor *and* gets smaller by one. You kept it.",
            ("power * self.data ** (power - 1)", "power * self.data**power"),
        ),
        Bug(
            "exponent missing as a factor",
            "The slope of xⁿ is n·xⁿ⁻¹: you have xⁿ⁻¹ without the factor n.",
            ("power * self.data ** (power - 1)", "self.data ** (power - 1)"),
        ),
        Bug(
            "exponent gets no gradient",
            "Where the exponent is a Value it gets a gradient too: if it grows, the power grows. The slope of "
            "xʸ with respect to y is xʸ·log x.",
            ("[(exponent, out.data * math.log(self.data))]", "[]"),
        ),
        Bug(
            "exponent's slope without the logarithm",
            "The slope of xʸ with respect to y is xʸ·log x, and you have xʸ. That is right for the base e alone.",
            ("out.data * math.log(self.data)", "out.data"),
        ),
        Bug(
            "exponent's slope like the base's",
            "For the exponent you use y·xʸ⁻¹, which is the slope with respect to the *base*. With respect to y "
            "it is xʸ·log x: write xʸ as e to the power of y·log x.",
            ("out.data * math.log(self.data)", "power * self.data ** (power - 1)"),
        ),
        Bug(
            "slope of exp at x",
            "The slope of eˣ is its own *value* eˣ; you pass on x.",
            ("[(self, out.data)]  # exp", "[(self, self.data)]  # exp"),
        ),
        Bug(
            "exp treated as a power",
            "You differentiate eˣ as if x were the base (x·eˣ⁻¹). Here x is the exponent: the slope of eˣ is "
            "eˣ itself.",
            ("[(self, out.data)]  # exp", "[(self, self.data * math.exp(self.data - 1))]  # exp"),
        ),
        Bug(
            "slope of log with the result",
            "You divide by the *result* of the logarithm. The slope of log x is 1/x, with the number that went in.",
            ("1 / self.data", "1 / out.data"),
        ),
        Bug(
            "logarithm to base 10",
            "`log10` is the logarithm to base 10. In this field log means the natural one, `math.log`: its "
            "slope is 1/x.",
            ("math.log(self.data))\n", "math.log10(self.data))\n"),
        ),
        Bug(
            "slope of tanh with x",
            "The slope of tanh is 1 − t², where t is the *result* tanh x. You put in x itself.",
            ("1 - out.data**2", "1 - self.data**2"),
        ),
        Bug(
            "slope of tanh without the square",
            "The slope of tanh is 1 − t² with t = tanh x, and you have 1 − t.",
            ("1 - out.data**2", "1 - out.data"),
        ),
        Bug(
            "slope of the sigmoid for tanh",
            "t·(1 − t) is the slope of the sigmoid. tanh has 1 − t².",
            ("1 - out.data**2", "out.data * (1 - out.data)"),
        ),
        Bug(
            "relu lets all gradients pass",
            "Your relu passes the gradient on even where its input is negative. There the result is 0 whatever x "
            "does, so the slope is 0.",
            ("float(self.data > 0)", "1.0"),
        ),
        Bug(
            "relu passes at 0",
            "At x = 0 relu has a corner, and the docstring fixes its slope there: 0. You let the gradient pass; "
            "compare with `>`, not `>=`.",
            ("float(self.data > 0)", "float(self.data >= 0)"),
        ),
        Bug(
            "relu's slope is its result",
            "You multiply by the *result* of relu. Where x is positive, relu grows just as x does: its slope is 1.",
            ("float(self.data > 0)", "out.data"),
        ),
        Bug(
            "relu applied to the gradient",
            "You set negative *gradients* to 0. relu decides by its input: where x was positive, every gradient "
            "passes, negative ones too.",
            source=replaced(
                VALUE_BY_CLOSURES,
                (
                    body("relu"),
                    "\n        out = Value(max(self.data, 0.0), (self,))\n\n        def send():\n"
                    "            self._new += max(out._new, 0.0)\n\n        out._send = send\n        return out\n",
                ),
            ),
        ),
    ],
    correct=[
        Correct("closures", VALUE_BY_CLOSURES),
        Correct(
            "in the order of creation",
            '''
import itertools
import math

class Value:
    """Values are numbered as they are made: a result always has a larger number than what it was made from."""

    count = itertools.count()

    def __init__(self, data, *, recipe=()):
        self.data, self.grad = data, 0.0
        self.number = next(Value.count)
        self.recipe = recipe

    @staticmethod
    def of(thing):
        return thing if isinstance(thing, Value) else Value(thing)

    def __add__(self, other):
        other = Value.of(other)
        return Value(self.data + other.data, recipe=[(1, self), (1, other)])

    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, recipe=[(other.data, self), (self.data, other)])

    def __pow__(self, other):
        other, base = other if isinstance(other, Value) else float(other), self.data
        n = other.data if isinstance(other, Value) else other
        out = Value(base**n, recipe=[(n * base ** (n - 1), self)])
        if isinstance(other, Value):
            out.recipe.append((base**n * math.log(base), other))
        return out

    def exp(self):
        e = math.exp(self.data)
        return Value(e, recipe=[(e, self)])

    def log(self):
        return Value(math.log(self.data), recipe=[(self.data**-1.0, self)])

    def tanh(self):
        return Value(math.tanh(self.data), recipe=[(math.cosh(self.data) ** -2, self)])

    def relu(self):
        return Value(self.data * (self.data > 0), recipe=[(int(self.data > 0), self)])

    def backward(self):
        family, waiting = {self.number: self}, [self]
        while waiting:
            for _, value in waiting.pop().recipe:
                if value.number not in family:
                    family[value.number] = value
                    waiting.append(value)
        flow = dict.fromkeys(family, 0.0)
        flow[self.number] = 1.0
        for number in sorted(family, reverse=True):
            for slope, value in family[number].recipe:
                flow[value.number] += slope * flow[number]
            family[number].grad += flow[number]

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + Value.of(other) * -1

    def __truediv__(self, other):
        return self * Value.of(other) ** -1

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other):
        return Value.of(other) - self

    def __rtruediv__(self, other):
        return Value.of(other) / self

    def __rpow__(self, other):
        return Value.of(other) ** self
''',
        ),
        Correct(
            "a class for each operation, counting who still has to report",
            '''
import math
from collections import Counter

class Value:
    """What it was made from, and a rule that turns its own gradient into theirs."""

    def __init__(self, data, sources=(), rule=None):
        self.data, self.grad, self.sources, self.rule = float(data), 0.0, sources, rule

    def __add__(self, other):
        other = lift(other)
        return Value(self.data + other.data, (self, other), lambda g: (g, g))

    def __mul__(self, other):
        other = lift(other)
        return Value(self.data * other.data, (self, other), lambda g: (g * other.data, g * self.data))

    def __pow__(self, other):
        if isinstance(other, Value):
            out = self.data**other.data
            slope = other.data * out / self.data
            return Value(out, (self, other), lambda g: (g * slope, g * out * math.log(self.data)))
        return Value(self.data**other, (self,), lambda g: (g * other * self.data ** (other - 1),))

    def exp(self):
        out = math.exp(self.data)
        return Value(out, (self,), lambda g: (g * out,))

    def log(self):
        return Value(math.log(self.data), (self,), lambda g: (g / self.data,))

    def tanh(self):
        out = math.tanh(self.data)
        return Value(out, (self,), lambda g: (g - g * out * out,))

    def relu(self):
        return self * (1.0 if self.data > 0 else 0.0)

    def backward(self):
        expected, known, todo = Counter(), {id(self)}, [self]
        while todo:
            for source in todo.pop().sources:
                expected[id(source)] += 1
                if id(source) not in known:
                    known.add(id(source))
                    todo.append(source)
        total, ready = {id(self): 1.0}, [self]
        while ready:
            value = ready.pop()
            g = total.pop(id(value))
            value.grad += g
            for source, part in zip(value.sources, value.rule(g) if value.sources else ()):
                total[id(source)] = total.get(id(source), 0.0) + part
                expected[id(source)] -= 1
                if not expected[id(source)]:
                    ready.append(source)

    def __neg__(self):
        return Value(-self.data, (self,), lambda g: (-g,))

    def __sub__(self, other):
        return self + -lift(other)

    def __rsub__(self, other):
        return lift(other) - self

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rtruediv__(self, other):
        return lift(other) * self**-1

    def __rpow__(self, other):
        return lift(other) ** self

    def __radd__(self, other):
        return lift(other) + self

    def __rmul__(self, other):
        return lift(other) * self

def lift(other):
    return other if isinstance(other, Value) else Value(other)
''',
        ),
        Correct(
            "old gradients put aside during the walk",
            replaced(
                VALUE_BY_CLOSURES,
                ("        self._new = 0.0\n", ""),
                (
                    "        for value in order:\n            value._new = 0.0\n",
                    "        before = [value.grad for value in order]\n"
                    "        for value in order:\n            value.grad = 0.0\n",
                ),
                (
                    "        for value in order:\n            value.grad += value._new\n",
                    "        for value, old in zip(order, before):\n            value.grad += old\n",
                ),
                ("_new", "grad"),
            ),
        ),
    ],
)
