"""Similar submissions: copies are found, however they are dressed up; a class that solved the same task is not."""

from autograder.similarity import alike

TEMPLATE = ["import numpy as np", "def softmax(scores):\n    # YOUR CODE HERE\n    raise NotImplementedError"]

OWN = {
    "ann": """
def softmax(scores):
    shifted = scores - scores.max(axis=1, keepdims=True)
    weights = np.exp(shifted)
    return weights / weights.sum(axis=1, keepdims=True)
def loss(scores, y):
    p = softmax(scores)
    n = len(y)
    return -np.log(p[np.arange(n), y]).mean()
""",
    "bob": """
def softmax(scores):
    result = np.zeros_like(scores)
    for i, row in enumerate(scores):
        e = np.exp(row - max(row))
        for j in range(len(row)):
            result[i, j] = e[j] / sum(e)
    return result
def loss(scores, y):
    total = 0
    for i in range(len(y)):
        total -= np.log(softmax(scores)[i][y[i]])
    return total / len(y)
""",
    "cyd": """
def softmax(scores):
    log_sum = np.log(np.exp(scores - scores.max()).sum(1)) + scores.max()
    return np.exp(scores - log_sum.reshape(-1, 1))
def loss(scores, y):
    picked = np.take_along_axis(softmax(scores), y[:, None], axis=1)
    return float(np.mean(-np.log(picked)))
""",
    "dan": """
def softmax(x):
    # the maximum is taken off for stability
    x = x.astype(float)
    x -= np.max(x, axis=-1)[:, None]
    return np.divide(np.exp(x), np.sum(np.exp(x), axis=-1)[:, None])
def loss(x, labels):
    rows = range(x.shape[0])
    return np.average([-np.log(softmax(x)[r, labels[r]]) for r in rows])
""",
}


def dressed_up(source):
    """Other names, comments and layout."""
    for old, new in {"result": "answer_matrix", "row": "v", "total": "acc", "scores": "s", "(i, j)": "(a, b)"}.items():
        source = source.replace(old, new)
    return source.replace("\n    for", "\n\n    # go through it\n    for")


def cells(sources):
    return {student: [*TEMPLATE, source] for student, source in sources.items()}


def test_independent_answers_are_not_alike():
    assert alike(cells(OWN), TEMPLATE) == []


def test_a_copy_with_other_names_is_found():
    (pair,) = alike(cells(OWN | {"eve": dressed_up(OWN["bob"])}), TEMPLATE)
    assert pair.students == ("bob", "eve") and pair.share > 0.9


def test_lines_that_only_two_have_are_told():
    odd = OWN["cyd"] + "    # the lcture slide 41 is wrnog hear\n"
    (pair,) = alike(cells(OWN | {"cyd": odd, "fay": odd.replace("picked", "chosen")}), TEMPLATE)
    assert pair.students == ("cyd", "fay")
    assert "# the lcture slide 41 is wrnog hear" in pair.lines


def test_what_the_whole_class_has_is_no_sign():
    same = {f"s{i}": OWN["ann"] for i in range(20)}
    assert alike(cells(same), TEMPLATE) == []


def test_what_was_given_to_all_does_not_count():
    both = {"ann": OWN["ann"], "bea": OWN["ann"], "bob": OWN["bob"]}
    assert [pair.students for pair in alike(cells(both), TEMPLATE)] == [("ann", "bea")]
    assert alike(cells(both), [*TEMPLATE, OWN["ann"]]) == []


def test_code_that_is_no_python_is_compared_too():
    broken = "def softmax(:\n" + OWN["bob"].replace("return", "retrun")
    (pair,) = alike(cells(OWN | {"gus": broken, "hal": broken}), TEMPLATE)[:1]
    assert pair.students == ("gus", "hal")


def test_no_submissions():
    assert alike({}, TEMPLATE) == [] and alike({"ann": []}, TEMPLATE) == []
