"""Clusters described in a file: read, started and stopped through the real command; the shipped examples hold."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from autograder import cluster
from autograder.batch import load_records
from autograder.cluster import ClusterError
from tests.autograder.test_grading import RIGHT
from tests.small_course import REPOSITORY, answer, submit

EXAMPLES = REPOSITORY / "docs" / "clusters"


def test_a_cluster_from_a_file_grades_a_class(course, kernel_server, tmp_path):
    released = course.path("release", ".", "small") / "small.ipynb"
    for student in ("ann", "bob", "cyd"):
        submit(course.root, student, answer(released, RIGHT))
    file = tmp_path / "local.yaml"
    options = {"n_workers": 0, "threads_per_worker": 1, "dashboard_address": None}
    file.write_text(yaml.safe_dump({"cluster": "distributed.LocalCluster", "workers": 2, "options": options}))
    command = [Path(sys.executable).parent / "autograder", "grade", "small", "--cluster", file]
    ran = subprocess.run(command, cwd=course.root, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    assert [record.points for record in load_records(course, "small")] == [7, 7, 7]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2", "cannot be read"),
        ("workers: 3", "must have the keys cluster"),
        ("{cluster: distributed.LocalCluster, workers: 1, queue: cpu}", "Not known: queue"),
        ("{cluster: dask_nothing.NoCluster, workers: 1}", "pip install dask-jobqueue for Slurm"),
        ("{cluster: distributed.NoCluster, workers: 1}", "cannot be imported"),
    ],
)
def test_a_file_that_is_wrong_is_told(tmp_path, text, said):
    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    with pytest.raises(ClusterError, match=said):
        cluster.read(file)


def test_no_scheduler_at_the_address_is_told(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with (
        pytest.raises(ClusterError, match="No Dask scheduler answers at tcp"),
        cluster.connect("tcp://127.0.0.1:1"),
    ):
        pass


@pytest.mark.parametrize(("name", "lines"), [("slurm", ["-p cpu"]), ("slurm-gpu", ["--gres=gpu:1", "GPU=1"])])
def test_the_slurm_examples_make_job_scripts(name, lines):
    make, options, workers = cluster.read(EXAMPLES / f"{name}.yaml")
    with make(**options) as slurm:  # starts a scheduler here, but no job
        script = slurm.job_script()
    assert workers > 1
    assert "--nthreads 1" in script and "--lifetime" in script  # test cells run in the worker's only thread
    assert all(line in script for line in lines)
