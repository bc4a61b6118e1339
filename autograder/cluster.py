"""Dask clusters to grade on: one that runs already, or one that a file describes and that is started for the batch."""

import contextlib
import importlib
from pathlib import Path

CONNECT_SECONDS = 20
"""Time for a running scheduler to answer."""


class ClusterError(Exception):
    """A cluster cannot be used; the message says what to change."""


@contextlib.contextmanager
def connect(address):
    """Connect to a running scheduler.

    Parameters
    ----------
    address : str
        tcp://HOST:PORT.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ClusterError
    """
    client_of = _client_class()
    try:
        client = client_of(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise ClusterError(f"No Dask scheduler answers at {address}: {problem}") from None
    with client:
        yield client


@contextlib.contextmanager
def start(path):
    """Start the cluster that a YAML file describes, and stop it in the end.

    The file names a class of Dask's (``cluster: dask_jobqueue.SLURMCluster``), its ``options``, and how many
    ``workers`` to ask for. docs/clusters/ has examples.

    Parameters
    ----------
    path : path

    Yields
    ------
    distributed.Client

    Raises
    ------
    ClusterError
    """
    client_of = _client_class()
    make, options, workers = read(path)
    with make(**options) as cluster, client_of(cluster, set_as_default=False) as client:
        cluster.scale(workers)
        yield client


def read(path):
    """Read a cluster file.

    Returns
    -------
    make : type
        The cluster's class.
    options : dict
    workers : int

    Raises
    ------
    ClusterError
    """
    import yaml

    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ClusterError(f"The cluster file {path} cannot be read: {problem}") from None
    unknown = set(data) - {"cluster", "options", "workers"} if isinstance(data, dict) else {"no keys at all"}
    if unknown or not isinstance(data.get("cluster"), str) or not isinstance(data.get("workers"), int):
        raise ClusterError(
            f"{path} must have the keys cluster (a class, such as dask_jobqueue.SLURMCluster) and workers (a number), "
            f"and may have options. {'Not known: ' + ', '.join(map(str, sorted(unknown))) if unknown else ''}".strip()
        )
    module, _, name = data["cluster"].rpartition(".")
    try:
        make = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as problem:
        raise ClusterError(
            f"{path}: {data['cluster']} cannot be imported ({problem}). Install the package it comes from: "
            "pip install dask-jobqueue for Slurm, PBS and LSF, dask-kubernetes for Kubernetes."
        ) from None
    return make, data.get("options") or {}, data["workers"]


def _client_class():
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError("Grading on a cluster needs Dask. Run: pip install -e '.[cluster]'") from None
    return Client
