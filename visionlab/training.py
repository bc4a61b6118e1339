"""Training a classifier: one readable loop for the lectures and assignments.

`fit` is the loop that every PyTorch tutorial shows, with what a course needs around it: the best weights kept, a table
of what happened, the same result for the same seed, and an interrupted training that goes on as if nothing had
happened. What it does not do is decide for you: the network, the optimiser and the schedule are ordinary torch
objects and functions that you hand in.

It is quick on a laptop because all images stay in memory as one tensor, and a batch is cut out of it with one
indexing, where a loader that reads, decodes and converts image by image keeps the processor busy with other things.
"""

import json
import math
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_model, save_model
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

BEST = "model.safetensors"
HISTORY = "history.json"
CHECKPOINT = "checkpoint.pt"


class Step(NamedTuple):
    """What ``watch`` is told after each step.

    Attributes
    ----------
    epoch, step : int
        Both from 1; steps are counted over the whole training.
    loss : torch.Tensor
        The loss on this batch before the step, a scalar on the training's device; ``float(loss)`` waits for it.
    rate : float
        Learning rate of the optimiser's first group at this step.
    network : torch.nn.Module
        With the weights after the step.
    """

    epoch: int
    step: int
    loss: torch.Tensor
    rate: float
    network: nn.Module


def device():
    """Return the best device there is: an NVIDIA or AMD GPU, Apple's, or the processor.

    Returns
    -------
    torch.device

    Examples
    --------
    >>> device().type in ("cuda", "mps", "cpu")
    True
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def has_bfloat16(on):
    """Tell whether a device computes with bfloat16 by itself: then matrix products and convolutions are quicker in it.

    NVIDIA's GPUs do since 2020; of processors, those with AVX512-BF16 or AMX (servers and some laptops since 2022) or
    Arm's BF16. Others only imitate it, slowly.

    Parameters
    ----------
    on : torch.device

    Returns
    -------
    bool
    """
    if on.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = torch.cpu.get_capabilities() if on.type == "cpu" else {}
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def as_tensors(data):
    """Turn a data set into what `fit` takes.

    Parameters
    ----------
    data : visionlab.datasets.Dataset

    Returns
    -------
    images : torch.Tensor
        uint8, of shape (N, C, H, W): a quarter of the memory that float32 needs.
    labels : torch.Tensor
        int64, of shape (N,).

    Examples
    --------
    >>> from visionlab import datasets
    >>> images, labels = as_tensors(datasets.load("cifar10", split="test", subset=20))
    >>> images.shape, images.dtype, labels.shape
    (torch.Size([20, 3, 32, 32]), torch.uint8, torch.Size([20]))
    """
    images = data.images[..., None] if data.images.ndim == 3 else data.images
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))), torch.from_numpy(data.labels)


def warm_up_and_cosine(warm_up=0.1):
    """Make a schedule: up in a straight line, then down along half a cosine (Loshchilov and Hutter 2017).

    Parameters
    ----------
    warm_up : float
        Share of the training that goes up, 0 … 1.

    Returns
    -------
    function
        From progress (0 … 1) to a factor on the learning rate.

    Examples
    --------
    >>> schedule = warm_up_and_cosine(0.2)
    >>> [round(schedule(t), 2) for t in (0, 0.1, 0.2, 0.6, 1)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def schedule(progress):
        if progress < warm_up:
            return progress / warm_up
        return (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2 if warm_up < 1 else 1.0

    return schedule


def fit(
    network: nn.Module,
    train: tuple[torch.Tensor, torch.Tensor],
    validation: tuple[torch.Tensor, torch.Tensor] | None = None,
    *,
    epochs: int,
    optimiser: torch.optim.Optimizer | None = None,
    batch_size: int = 64,
    schedule: Callable[[float], float] | None = None,
    transform: Callable[[torch.Tensor], torch.Tensor] | None = None,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = cross_entropy,
    bfloat16: bool | None = None,
    seed: int = 0,
    on: torch.device | str | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    watch: Callable[[Step], None] | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Train a network in place.

    Parameters
    ----------
    network : torch.nn.Module
        From images (N, C, H, W) to scores (N, classes).
    train, validation : tuple of two torch.Tensor
        Images (N, C, H, W), float32 as the network wants them, or uint8, which are scaled to 0 … 1; labels (N,),
        int64. All of them are moved to the GPU, if there is one, at the start.
    epochs : int
        How often every training image is seen.
    optimiser : torch.optim.Optimizer, optional
        Made from ``network.parameters()``, perhaps in groups with their own rates; by default AdamW with rate 0.001.
    batch_size : int
    schedule : function, optional
        From progress (0 … 1, that of a step being the middle of it) to a factor on the optimiser's rates.
    transform : function, optional
        From a float batch (n, C, H, W) on the training's device to another of as many images: augmentation. It
        draws from torch's global generator, so that it is repeatable.
    loss : function
        From scores and labels to a scalar.
    bfloat16 : bool, optional
        Whether matrix products and convolutions run in bfloat16, which keeps 8 bits of a number's 24; weights and sums
        stay float32. By default on NVIDIA's GPUs that have it. A processor that has it (`has_bfloat16`) trains most
        networks 1.1 to 1.8 times as fast with it, to curves that differ a little from everybody else's.
    seed : int
        Fixes the order of the images, dropout and augmentation. The network's first weights are yours to fix:
        ``torch.manual_seed`` before you make it.
    on : torch.device, optional
        By default `device`'s choice.
    folder : path, optional
        Where to keep the best weights (``model.safetensors``), the table (``history.json``) and, after each
        epoch, all that is needed to go on (``checkpoint.pt``). Without validation data, the newest weights are the
        best.
    resume : bool
        Go on where the training in ``folder`` stopped; on a processor the result is the same, bit by bit, as
        without the interruption. Without a checkpoint there, begin.
    watch : function, optional
        Called with a `Step` after each step. What it raises ends the training.
    progress : bool
        Show a bar.

    Returns
    -------
    pandas.DataFrame
        A row an epoch: ``loss`` and ``accuracy`` over its training batches as they went by, ``validation_loss``
        and ``validation_accuracy`` if there is validation data, ``rate`` at its last step, ``seconds``.

    Raises
    ------
    ValueError
        If images and labels don't belong together, or the checkpoint is of another training.

    Examples
    --------
    >>> from visionlab import datasets
    >>> _ = torch.manual_seed(0)
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    >>> digits = as_tensors(datasets.load("mnist", subset=500))
    >>> history = fit(network, digits, epochs=3, progress=False)
    >>> bool(history.loss.iloc[-1] < history.loss.iloc[0])
    True
    """
    on = torch.device(on) if on else device()
    train = _checked(train, "train", on)
    validation = validation and _checked(validation, "validation", on)
    network.to(on, memory_format=torch.channels_last)
    optimiser = optimiser or torch.optim.AdamW(network.parameters(), lr=1e-3)
    if bfloat16 is None:
        bfloat16 = on.type == "cuda" and has_bfloat16(on)
    for group in optimiser.param_groups:
        group.setdefault("initial_lr", group["lr"])
    settings = {
        "epochs": epochs, "batch_size": batch_size, "seed": seed, "images": len(train[0]), "bfloat16": bfloat16,
        "rates": [group["initial_lr"] for group in optimiser.param_groups],
    }  # fmt: skip
    history = []
    if folder:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if resume and (folder / CHECKPOINT).exists():
            history = _go_on(folder, network, optimiser, settings, on)
    steps_an_epoch = math.ceil(len(train[0]) / batch_size)
    steps = epochs * steps_an_epoch
    bar = tqdm(total=steps, initial=len(history) * steps_an_epoch, disable=not progress, unit=" steps")
    with bar, torch.random.fork_rng([on] if on.type == "cuda" else []):
        for epoch in range(len(history) + 1, epochs + 1):
            start = time.perf_counter()
            # The seed of an epoch doesn't depend on the epochs before: nothing needs to be kept to go on from here.
            torch.manual_seed(seed * 1_000_003 + epoch)
            network.train()
            total, right = torch.zeros(2, device=on)
            for number, chosen in enumerate(torch.randperm(len(train[0]), device=on).split(batch_size)):
                step = (epoch - 1) * steps_an_epoch + number
                if schedule:
                    for group in optimiser.param_groups:
                        group["lr"] = group["initial_lr"] * schedule((step + 0.5) / steps)
                images, labels = _batch(train, chosen)
                if transform:
                    images = transform(images)
                with torch.autocast(on.type, torch.bfloat16, enabled=bfloat16):
                    scores = network(images)
                    batch_loss = loss(scores, labels)
                optimiser.zero_grad()
                batch_loss.backward()
                optimiser.step()
                batch_loss = batch_loss.detach()
                total += batch_loss * len(chosen)
                right += (scores.detach().argmax(1) == labels).sum()
                bar.update()
                if watch:
                    watch(Step(epoch, step + 1, batch_loss, optimiser.param_groups[0]["lr"], network))
            row = {"epoch": epoch, "loss": float(total) / len(train[0]), "accuracy": float(right) / len(train[0])}
            if validation:
                row["validation_loss"], row["validation_accuracy"] = evaluate(network, *validation, loss=loss)
            bar.set_postfix({name: f"{value:.3f}" for name, value in row.items() if name != "epoch"})
            rate = optimiser.param_groups[0]["lr"]
            history.append(row | {"rate": rate, "seconds": time.perf_counter() - start})
            if folder:
                _keep(folder, network, optimiser, settings, history)
            if not math.isfinite(row["loss"]):
                warnings.warn(f"The loss is {row['loss']} in epoch {epoch}: stopped. Try a smaller rate.", stacklevel=2)
                break
    return pd.DataFrame(history).set_index("epoch")


@torch.no_grad()
def evaluate(network, images, labels, *, loss=cross_entropy, batch_size=500):
    """Judge a network as it answers after training (dropout off, batch normalisation by its running statistics).

    Parameters
    ----------
    network : torch.nn.Module
        Its mode, train or eval, is the same afterwards.
    images, labels : torch.Tensor
        As for `fit`.
    loss : function
    batch_size : int

    Returns
    -------
    loss : float
        The mean over all images.
    accuracy : float
        The share of images whose label has the largest score, 0 … 1.
    """
    on = next((p.device for p in network.parameters()), torch.device("cpu"))
    data = _checked((images, labels), "data", on)
    mode = network.training
    network.eval()
    try:
        total, right = torch.zeros(2, device=on)
        for chosen in torch.arange(len(images), device=on).split(batch_size):
            batch, expected = _batch(data, chosen)
            scores = network(batch)
            total += loss(scores, expected) * len(chosen)
            right += (scores.argmax(1) == expected).sum()
    finally:
        network.train(mode)
    return float(total) / len(images), float(right) / len(images)


def load_weights(network, path):
    """Put weights that `fit` has kept into a network of the same shape.

    Parameters
    ----------
    network : torch.nn.Module
    path : path
        A safetensors file, or a folder of `fit`.

    Raises
    ------
    ValueError
        If the file belongs to another network; the message says where they differ.
    """
    path = Path(path)
    path = path / BEST if path.is_dir() else path
    try:
        load_model(network, path)
    except RuntimeError as error:
        raise ValueError(f"{path.name} holds the weights of another network. {error}") from None


def _checked(data, name, on):
    images, labels = data
    if images.ndim != 4:
        raise ValueError(f"{name}: images should have the shape (N, C, H, W), and have {tuple(images.shape)}.")
    if images.dtype not in (torch.uint8, torch.float32):
        raise ValueError(f"{name}: images should be uint8 or float32, and are {images.dtype}.")
    if labels.shape != (len(images),) or len(images) == 0:
        raise ValueError(f"{name}: {len(images)} images, but labels have the shape {tuple(labels.shape)}.")
    return images.to(on), labels.to(on)


def _batch(data, chosen):
    images, labels = (part[chosen] for part in data)
    if images.dtype == torch.uint8:
        images = images.float() / 255
    return images.contiguous(memory_format=torch.channels_last), labels


def _keep(folder, network, optimiser, settings, history):
    """Write what is needed to go on, then what is for the reader; a file is whole or not there."""
    accuracies = [row.get("validation_accuracy", row["epoch"]) for row in history]
    if accuracies.index(max(accuracies)) == len(history) - 1:
        _replace(folder / BEST, lambda path: save_model(network, path))
    _replace(folder / HISTORY, lambda path: Path(path).write_text(json.dumps(history, indent=1)))
    parts = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
    _replace(folder / CHECKPOINT, lambda path: torch.save(parts | {"settings": settings, "history": history}, path))


def _replace(path, write):
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    write(str(unfinished))
    unfinished.replace(path)


def _go_on(folder, network, optimiser, settings, on):
    kept = torch.load(folder / CHECKPOINT, map_location=on, weights_only=True)
    for name, value in settings.items():
        if kept["settings"][name] != value:
            raise ValueError(
                f"{folder} holds a training with {name} = {kept['settings'][name]}, and this one has {value}. "
                "Go on with the same settings, or begin anew with resume=False."
            )
    try:
        network.load_state_dict(kept["network"])
        optimiser.load_state_dict(kept["optimiser"])
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{folder} holds the training of another network or optimiser. {error}") from None
    return kept["history"]
