"""The training dashboard without a browser: it trains as `fit` does, obeys, and leaves no thread behind."""

import base64
import io
import json
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import cross_entropy

from visionlab import datasets, widgets
from visionlab.training import as_tensors, evaluate, fit, warm_up_and_cosine
from visionlab.widgets.training_dashboard import MEASURED, TrainingDashboard


@pytest.fixture(scope="module")
def digits():
    return as_tensors(datasets.load("mnist", subset=320))


@pytest.fixture(scope="module")
def others():
    return as_tensors(datasets.load("mnist", split="test", subset=100))


@pytest.fixture(autouse=True)
def one_core():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small_network():
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(144, 10)
    )


def weights(network):
    return torch.cat([value.double().ravel() for value in network.state_dict().values()])


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "visionlab training"]


def wait(dashboard, status):
    with dashboard._turn:
        assert dashboard._turn.wait_for(lambda: dashboard.status == status, timeout=60), dashboard.status


def order(dashboard, word):
    """What a click on the page sends."""
    dashboard._handle_custom_msg({"do": word}, [])


def test_it_trains_as_fit_does_with_pauses_and_without(digits, others):
    settings = {"epochs": 3, "schedule": warm_up_and_cosine(0.2), "transform": lambda batch: batch.flip(3)}
    expected = small_network()
    fit(expected, digits, on="cpu", progress=False, **settings)
    through, interrupted = (TrainingDashboard(small_network(), digits, others, on="cpu", **settings) for _ in range(2))
    through.run()
    interrupted.run(steps=4)
    assert interrupted.status == "paused" and interrupted.history.index[-1] == 4
    order(interrupted, "step")
    wait(interrupted, "paused")
    assert interrupted.history.index[-1] == 5
    interrupted.run()
    for dashboard in (through, interrupted):
        assert dashboard.status == "done"
        assert torch.equal(weights(dashboard._network), weights(expected))
        looked = dashboard.history[["validation_loss", "validation_accuracy"]].iloc[-1]
        assert tuple(looked) == pytest.approx(evaluate(expected, *others))
    assert not threads()


def test_what_is_measured_is_right(digits):
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    images, labels = digits
    start = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        scores = network(images / 255)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.5)
    dashboard = TrainingDashboard(network, digits, epochs=2, batch_size=320, optimiser=optimiser, on="cpu")
    dashboard.run(steps=1)
    row = dashboard.history.loc[1]
    assert row.loss == pytest.approx(float(cross_entropy(scores, labels)), rel=1e-5)
    assert row.accuracy == pytest.approx(float((scores.argmax(1) == labels).float().mean()))
    assert row.rate == 0.5 and np.isnan(row.validation_loss)
    moved = (network[1].weight.detach() - start["1.weight"]).norm() / start["1.weight"].norm()
    assert row["update ratio, linear 1"] == pytest.approx(float(moved), rel=1e-5)
    dashboard.rate_factor = 0.1
    dashboard.run(steps=1)
    assert dashboard.history.rate.tolist() == pytest.approx([0.5, 0.05])
    dashboard.stop()


def test_a_long_training_is_measured_now_and_then(digits):
    dashboard = TrainingDashboard(small_network(), digits, epochs=100, batch_size=32, on="cpu")
    dashboard.run(steps=40)
    history = dashboard.history
    assert 10 <= len(history) <= 16 and history.index[-1] == 40
    assert history.loss.iloc[-1] < history.loss.iloc[0]
    dashboard.stop()


def test_it_obeys_the_page(digits):
    dashboard = TrainingDashboard(small_network(), digits, epochs=2000, on="cpu")
    first = weights(dashboard._network)
    order(dashboard, "start")
    assert dashboard.status == "training" and len(threads()) == 1
    order(dashboard, "pause")
    wait(dashboard, "paused")
    at = dashboard._step
    kept = weights(dashboard._network)
    assert torch.equal(weights(dashboard._network), kept) and dashboard._step == at
    order(dashboard, "start")
    wait(dashboard, "training")
    order(dashboard, "stop")
    wait(dashboard, "stopped")
    dashboard._thread.join(10)
    assert not threads() and not torch.equal(weights(dashboard._network), first)
    order(dashboard, "over")
    assert dashboard.status == "ready" and len(dashboard.history) == 0 and dashboard._table == b""
    assert torch.equal(weights(dashboard._network), first)
    order(dashboard, "step")
    wait(dashboard, "paused")
    assert dashboard._step == 1
    order(dashboard, "nonsense")
    dashboard.close()
    assert not threads(), "closing frees the thread"


def test_training_again_gives_the_same(digits):
    network = small_network()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    dashboard = TrainingDashboard(network, digits, epochs=2, optimiser=optimiser, on="cpu")
    dashboard.run()
    once, losses = weights(network), dashboard.history.loss.tolist()
    dashboard.run()
    assert torch.equal(weights(network), once) and dashboard.history.loss.tolist() == losses


def test_only_one_trains(digits):
    one, two = (TrainingDashboard(small_network(), digits, epochs=2000, on="cpu") for _ in range(2))
    one.start()
    two.start()
    assert one.status == "stopped" and two.status == "training" and len(threads()) == 1
    two.close()
    one.close()
    assert not threads()


def test_what_goes_wrong_is_told(digits):
    with pytest.raises(RuntimeError, match="shape"):
        TrainingDashboard(nn.Sequential(nn.Flatten(), nn.Linear(100, 10)), digits, epochs=1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 9), nn.ReLU(), nn.Linear(9, 10))
    exploding = torch.optim.SGD(network.parameters(), lr=1e38)
    dashboard = TrainingDashboard(network, digits, epochs=3, optimiser=exploding, on="cpu")
    dashboard.run()
    assert dashboard.status == "failed" and "smaller rate" in dashboard.message

    def broken(batch):
        raise KeyError("my own mistake")

    dashboard = TrainingDashboard(small_network(), digits, epochs=1, transform=broken, on="cpu")
    dashboard.run()
    assert dashboard.status == "failed" and dashboard.message == "KeyError: 'my own mistake'"
    assert not threads()


def test_frozen_and_many_layers(digits):
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), *(nn.Linear(8, 8) for _ in range(9)), nn.Linear(8, 10))
    network[1].weight.requires_grad_(False)
    dashboard = TrainingDashboard(network, digits, epochs=1, on="cpu")
    assert dashboard._layers == ["linear 1", "linear 3", "linear 5", "linear 6", "linear 8", "linear 10"]
    dashboard.run()
    assert dashboard.history.shape == (5, len(MEASURED) - 1 + 6)


def test_the_page_reads_the_same_table(digits, others, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    dashboard = TrainingDashboard(small_network(), digits, others, epochs=2, on="cpu")
    dashboard.run()
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "training_dashboard"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(
        'import { readTable, ticks } from "./training_dashboard.mjs";\n'
        f"const rows = readTable(Buffer.from('{base64.b64encode(dashboard._table).decode()}', 'base64'), 2);\n"
        "const marks = { linear: ticks(0, 940, false), log: ticks(2e-5, 0.3, true), near: ticks(0.5, 4, true) };\n"
        "console.log(JSON.stringify({ rows, ...marks }));\n"
    )
    done = subprocess.run([node, "main.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    names = ["step", "loss", "accuracy", "validationLoss", "validationAccuracy", "rate"]
    table = [[np.nan if row[name] is None else row[name] for name in names] + row["ratios"] for row in found["rows"]]
    np.testing.assert_allclose(table, dashboard.history.reset_index().to_numpy(), rtol=1e-6)
    assert (
        found["linear"] == [0, 250, 500, 750]
        and found["log"] == [1e-4, 1e-3, 1e-2, 1e-1]
        and found["near"] == [0.5, 1, 2]
    )


def test_a_picture_stands_in(digits, others):
    dashboard = TrainingDashboard(small_network(), digits, others, epochs=2, on="cpu")
    assert "not started" in dashboard._repr_mimebundle_()[1]["image/png"]["alt"]
    dashboard.run(steps=6)
    data, metadata = dashboard._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 600
    assert "after 6 of 10 steps" in metadata["image/png"]["alt"]
    dashboard.stop()
