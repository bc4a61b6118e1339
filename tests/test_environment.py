"""One place for versions: environment.yml repeats pyproject.toml's, under conda-forge's names."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"torch": "pytorch", "msgpack": "msgpack-python"}


def pins(lines, separator):
    return dict(line.split(separator) for line in lines if separator in line and ">=" not in line)


def test_conda_environment_is_in_step():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {CONDA_NAMES.get(name, name): version for name, version in pins(project["dependencies"], "==").items()}
    text = (ROOT / "environment.yml").read_text()
    by_conda, by_pip = (re.findall(rf"^ {{{indent}}}- (\S+)$", text, flags=re.M) for indent in (2, 6))
    assert pins(by_conda, "=") | pins(by_pip, "==") == wanted
    assert by_pip and "pip" in by_conda


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for line in project["dependencies"] + project["optional-dependencies"]["test"]:
        assert re.fullmatch(r"[\w-]+==[\w.]+", line), f"{line} is not pinned"


def test_torch_is_pinned_in_one_place():
    programs = [path for path in (ROOT / "tools").rglob("*") if path.suffix in (".py", ".sh")]
    for path in (ROOT / "Makefile", ROOT / ".ci/run", ROOT / "README.md", *programs):
        text = path.read_text()
        assert not re.search(r"pip install[^\n]*torch", text), f"{path} installs torch itself"


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    reasons = (ROOT / "docs" / "dependencies.md").read_text()
    for line in project["dependencies"] + project["optional-dependencies"]["test"]:
        name = line.split("==")[0]
        assert f"`{name}`" in reasons, f"docs/dependencies.md does not say why {name} is needed"
