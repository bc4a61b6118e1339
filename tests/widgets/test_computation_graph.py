"""The graph explorer without a browser: reading expressions, values and gradients against torch, its traits."""

import numpy as np
import pytest
import torch
import traitlets
from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch
from matplotlib.transforms import Bbox

from visionlab import plots
from visionlab.widgets.computation_graph import (
    DepthExplorer,
    ExpressionError,
    GraphExplorer,
    describe,
    draw_graph,
    gradient_sizes,
    read_expression,
)

TORCH = {name: getattr(torch, name) for name in ("exp", "log", "relu", "tanh", "sigmoid", "sin", "cos")}
TORCH["max"] = lambda a, b: torch.maximum(torch.as_tensor(a), torch.as_tensor(b))


@pytest.mark.parametrize(
    "expression",
    [
        "(x + y) * z",
        "x * y + x",
        "x - y - z",
        "-x * (y - 2) / z",
        "x ** 2 + 3 * y ** 3",
        "2 ** x",
        "x ** y",
        "exp(x) * log(y) + tanh(z)",
        "sigmoid(x * y + z)",
        "relu(x - y) + relu(y - x)",
        "max(x, y) * z",
        "sin(x) * cos(y) - x / (y + z)",
        "(x + y) * (x - y) + (x + y)",
        "1 / (1 + exp(-(2 * x - 3 * y + z)))",
        "((x + y) ** 2 + exp(x - 1)) / (x * x + 1)",
    ],
)
def test_values_and_gradients_are_torchs(expression):
    values = {"x": 0.7, "y": 1.9, "z": -1.3}
    explorer = GraphExplorer(expression, {k: v for k, v in values.items() if k in GraphExplorer(expression).values})
    tensors = {name: torch.tensor(v, dtype=torch.float64, requires_grad=True) for name, v in explorer.values.items()}
    result = eval(expression, {"__builtins__": {}}, TORCH | tensors)
    result.backward()
    assert explorer.result == pytest.approx(result.item())
    assert explorer.gradients == pytest.approx({name: tensor.grad.item() for name, tensor in tensors.items()})


def test_the_slides_example():
    explorer = GraphExplorer("q = x + y; q * z", {"x": -2, "y": 5, "z": -4})
    assert (explorer.result, explorer.gradients) == (-12, {"x": -4, "y": -4, "z": 3})
    assert explorer.steps == 2 + 1 + 4


def test_a_variable_used_twice_is_one_node():
    graph = read_expression("x * x + x")
    assert sum(node.kind == "variable" for node in graph) == 1
    assert GraphExplorer("x * x + x", {"x": 3}).gradients == {"x": 7}


@pytest.mark.parametrize(
    "wrong",
    ["", "x +", "foo(x)", "x[0]", "x if y else z", "'a'", "__import__('os')", "x.real", "lambda: 1", "x == y", "7"],
)
def test_what_is_no_expression_is_told(wrong):
    with pytest.raises(ExpressionError) as told:
        read_expression(wrong)
    assert len(str(told.value)) > 10


@pytest.mark.parametrize(("expression", "values"), [("log(x)", {"x": -1}), ("1 / x", {"x": 0})])
def test_what_has_no_value_is_told(expression, values):
    with pytest.raises(ExpressionError):
        GraphExplorer(expression, values)


def test_traits_refuse_what_makes_no_sense():
    explorer = GraphExplorer()
    for name, value in (("step", 99), ("step", "two"), ("selected", 40), ("expression", "x +"), ("values", {"x": "a"})):
        with pytest.raises(traitlets.TraitError, match=name):
            setattr(explorer, name, value)
    with pytest.raises(ExpressionError, match="there is no variable w"):
        GraphExplorer("x + y", {"w": 1})


def test_what_the_browser_types_changes_the_graph_or_is_answered():
    explorer = GraphExplorer("x * y", {"x": 2, "y": 3}, step=2)
    explorer.typed = {"values": {"x": 5, "y": 3}}
    assert explorer.result == 15 and explorer.step == 0
    explorer.typed = {"expression": "a + a"}
    assert explorer.expression == "a + a" and explorer.gradients == {"a": 2} and not explorer.error
    explorer.typed = {"expression": "a +"}
    assert explorer.error and explorer.expression == "a + a"


def test_usual_mistakes_are_known():
    (edge,) = [e for e in describe("q = x + y; q * z", {"x": -2, "y": 5, "z": -4})["edges"] if e["downstream"] == 3]
    assert [words for value, words in edge["mistakes"] if value == -3] == ["Look at the sign."]


def test_the_static_picture_has_a_description():
    data, metadata = GraphExplorer()._repr_mimebundle_()
    assert data["image/png"] and "Computation graph of (x + y) * z" in metadata["image/png"]["alt"]


def test_gradients_vanish_and_explode_with_the_scale():
    small, _ = gradient_sizes(30, 0.5, "none")
    large, _ = gradient_sizes(30, 2.0, "none")
    assert small[0] < 1e-4 < 1 < 1e4 < large[0]
    he, _ = gradient_sizes(50, np.sqrt(2), "relu")
    assert 1e-3 < he[0] < 1e3
    with pytest.raises(ValueError, match="activation is"):
        gradient_sizes(3, 1, "sine")


def test_the_depth_explorers_sliders_change_its_picture():
    explorer = DepthExplorer(depth=10, scale=1.0)
    before, picture = explorer.sizes, explorer._picture.value
    explorer.scale.value = 0.5
    assert explorer.sizes[0] < before[0] and explorer._picture.value != picture
    with pytest.raises(ValueError, match="depth is 0"):
        DepthExplorer(depth=0)


@pytest.mark.parametrize("depth", [1, 3, 9, 50])
def test_layers_are_counted_in_whole_numbers(depth):
    figure = DepthExplorer(depth=depth)._draw()
    ticks = figure.axes[0].get_xticks()
    plt.close(figure)
    np.testing.assert_array_equal(ticks, np.round(ticks))


def test_a_large_factor_is_said_with_a_power_of_ten():
    assert "1.1 × 10⁻⁸ times" in DepthExplorer(depth=50, scale=0.7)._described()
    assert "ReLU layers" in DepthExplorer(depth=2, activation="relu")._described()


def test_numbers_in_the_picture_of_a_long_graph_keep_clear_of_its_nodes():
    explorer = GraphExplorer("1 / (1 + exp(-(w0*x0 + w1*x1 + b)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "b": -3})
    figure = draw_graph(explorer.graph, "a neuron")
    figure.canvas.draw()
    ax = figure.axes[0]
    nodes = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    numbers = [text for text in ax.texts if text.get_color() in (plots.GREEN, plots.VERMILLION)]
    assert len(nodes) == len(explorer.graph["nodes"]) and len(numbers) > 20
    for number in numbers:
        covered = [Bbox.intersection(number.get_window_extent(), node) for node in nodes]
        assert all(box is None or box.width < 4 for box in covered), f"{number.get_text()} runs into a node"
    plt.close(figure)
