"""`python -m solutions.hw4_training_cnns.exercises.more_runs`: the broken runs of the lecture once more, other seeds.

Students have one run of each kind (data/results/broken_runs.json); these are for the hidden cases of `diagnose`.
"""

import json
from pathlib import Path

RESULT = Path(__file__).with_suffix(".json")
SEEDS = range(10, 22)


def main():
    """Do eight runs for each seed, and store their curves."""
    import torch

    from experiments.broken_runs import RUNS, rounded, run

    torch.set_num_threads(1)
    runs = {}
    for name, settings in RUNS.items():
        runs[name] = [{k: rounded(v) for k, v in run(seed=seed, **settings).items()} for seed in SEEDS]
        print(name, flush=True)
    RESULT.write_text(json.dumps(runs, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
