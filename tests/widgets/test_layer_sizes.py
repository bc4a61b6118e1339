"""The layer sizes without a browser: the counts are those of torch's layers, and the browser's are the same."""

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
import traitlets
from PIL import Image

from visionlab import widgets
from visionlab.widgets.layer_sizes import KERNELS, SIDES, LayerSizes

SCRIPT = """
import { readFileSync } from "node:fs";
import { layerWeights, memory } from "./layer_sizes.mjs";
const { cases, bytes } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify({ weights: cases.map((one) => layerWeights(...one)), words: bytes.map(memory) }));
"""


def test_counts_are_those_of_torchs_layers():
    full = torch.nn.Linear(8 * 8 * 3, 8 * 8 * 4, bias=False, device="meta")
    shared = torch.nn.Conv2d(3, 4, 5, bias=False, device="meta")
    assert LayerSizes(side=8, maps=4, kernel=5).weights == (full.weight.numel(), shared.weight.numel())


def test_the_browser_counts_the_same(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = Path(widgets.__file__).parent
    for module in ("drawing", "layer_sizes"):
        source = (folder / f"{module}.js").read_text("utf-8").replace('from "./drawing.js"', 'from "./drawing.mjs"')
        (tmp_path / f"{module}.mjs").write_text(source, "utf-8")
    (tmp_path / "main.mjs").write_text(SCRIPT)
    cases = [(side, maps, kernel) for side in SIDES for maps in (1, 6, 64) for kernel in KERNELS]
    given = json.dumps({"cases": cases, "bytes": [27, 999, 1000, 7375872, 25e9, 4e14]})
    done = subprocess.run([node, "main.mjs"], input=given, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    for case, weights in zip(cases, found["weights"], strict=True):
        assert tuple(weights) == LayerSizes(*case).weights
    assert found["words"] == ["27 bytes", "999 bytes", "1 kB", "7.38 MB", "25 GB", "400 TB"]


@pytest.mark.parametrize(
    ("wrong", "said"), [({"side": 30}, "side"), ({"maps": 0}, "maps is 0"), ({"kernel": 2}, "ker")]
)
def test_wrong_settings_are_told(wrong, said):
    with pytest.raises(traitlets.TraitError, match=said):
        LayerSizes(**wrong)


def test_a_picture_stands_in_where_there_is_no_kernel():
    data, metadata = LayerSizes(side=64)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 500
    assert "50,331,648 weights" in metadata["image/png"]["alt"]
