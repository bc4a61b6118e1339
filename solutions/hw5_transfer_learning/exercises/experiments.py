"""Experiments with few images: nested subsets, a curve with its spread, and a table of what is worth its cost."""

import itertools

import torch

from autograder.exercise import Bug, Case, Correct, Exercise, Tolerance, outcome
from visionlab.checks.draws import several
from visionlab.checks.handle import beside

# ---------------------------------------------------------------------------------------------------------------------
# nested_subsets


def seeded(student, seed):
    """A generator where the student's code lives."""
    return beside(student, torch.Generator).manual_seed(seed)


def subsets_told(student, labels, sizes, seed=0):
    """What one can say of subsets that are drawn by chance."""
    labels = torch.tensor(labels)
    subsets = [[int(row) for row in rows] for rows in student(labels, sizes, seeded(student, seed))]
    seen = {"how many subsets": len(subsets)}
    for size, rows in zip(sizes, subsets, strict=True):
        kinds, counts = labels[rows].unique(return_counts=True)
        seen[f"size {size}: images of each class"] = dict(zip(map(str, kinds.tolist()), counts.tolist(), strict=True))
        seen[f"size {size}: each image once"] = len(set(rows)) == len(rows)
    order = sorted(range(len(sizes)), key=lambda i: sizes[i])
    for small, large in itertools.pairwise(order):
        name = f"size {sizes[small]} lies within size {sizes[large]}"
        seen[name] = set(subsets[small]) <= set(subsets[large])
    return seen


def subsets_small(student, rng):
    """five images of two classes, sizes 1 and 2"""
    return subsets_told(student, [7, 3, 7, 7, 3], [1, 2])


def subsets_three(student, rng):
    """thirty images of three classes, sizes 1, 3 and 7"""
    return subsets_told(student, [i % 3 for i in range(30)], [1, 3, 7])


def subsets_any_order(student, rng):
    """sizes that aren't sorted"""
    return subsets_told(student, [i % 2 for i in range(24)], [5, 2, 8])


def subsets_unbalanced(student, rng):
    """forty images, three times as many of one class as of the other"""
    return subsets_told(student, [5 if i % 4 else 2 for i in range(40)], [2, 6])


def subsets_all(student, rng):
    """a class with exactly as many images as are asked for"""
    return subsets_told(student, [0, 1, 0, 1, 1, 1], [1, 2])


def subsets_too_few(student, rng):
    """a class with too few images for the larger size"""
    labels = torch.tensor([0, 1, 0, 1, 1, 1])
    return {"sizes 1 and 3": outcome(student, labels, [1, 3], seeded(student, 0))}


def subsets_by_chance(student, rng):
    """sixty images: the same seed, another seed, and the first rows"""
    labels = torch.tensor([i % 3 for i in range(60)])

    def drawn(generator):
        (rows,) = student(labels, [5], generator)
        return {int(row) for row in rows}

    one, again, other = (drawn(seeded(student, seed)) for seed in (1, 1, 2))
    generator = seeded(student, 1)
    return {
        "the same seed gives the same images": one == again,
        "another seed gives the same images": one == other,
        "the same generator, used once more, gives the same images": drawn(generator) == drawn(generator),
        "they are the first images": one == set(range(15)),
        "they are the last images": one == set(range(45, 60)),
    }


def subsets_drawn(student, rng):
    """labels and sizes drawn at random"""
    seen = {}
    for draw in range(3):
        kinds = rng.choice(20, int(rng.integers(2, 6)), replace=False)
        labels = rng.permutation([int(kind) for kind in kinds for _ in range(int(rng.integers(12, 20)))]).tolist()
        sizes = [int(n) for n in rng.choice(12, 3, replace=False) + 1]
        found = subsets_told(student, labels, sizes, int(rng.integers(9999)))
        seen |= {f"{name}, draw {draw + 1}": value for name, value in found.items()}
    return seen


TAKEN = "    return [torch.cat([rows[:size] for rows in shuffled]) for size in sizes]"

NESTED_SUBSETS = Exercise(
    "nested_subsets",
    points=3,
    cases=[
        Case(subsets_small),
        Case(subsets_all),
        Case(subsets_too_few),
        Case(subsets_any_order),
        Case(subsets_three),
        Case(subsets_unbalanced),
        Case(subsets_by_chance),
        Case(subsets_drawn, hidden=True, weight=2),
    ],
    bugs=[
        Bug(
            "drawn anew for each size",
            "You draw each set anew, so the smaller ones don't lie within the larger ones. Put each class into an "
            "order once, and take its beginning.",
            (
                TAKEN,
                "    return [\n        torch.cat([rows[torch.randperm(len(rows), generator=generator)][:size] "
                "for rows in members])\n        for size in sizes\n    ]",
            ),
        ),
        Bug(
            "side by side",
            "Your sets lie beside one another: none of them shares an image with another. The larger one should hold "
            "the smaller one.",
            (
                TAKEN,
                "    subsets, begin = [], 0\n    for size in sizes:\n"
                "        subsets.append(torch.cat([rows[begin : begin + size] for rows in shuffled]))\n"
                "        begin += size\n    return subsets",
            ),
        ),
        Bug(
            "not balanced",
            "You draw from all images together: some classes get more than others. It is `size` images of *each* "
            "class.",
            (
                TAKEN,
                "    order = torch.randperm(len(labels), generator=generator)\n"
                "    return [order[: size * len(members)] for size in sizes]",
            ),
        ),
        Bug(
            "always the first ones",
            "You take the first images of each class, whatever the generator. Shuffle each class first.",
            ("rows[torch.randperm(len(rows), generator=generator)] for rows", "rows for rows"),
        ),
        Bug(
            "drawn with replacement",
            "You draw with replacement: some images come twice.",
            (
                "torch.randperm(len(rows), generator=generator)",
                "torch.randint(max(1, len(rows) // 3), (len(rows),), generator=generator)",
            ),
        ),
        Bug(
            "size taken for all classes together",
            "You take `size` images in all. It is as many of each class.",
            ("rows[:size]", "rows[: max(1, size // len(members))]"),
        ),
        Bug(
            "labels taken for 0, 1, 2 …",
            "You go through the numbers from 0 to the largest label. Not each of them need be a class: take those that "
            "occur, `labels.unique()`.",
            ("labels.unique()", "range(int(labels.max()) + 1)"),
        ),
        Bug(
            "ten classes always",
            "You take it for granted that there are ten classes, 0 to 9. Take those that occur: `labels.unique()`.",
            ("labels.unique()", "range(10)"),
        ),
        Bug(
            "a seed of your own",
            "You draw from a generator that you have seeded yourself, so that the sets are always the same. Draw from "
            "the one that is given.",
            ("generator=generator", "generator=torch.Generator().manual_seed(0)"),
        ),
        Bug(
            "the global generator",
            "You draw from torch's global generator. Then nobody can repeat what you did: draw from the one that is "
            "given.",
            ("torch.randperm(len(rows), generator=generator)", "torch.randperm(len(rows))"),
        ),
        Bug(
            "too few without a word",
            "Where a class has too few images you return fewer, without a word. Raise a `ValueError`.",
            (
                "    if min(len(rows) for rows in members) < max(sizes):\n"
                '        raise ValueError(f"a class has fewer than {max(sizes)} images")\n',
                "",
            ),
        ),
        Bug(
            "smallest size looked at",
            "You compare the classes with the smallest size. All must be large enough for the largest.",
            ("< max(sizes):", "< min(sizes):"),
        ),
        Bug(
            "largest class looked at",
            "You look whether the *largest* class has enough images. All must have.",
            ("if min(len(rows)", "if max(len(rows)"),
        ),
        Bug(
            "exactly enough refused",
            "You raise an error where a class has exactly as many images as are asked for. That is enough.",
            ("< max(sizes):", "<= max(sizes):"),
        ),
        Bug(
            "another error",
            "You raise another kind of error. Asked for is a `ValueError`.",
            ("raise ValueError(", "raise IndexError("),
        ),
        Bug(
            "places within the class",
            "You return places within each class. Asked for are rows among all images: take the class's rows in the "
            "shuffled order.",
            (
                "rows[torch.randperm(len(rows), generator=generator)] for rows",
                "torch.randperm(len(rows), generator=generator) for rows",
            ),
        ),
        Bug(
            "labels instead of rows",
            "You return the labels of the chosen images. Asked for are their rows.",
            ("torch.cat([rows[:size] for rows in shuffled])", "labels[torch.cat([rows[:size] for rows in shuffled])]"),
        ),
        Bug(
            "masks",
            "You return a mask, True for the chosen images. Asked for are their rows.",
            (
                "torch.cat([rows[:size] for rows in shuffled])",
                "torch.isin(torch.arange(len(labels)), torch.cat([rows[:size] for rows in shuffled]))",
            ),
        ),
        Bug(
            "sorted sizes",
            "You return the sets from the smallest to the largest. They come in the order in which the sizes are "
            "asked for.",
            ("for size in sizes]", "for size in sorted(sizes)]"),
        ),
        Bug(
            "one image too few",
            "Each class is one image short: a slice ends *before* its second number.",
            ("rows[:size]", "rows[: max(size - 1, 1)]"),
        ),
        Bug(
            "largest set only",
            "You return one set. Asked for is one for each size.",
            ("for size in sizes]", "for size in [max(sizes)]]"),
        ),
    ],
    correct=[
        Correct(
            "random keys",
            """
import torch
def nested_subsets(labels, sizes, generator):
    key = torch.rand(len(labels), generator=generator)
    orders = []
    for c in torch.unique(labels).tolist():
        own = torch.where(labels == c)[0]
        if len(own) < max(sizes):
            raise ValueError("too few images of a class")
        orders.append(own[key[own].argsort()])
    return [torch.cat([o[:n] for o in orders]) for n in sizes]
""",
        ),
        Correct(
            "ranks in one shuffled order",
            """
import torch
def nested_subsets(labels, sizes, generator):
    order = torch.randperm(labels.numel(), generator=generator)
    seen, rank = {}, torch.zeros(len(labels), dtype=torch.long)
    for row in order.tolist():
        label = int(labels[row])
        rank[row] = seen.get(label, 0)
        seen[label] = seen.get(label, 0) + 1
    if any(count < size for count in seen.values() for size in sizes):
        raise ValueError(f"only {min(seen.values())} images of a class")
    return [(rank < size).nonzero()[:, 0] for size in sizes]
""",
        ),
        Correct(
            "from the largest to the smallest",
            """
import torch
def nested_subsets(labels, sizes, generator):
    classes = sorted(set(labels.tolist()))
    chosen = {}
    for c in classes:
        rows = [i for i, label in enumerate(labels.tolist()) if label == c]
        if len(rows) < max(sizes):
            raise ValueError(f"class {c} has {len(rows)} images, and {max(sizes)} are asked for")
        chosen[c] = [rows[i] for i in torch.randperm(len(rows), generator=generator).tolist()]
    subsets = {}
    for size in sorted(sizes, reverse=True):
        chosen = {c: rows[:size] for c, rows in chosen.items()}
        subsets[size] = torch.tensor(sum(chosen.values(), []))
    return [subsets[size] for size in sizes]
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# accuracy_curve

CLOSE = Tolerance(1e-4, 1e-5)


def measured(student, table):
    """Measure by a table: for each size, the accuracy for each seed."""
    calls = []

    def run(size, seed):
        calls.append(f"run({int(size)}, {int(seed)})")
        return table[int(size)][int(seed)]

    sizes = list(table)
    mean, spread = several(student(run, sizes, list(table[sizes[0]])))
    return {"mean": mean, "spread": spread, "experiments": sorted(calls)}


def curve_one_size(student, rng):
    """one size, three seeds"""
    return measured(student, {10: {1: 0.5, 2: 0.75, 3: 0.625}})


def curve_two_sizes(student, rng):
    """two sizes, three seeds: the example above"""
    return measured(student, {10: {1: 0.5, 2: 0.7, 3: 0.6}, 20: {1: 0.7, 2: 0.7, 3: 0.7}})


def curve_two_seeds(student, rng):
    """three sizes, two seeds, which aren't counted from 0"""
    return measured(student, {5: {7: 0.25, 4: 0.5}, 1: {7: 0.125, 4: 0.25}, 20: {7: 0.75, 4: 0.625}})


def curve_square(student, rng):
    """four sizes, four seeds"""
    return measured(student, {n: {s: ((n * 5 + s * 3) % 11) / 16 for s in (2, 3, 5, 8)} for n in (1, 2, 5, 10)})


def curve_drawn(student, rng):
    """tables drawn at random"""
    sizes, seeds = rng.choice(100, int(rng.integers(2, 6)), replace=False) + 1, rng.choice(50, 3, replace=False)
    return measured(student, {int(n): {int(s): float(rng.integers(0, 65)) / 64 for s in seeds} for n in sizes})


ACCURACY_CURVE = Exercise(
    "accuracy_curve",
    points=2,
    cases=[
        Case(curve_one_size, tolerance=CLOSE),
        Case(curve_two_sizes, tolerance=CLOSE),
        Case(curve_two_seeds, tolerance=CLOSE),
        Case(curve_square, tolerance=CLOSE),
        Case(curve_drawn, hidden=True, weight=2, tolerance=CLOSE),
    ],
    bugs=[
        Bug(
            "deviation with k",
            "Your spread divides by k, the number of seeds. To estimate what further seeds would do it divides by k − "
            "1.",
            ("table.std(dim=1)", "table.std(dim=1, correction=0)"),
        ),
        Bug(
            "variance",
            "Your spread is the variance. It is the standard deviation, its square root.",
            ("table.std(dim=1)", "table.var(dim=1)"),
        ),
        Bug(
            "error of the mean",
            "You divide the deviation by √k: that says how uncertain the *mean* is. Asked for is how far single seeds "
            "are apart.",
            ("table.std(dim=1)", "table.std(dim=1) / len(seeds) ** 0.5"),
        ),
        Bug(
            "from the smallest to the largest",
            "Your spread is the distance from the smallest to the largest value. It is the standard deviation.",
            ("table.std(dim=1)", "table.max(dim=1).values - table.min(dim=1).values"),
        ),
        Bug(
            "median",
            "You return the middle value. Asked for is the mean.",
            ("table.mean(dim=1)", "table.median(dim=1).values"),
        ),
        Bug(
            "best seed",
            "You return the best seed's accuracy. That is chosen by the test images: report the mean.",
            ("table.mean(dim=1)", "table.max(dim=1).values"),
        ),
        Bug(
            "over the sizes",
            "You average over the sizes. It is over the seeds, for each size.",
            (
                "table.mean(dim=1), table.std(dim=1)",
                "table.mean(dim=0), table.std(dim=0, correction=min(1, len(sizes) - 1))",
            ),
        ),
        Bug(
            "one spread for all sizes",
            "You compute one spread over all experiments. Each size has its own.",
            ("table.std(dim=1)", "table.std().expand(len(sizes))"),
        ),
        Bug(
            "seeds counted from 0",
            "You count the seeds from 0. Hand over the seeds that you are given.",
            (
                "run(size, seed) for seed in seeds",
                "run(size, min(seeds, key=lambda s: abs(s - i))) for i in range(len(seeds))",
            ),
        ),
        Bug(
            "always the first seed",
            "You run each experiment with the same seed. Then it is no wonder that there is no spread.",
            ("run(size, seed) for", "run(size, seeds[0]) for"),
        ),
        Bug(
            "every experiment twice",
            "You run each experiment twice, once for the mean and once for the spread. It may take minutes: keep the "
            "results.",
            (
                "    return table.mean(dim=1), table.std(dim=1)",
                "    again = torch.tensor([[run(size, seed) for seed in seeds] for size in sizes])\n"
                "    return table.mean(dim=1), again.std(dim=1)",
            ),
        ),
        Bug(
            "last seed only",
            "You return what the last seed gave.",
            ("table.mean(dim=1)", "table[:, -1]"),
        ),
        Bug(
            "first seed left out",
            "You leave the first seed out.",
            ("for seed in seeds]", "for seed in (seeds[1:] if len(seeds) > 2 else seeds)]"),
        ),
        Bug(
            "exchanged",
            "You return spread and mean in the wrong order: mean first.",
            ("return table.mean(dim=1), table.std(dim=1)", "return table.std(dim=1), table.mean(dim=1)"),
        ),
        Bug(
            "in percent",
            "You return percent. Accuracies are between 0 and 1.",
            ("    return table", "    table = 100 * table\n    return table"),
        ),
        Bug(
            "sizes sorted",
            "You sort the sizes. The results come in the order in which the sizes were given.",
            ("for size in sizes]", "for size in sorted(sizes)]"),
        ),
    ],
    correct=[
        Correct(
            "statistics of Python",
            """
import statistics
import torch
def accuracy_curve(run, sizes, seeds):
    means, spreads = [], []
    for size in sizes:
        found = [run(size, seed) for seed in seeds]
        means.append(statistics.mean(found))
        spreads.append(statistics.stdev(found))
    return torch.tensor(means), torch.tensor(spreads)
""",
        ),
        Correct(
            "numpy, seed by seed",
            """
import numpy as np
import torch
def accuracy_curve(run, sizes, seeds):
    table = np.zeros((len(seeds), len(sizes)))
    for j, seed in enumerate(seeds):
        for i, size in enumerate(sizes):
            table[j, i] = run(size, seed)
    return torch.from_numpy(table.mean(axis=0)), torch.from_numpy(table.std(axis=0, ddof=1))
""",
        ),
        Correct(
            "sums of squares",
            """
import torch
def accuracy_curve(run, sizes, seeds):
    k = len(seeds)
    table = torch.empty(len(sizes), k, dtype=torch.float64)
    for i in range(len(sizes)):
        table[i] = torch.tensor([run(sizes[i], s) for s in seeds])
    mean = table.sum(1) / k
    return mean, (((table - mean[:, None]) ** 2).sum(1) / (k - 1)).sqrt()
""",
        ),
    ],
)

# ---------------------------------------------------------------------------------------------------------------------
# choose_strategies

STRATEGIES = ["pixels", "linear on top", "fine-tuned"]


def found_in(data, task, *accuracies, strategies=STRATEGIES):
    """Results of one cell: a list of accuracies for each strategy, or None where it wasn't measured."""
    return [
        {"data": data, "task": task, "strategy": name, "accuracies": own}
        for name, own in zip(strategies, accuracies, strict=True)
        if own is not None
    ]


def choice_best(student, rng):
    """one cell, one strategy is far ahead"""
    return {"table": student(found_in("little", "similar", [0.25], [0.75], [0.5]), STRATEGIES, 0.125)}


def choice_near_the_best(student, rng):
    """one cell, a cheaper one is within the margin of the best"""
    return {"table": student(found_in("little", "similar", [0.25], [0.6875], [0.75]), STRATEGIES, 0.125)}


def choice_exactly(student, rng):
    """one cell, a cheaper one is exactly the margin below the best"""
    return {"table": student(found_in("much", "similar", [0.5], [0.625], [0.75]), STRATEGIES, 0.125)}


def choice_by_mean(student, rng):
    """one cell, three seeds: one draw of the second strategy is the highest of all, and its mean is not"""
    results = found_in("little", "different", [0.25, 0.25, 0.25], [0.875, 0.25, 0.375], [0.75, 0.75, 0.75])
    return {"table": student(results, STRATEGIES, 0.0625)}


def choice_by_steps(student, rng):
    """one cell, each strategy is within the margin of the next: the best one counts"""
    return {"table": student(found_in("much", "different", [0.5], [0.625], [0.75]), STRATEGIES, 0.1875)}


def choice_dear_is_worse(student, rng):
    """one cell, the dearest strategy is the worst"""
    return {"table": student(found_in("little", "similar", [0.5], [0.75], [0.25]), STRATEGIES, 0.125)}


def choice_four_cells(student, rng):
    """all four cells"""
    results = (
        found_in("little", "similar", [0.25, 0.25], [0.625, 0.75], [0.75, 0.625])
        + found_in("little", "different", [0.5, 0.5], [0.25, 0.375], [0.5, 0.5625])
        + found_in("much", "similar", [0.375], [0.75], [0.9375])
        + found_in("much", "different", [0.875], [0.875], [0.9375])
    )
    return {"table": student(results, STRATEGIES, 0.03125)}


def choice_any_order(student, rng):
    """results in any order, and other strategies"""
    strategies = ["HOG", "probe", "a few layers", "all layers"]
    results = found_in("much", "similar", [0.5], [0.75], [0.8125], [0.875], strategies=strategies)
    results += found_in("much", "different", [0.75], [0.625], [0.75], [0.5], strategies=strategies)
    return {"table": student([results[i] for i in (6, 3, 1, 4, 7, 2, 0, 5)], strategies, 0.0625)}


def choice_missing(student, rng):
    """strategies that weren't measured everywhere"""
    results = found_in("little", "similar", None, [0.5], [0.75]) + found_in("much", "different", [0.25], None, [0.5])
    return {"table": student(results, STRATEGIES, 0.25)}


def choice_no_margin(student, rng):
    """margin 0: the best, and of two that are equally good the cheaper one"""
    results = found_in("little", "similar", [0.5], [0.75], [0.75]) + found_in("much", "similar", [0.5], [0.625], [0.75])
    return {"table": student(results, STRATEGIES, 0.0)}


def choice_drawn(student, rng):
    """results drawn at random"""
    seen = {}
    for draw in range(4):
        results = []
        for data in ("little", "much"):
            for task in ("similar", "different"):
                cell = [[float(n) / 16 for n in rng.integers(4, 13, 2)] for _ in STRATEGIES]
                results += found_in(data, task, *cell)
        order = rng.permutation(len(results))
        margin = float(rng.integers(0, 5)) / 32
        seen[f"table, draw {draw + 1}"] = student([results[int(i)] for i in order], STRATEGIES, margin)
    return seen


ENOUGH = "means[name] >= max(means.values()) - margin"

CHOOSE_STRATEGIES = Exercise(
    "choose_strategies",
    points=3,
    cases=[
        Case(choice_best),
        Case(choice_near_the_best),
        Case(choice_dear_is_worse),
        Case(choice_exactly),
        Case(choice_by_steps),
        Case(choice_by_mean),
        Case(choice_no_margin),
        Case(choice_missing),
        Case(choice_any_order),
        Case(choice_four_cells),
        Case(choice_drawn, hidden=True, weight=3),
    ],
    bugs=[
        Bug(
            "always the best",
            "You take the best, whatever it costs. The cheapest one that is at most `margin` below it is good enough.",
            ("enough[0]", "max(means, key=lambda name: (means[name], -strategies.index(name)))"),
        ),
        Bug(
            "always the cheapest",
            "You take the cheapest, however bad it is. It must be at most `margin` below the best.",
            (f" and {ENOUGH}", ""),
        ),
        Bug(
            "dearest of the good ones",
            "Of those that are good enough you take the dearest. Take the cheapest: it comes first in `strategies`.",
            ("enough[0]", "enough[-1]"),
        ),
        Bug(
            "best draw instead of the mean",
            "You compare the highest accuracy of each strategy. One lucky draw says little: compare the means.",
            ('sum(result["accuracies"]) / len(result["accuracies"])', 'max(result["accuracies"])'),
        ),
        Bug(
            "first draw only",
            "You compare the first draw of each strategy. Compare the means.",
            ('sum(result["accuracies"]) / len(result["accuracies"])', 'result["accuracies"][0]'),
        ),
        Bug(
            "exactly the margin refused",
            "You refuse a strategy that is exactly `margin` below the best. That is still good enough.",
            (ENOUGH, "(means[name] > max(means.values()) - margin or means[name] == max(means.values()))"),
        ),
        Bug(
            "margin ignored where it is 0",
            "You compare with > everywhere. With a margin of 0 not even the best is good enough then.",
            (ENOUGH, "means[name] > max(means.values()) - margin"),
        ),
        Bug(
            "margin as a share",
            "You take the margin for a share of the best accuracy. It is subtracted.",
            (ENOUGH, "means[name] >= max(means.values()) * (1 - margin)"),
        ),
        Bug(
            "margin twice",
            "You are content with twice the margin.",
            ("- margin]", "- 2 * margin]"),
        ),
        Bug(
            "compared with the next",
            "You compare each strategy with the next dearer one, step by step. Compare with the *best* of the cell.",
            (
                "        table.setdefault",
                "        names = [name for name in strategies if name in means]\n"
                "        place = len(names) - 1\n"
                "        while place and means[names[place - 1]] >= means[names[place]] - margin:\n"
                "            place -= 1\n"
                "        enough = [names[place]]\n"
                "        table.setdefault",
            ),
        ),
        Bug(
            "best of all cells",
            "You compare with the best mean of *all* cells. Each cell has its own.",
            (
                "        enough = ",
                "        everything = [m for other in cells.values() for m in other.values()]\n        enough = ",
            ),
            (
                "max(means.values()) - margin]",
                "max(everything) - margin] or [max(means, key=means.get)]",
            ),
        ),
        Bug(
            "compared with the dearest",
            "You compare with the dearest strategy as if it were the best. It need not be.",
            ("max(means.values()) - margin", "[means[name] for name in strategies if name in means][-1] - margin"),
        ),
        Bug(
            "order of the results",
            "You take the order of the results for that of the costs. What is cheap, `strategies` says.",
            ("for name in strategies if name in means and", "for name in means if"),
        ),
        Bug(
            "order of the alphabet",
            "You take the first by the alphabet. What is cheap, `strategies` says.",
            ("for name in strategies if", "for name in sorted(strategies) if"),
        ),
        Bug(
            "everything measured everywhere",
            "Your code breaks down where a strategy wasn't measured in a cell. Leave it out there.",
            ("if name in means and", "if"),
        ),
        Bug(
            "unmeasured taken for measured",
            "You take a strategy that wasn't measured in this cell. Nobody knows how good it is there.",
            ("name in means and means[name] >=", "means.get(name, 1.0) >="),
        ),
        Bug(
            "table on its side",
            "Your table is `table[task][data]`. It is `table[data][task]`.",
            ("table.setdefault(data, {})[task]", "table.setdefault(task, {})[data]"),
        ),
        Bug(
            "pairs as keys",
            "The keys of your table are pairs. It is a dictionary of dictionaries: `table[data][task]`.",
            ("table.setdefault(data, {})[task]", 'table[f"{data}, {task}"]'),
        ),
        Bug(
            "rows overwritten",
            "Each new cell of a row overwrites the row: of each amount of data only the last task is left.",
            ("        table.setdefault(data, {})[task] = enough[0]", "        table[data] = {task: enough[0]}"),
        ),
        Bug(
            "accuracy instead of the name",
            "You fill in the accuracies. Asked for are the names of the strategies.",
            ("= enough[0]", "= means[enough[0]]"),
        ),
        Bug(
            "all good ones",
            "You fill in a list of all that are good enough. Asked for is the cheapest of them.",
            ("= enough[0]", "= enough"),
        ),
    ],
    correct=[
        Correct(
            "a loop over strategies",
            """
def choose_strategies(results, strategies, margin):
    table = {}
    for data, task in {(r["data"], r["task"]) for r in results}:
        own = [r for r in results if r["data"] == data and r["task"] == task]
        mean = {r["strategy"]: sum(r["accuracies"]) / len(r["accuracies"]) for r in own}
        best = max(mean.values())
        for strategy in strategies:
            if strategy in mean and best - mean[strategy] <= margin:
                if data not in table:
                    table[data] = {}
                table[data][task] = strategy
                break
    return table
""",
        ),
        Correct(
            "pandas",
            """
import pandas as pd
def choose_strategies(results, strategies, margin):
    frame = pd.DataFrame(results)
    frame["mean"] = frame["accuracies"].map(lambda values: sum(values) / len(values))
    frame["cost"] = frame["strategy"].map(strategies.index)
    best = frame.groupby(["data", "task"])["mean"].transform("max")
    good = frame[frame["mean"] >= best - margin].sort_values("cost").drop_duplicates(["data", "task"])
    return {d: {row.task: row.strategy for row in part.itertuples()} for d, part in good.groupby("data")}
""",
        ),
        Correct(
            "numpy and minima",
            """
from collections import defaultdict
import numpy as np
def choose_strategies(results, strategies, margin):
    cells = defaultdict(list)
    for r in results:
        cells[r["data"], r["task"]].append((strategies.index(r["strategy"]), float(np.mean(r["accuracies"]))))
    table = defaultdict(dict)
    for (data, task), pairs in cells.items():
        top = max(m for _, m in pairs)
        table[data][task] = strategies[min(i for i, m in pairs if m >= top - margin)]
    return dict(table)
""",
        ),
    ],
)
