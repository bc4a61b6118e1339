"""Watch a network train: curves that grow while a thread of the kernel trains, and a pause button.

The thread runs `visionlab.training.fit`; between two steps it looks at what the page has asked for. Everything that the
page shows is in one table of numbers, a row a measurement, which the thread sends a few times a second.
"""

import copy
import math
import threading
import time

import numpy as np
import pandas as pd
import torch
import traitlets
from matplotlib import pyplot as plt
from torch import nn
from torch.nn.functional import cross_entropy

from visionlab import plots
from visionlab.training import evaluate, fit
from visionlab.widgets.descent import Real
from visionlab.widgets.explorer import Explorer, browser_module, style_sheet

MEASURED = ("step", "loss", "accuracy", "validation_loss", "validation_accuracy", "rate")
MOST_ROWS = 300
MOST_LAYERS = 6
PAUSE = 0.2
"""Seconds between two messages to the page."""
USUAL_RATIO = 1e-3
"""Rule of thumb for the length of an update, as a share of the length of the weights (CS231n, Neural networks 3)."""

_LINES = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.PURPLE, plots.SKY, plots.VERMILLION)
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 1)))
_CSS = """
.vl-explorer {
  --vl-line-0: #0072b2; --vl-line-1: #b87a00; --vl-line-2: #00795a;
  --vl-line-3: #b0548a; --vl-line-4: #2a8fc9; --vl-line-5: #d55e00;
}
.vl-explorer.vl-dark {
  --vl-line-0: #4aa3ff; --vl-line-1: #f0ad1a; --vl-line-2: #2fc79a;
  --vl-line-3: #e39cc4; --vl-line-4: #8fd0f5; --vl-line-5: #ff7f2a;
}
.vl-charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr)); gap: 10px 18px; }
.vl-charts figure { margin: 0; }
.vl-charts figcaption { display: flex; flex-wrap: wrap; gap: 0 12px; align-items: baseline; min-height: 2.9em; }
.vl-charts figcaption b { font-weight: 600; flex: 1 1 100%; }
.vl-charts figcaption span { display: inline-flex; gap: 5px; align-items: center; font-size: 12px; }
.vl-charts figcaption svg { width: 22px; height: 8px; }
.vl-charts .vl-stage { margin: 0; }
"""


class _Stopped(Exception):
    pass


class TrainingDashboard(Explorer):
    """Train a network while you watch: loss, accuracy, learning rate, and how far each layer moves in a step.

    *Start* trains in the background, so that you can scroll, play and run other cells meanwhile. *Pause* holds the
    training between two steps; *One step* then goes on by a single step; *Stop* ends it, and its thread; *Start over*
    puts the first weights back. The slider multiplies the learning rate while the training runs.

    Only one dashboard trains at a time: starting one stops the others. While one trains, don't use its network in other
    cells, and expect no repeatable random numbers there; pause it first.

    Parameters
    ----------
    network : torch.nn.Module
        Trained in place, from images (N, C, H, W) to scores (N, classes).
    train, validation : tuple of two torch.Tensor
        As for `visionlab.training.fit`, like all that follows.
    epochs : int
    optimiser : torch.optim.Optimizer, optional
        By default AdamW with rate 0.001.
    batch_size : int
    schedule, transform, loss : function, optional
    seed : int
    on : torch.device, optional

    Attributes
    ----------
    status : str
        'ready', 'training', 'paused', 'done', 'stopped' or 'failed'. Read only.
    message : str
        Why it has failed. Read only.
    rate_factor : float
        What the learning rate is multiplied by, 0.01 … 100; in step with the slider, readable and settable.
    history : pandas.DataFrame
        What has been measured, by step: ``loss`` and ``accuracy``, means over the batches since the last measurement;
        ``validation_loss``, ``validation_accuracy``, where they were looked at; ``rate``; and for each layer the length
        of its update as a share of the length of its weights.

    Raises
    ------
    ValueError, RuntimeError
        If the images don't go through the network.

    Examples
    --------
    >>> from visionlab import datasets
    >>> from visionlab.training import as_tensors
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    >>> dashboard = TrainingDashboard(network, as_tensors(datasets.load("mnist", subset=320)), epochs=2)
    >>> dashboard.run(steps=4)
    >>> dashboard.status, len(dashboard.history)
    ('paused', 4)
    >>> dashboard.stop()
    >>> dashboard.status
    'stopped'
    """

    _esm = browser_module("drawing.js", "training_dashboard.js")
    _css = style_sheet() + _CSS

    status = traitlets.Unicode("ready", read_only=True).tag(sync=True)
    message = traitlets.Unicode("", read_only=True).tag(sync=True)
    rate_factor = Real(1.0, 0.01, 100).tag(sync=True)

    # For the browser: never set from there.
    _table = traitlets.Bytes().tag(sync=True)  # float32, a row a measurement: MEASURED, then a ratio a layer
    _layers = traitlets.List().tag(sync=True)
    _steps = traitlets.List([0, 0]).tag(sync=True)  # of the whole training, and of an epoch

    _turn = threading.Condition()  # guards the orders of all dashboards, and who trains
    _busy = None
    _thread = None

    def __init__(
        self,
        network: nn.Module,
        train: tuple[torch.Tensor, torch.Tensor],
        validation: tuple[torch.Tensor, torch.Tensor] | None = None,
        *,
        epochs: int,
        optimiser: torch.optim.Optimizer | None = None,
        batch_size: int = 64,
        schedule=None,
        transform=None,
        loss=cross_entropy,
        seed: int = 0,
        on=None,
    ):
        for images, labels in filter(None, (train, validation)):
            evaluate(network, images[:2], labels[:2], loss=loss)  # what doesn't fit is told at once, in the cell
        super().__init__()
        self._network, self._data, self._validation = network, train, validation
        self._optimiser = optimiser or torch.optim.AdamW(network.parameters(), lr=1e-3)
        self._schedule, self._measured_loss = schedule, loss
        self._settings = {
            "epochs": epochs, "batch_size": batch_size, "transform": transform, "seed": seed, "on": on,
        }  # fmt: skip
        self._first = copy.deepcopy((network.state_dict(), self._optimiser.state_dict()))
        an_epoch = math.ceil(len(train[0]) / batch_size)
        self._steps = [epochs * an_epoch, an_epoch]
        self._every = math.ceil(self._steps[0] / MOST_ROWS)
        self._look_every = max(1, min(an_epoch, self._steps[0] // 20))
        named = _weights(network)
        chosen = np.unique(np.linspace(0, len(named) - 1, min(len(named), MOST_LAYERS)).round().astype(int))
        self._layers = [named[i][0] for i in chosen]
        self._weights = [named[i][1] for i in chosen]
        self._order = "hold"
        self._forget()
        self.on_msg(lambda _, content, __: self._obey(content.get("do")))

    # What a student may call, too

    def start(self):
        """Train, or go on, in the background."""
        self._go("go")

    def pause(self):
        """Hold the training after the step it is at."""
        self._give("hold")

    def one_step(self):
        """Go on by one step, then hold."""
        self._go("one")

    def stop(self):
        """End the training and its thread; the weights stay as they are."""
        self._give("stop")
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()

    def start_over(self):
        """Stop, and put the first weights back."""
        self.stop()
        self._forget()
        weights, optimiser = copy.deepcopy(self._first)
        self._network.load_state_dict(weights)
        self._optimiser.load_state_dict(optimiser)
        self._thread = None
        self._say("ready")

    def run(self, steps=None):
        """Train here and now, and return when that is done.

        Parameters
        ----------
        steps : int, optional
            After that many steps the training is held, and *Go on* goes on. By default, train to the end.
        """
        self._hold_at = self._step + steps if steps else None
        self.start()
        try:
            with self._turn:
                self._turn.wait_for(lambda: self.status != "training")
        except KeyboardInterrupt:
            self.pause()
            raise
        finally:
            self._hold_at = None

    def close(self):
        """Stop the training, and close the widget."""
        if self._thread:
            self.stop()
        super().close()

    @property
    def history(self):
        """What has been measured so far, by step."""
        ratios = [f"update ratio, {name}" for name in self._layers]
        return pd.DataFrame(self._rows, columns=[*MEASURED, *ratios]).set_index("step")

    # Orders, from the page or from Python

    def _obey(self, order):
        actions = {"start": self.start, "pause": self.pause, "step": self.one_step, "over": self.start_over}
        if order == "stop":
            self._give("stop")  # without waiting for the thread: the kernel has other messages to answer
        elif order in actions:
            actions[order]()

    def _give(self, order):
        with self._turn:
            self._order = order
            self._turn.notify_all()

    def _go(self, order):
        if self.status in ("done", "stopped", "failed"):
            self.start_over()
        with self._turn:
            before, TrainingDashboard._busy = TrainingDashboard._busy, self
        if before is not None and before is not self:
            before.stop()
        self._say("training")
        self._give(order)
        if self._thread is None:
            self._thread = threading.Thread(target=self._train, name="visionlab training", daemon=True)
            self._thread.start()

    # In the thread

    def _train(self):
        try:
            self._wait()
            fit(
                self._network, self._data, optimiser=self._optimiser, loss=self._judge, schedule=self._rate,
                watch=self._look, progress=False, **self._settings,
            )  # fmt: skip
            end, why = "done", ""
        except _Stopped:
            end, why = "stopped", ""
        except Exception as problem:  # a student's network or function may raise anything, in a thread that nobody sees
            end, why = "failed", f"{type(problem).__name__}: {problem}"
        self._publish()
        with self._turn:
            if TrainingDashboard._busy is self:
                TrainingDashboard._busy = None
        self._say(end, why)

    def _rate(self, progress):
        return (self._schedule(progress) if self._schedule else 1.0) * self.rate_factor

    def _judge(self, scores, labels):
        self._right = self._right + (scores.detach().argmax(1) == labels).sum()
        self._seen += len(labels)
        return self._measured_loss(scores, labels)

    def _look(self, step):
        """What `fit` calls after each step: measure, tell the page, and wait if that is asked for."""
        self._step = step.step
        self._losses.append(step.loss)
        last = step.step == self._steps[0]
        if self._before is not None:
            self._measure(step, look=last or step.step % self._look_every == 0)
        if time.monotonic() - self._told > PAUSE:
            self._publish()
        if not last:
            self._wait()

    def _measure(self, step, look):
        loss = float(torch.stack(self._losses).mean())
        row = [step.step, loss, float(self._right) / self._seen, math.nan, math.nan, step.rate]
        if look and self._validation:
            row[3:5] = evaluate(self._network, *self._validation, loss=self._measured_loss)
        with torch.no_grad():
            for weight, old in zip(self._weights, self._before, strict=True):
                row.append(float((weight - old).norm() / old.norm().clamp(min=1e-12)))
        self._rows.append(row)
        self._losses, self._right, self._seen = [], 0, 0
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at step {step.step}; start over with a smaller rate")

    def _wait(self):
        """Hold while that is asked for; keep the weights if the coming step is to be measured."""
        with self._turn:
            if self._hold_at is not None and self._step >= self._hold_at:
                self._order, self._hold_at = "hold", None
            if self._order == "hold":
                self._publish()
                self._say("paused")
                self._turn.wait_for(lambda: self._order != "hold")
                if self._order != "stop":
                    self._say("training")
            if self._order == "stop":
                raise _Stopped
            single = self._order == "one"
            if single:
                self._order = "hold"
        coming = self._step + 1
        due = [coming % every == 0 for every in (self._every, self._look_every)]
        measured = single or any(due) or coming == self._steps[0]
        self._before = [weight.detach().clone() for weight in self._weights] if measured else None

    def _forget(self):
        self._step, self._rows = 0, []
        self._losses, self._right, self._seen = [], 0, 0
        self._before = self._hold_at = None
        self._publish()

    def _publish(self):
        self._told = time.monotonic()
        self._table = np.array(self._rows, np.float32).tobytes()

    def _say(self, status, message=""):
        with self._turn:
            self.set_trait("message", message)
            self.set_trait("status", status)
            self._turn.notify_all()

    # For readers without a kernel

    def _description(self):
        if not self._rows:
            return "A dashboard for training a network, not started: loss, accuracy, rate and update ratio by step."
        last = self.history.iloc[-1]
        looked = self.history.validation_accuracy.dropna()
        new = f", {100 * looked.iloc[-1]:.0f} % of the validation images" if len(looked) else ""
        return (
            f"Four charts of a training after {self._step} of {self._steps[0]} steps: the loss, now "
            f"{last.loss:.2f}; the accuracy, now {100 * last.accuracy:.0f} % of the training images{new}; the learning "
            f"rate; and how far each layer moves in a step, mostly {_between(self.history)} of its length."
        )

    def _figure(self):
        history = self.history
        fig, ((loss, accuracy), (rate, ratio)) = plt.subplots(2, 2, figsize=(9.2, 4.9), sharex=True)
        for ax, name in ((loss, "loss"), (accuracy, "accuracy")):
            ax.plot(history[name], color=plots.BLUE, lw=1.3, label="training")
            looked = history[f"validation_{name}"].dropna()
            if len(looked):
                ax.plot(looked, "o--", color=plots.VERMILLION, ms=3, lw=1.3, label="validation")
        rate.plot(history.rate, color=plots.BLUE, lw=1.5)
        for column, colour, dash in zip(history.columns[len(MEASURED) - 1 :], _LINES, _DASHES, strict=False):
            ratio.plot(history[column], color=colour, ls=dash, lw=1.2, label=column.removeprefix("update ratio, "))
        ratio.axhline(USUAL_RATIO, color=plots.GREY, lw=1)
        loss.set(title="loss", xlim=(0, self._steps[0]))
        accuracy.set(title="accuracy", ylim=(0, 1.02))
        rate.set(title="learning rate η", xlabel="step")
        rate.set_ylim(bottom=0)
        ratio.set(title="update / weight, by layer", xlabel="step", yscale="log")
        accuracy.legend(loc="lower right")
        ratio.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)
        said = f"{self.status}, step {self._step} of {self._steps[0]}"
        note = f"Here: {said}. In JupyterLab: start, pause, go on by one step, stop, and a slider for the rate."
        fig.supxlabel(note, fontsize=8, color=plots.GREY, x=0.01, ha="left")
        return fig


def _weights(network):
    """The weight arrays that are trained, with names such as 'conv 1': list of (str, torch.nn.Parameter)."""
    short = {"Conv2d": "conv", "Linear": "linear"}
    found = []
    for module in network.modules():
        for parameter in module.parameters(recurse=False):
            if parameter.dim() > 1 and parameter.requires_grad:
                kind = short.get(type(module).__name__, type(module).__name__)
                found.append((f"{kind} {len(found) + 1}", parameter))
    return found


def _between(history):
    ratios = history.iloc[:, len(MEASURED) - 1 :].to_numpy()
    return " to ".join(f"{value:.1g}" for value in np.quantile(ratios, (0.1, 0.9)))
