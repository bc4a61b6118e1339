"""What to run first: said below a NameError whose name a cell of the notebook defines.

After a restart of the kernel, and after cells that were skipped, Python says only that a name is not defined.
"""

import json
import os
import re
import symtable
import sys
from pathlib import Path


def advice(name, folder="."):
    """Say which cell to run first, if a cell of the notebook defines ``name`` at its top level.

    Parameters
    ----------
    name : str
    folder : path
        The kernel's working directory, where its notebook lies. Which one it is, JupyterLab tells; without being told,
        all in the folder are looked at.

    Returns
    -------
    str
        Empty if no cell defines it: then the name is more likely misspelt.
    """
    own = Path(folder, Path(os.environ.get("JPY_SESSION_NAME", "")).name)
    notebooks = [own] if own.suffix == ".ipynb" and own.is_file() else Path(folder).glob("*.ipynb")
    headings = {heading for path in notebooks if (heading := _heading_over(name, path)) is not None}
    if not headings:
        return ""
    where = f"\nIt is under the heading “{heading}”." if len(headings) == 1 and (heading := headings.pop()) else ""
    return (
        f"There is no {name} yet: run the cell that defines it first.{where}\n"
        "Run ▸ Run All Above Selected Cell runs all cells that come before the selected one."
    )


def _heading_over(name, path):
    """The heading over the first cell that defines a name, '' if it has none; None if no cell defines it."""
    heading = ""
    try:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and _defines(source, name):
                return heading
            if cell["cell_type"] == "markdown":
                heading = (re.findall(r"^#+ +(.*\S)", source, flags=re.M) or [heading])[-1]
    except (OSError, ValueError, KeyError, TypeError):  # what cannot be read gives no advice, and no second error
        pass
    return None


def _defines(source, name):
    if name not in source:
        return False
    from IPython.core.inputtransformer2 import TransformerManager  # not while visionlab is imported: it takes its time

    try:
        symbol = symtable.symtable(TransformerManager().transform_cell(source), "<cell>", "exec").lookup(name)
    except (SyntaxError, ValueError, KeyError):
        return False
    return symbol.is_assigned() or symbol.is_imported()


def watch():
    """From now on, print the advice below each cell that ends in such a NameError; outside of IPython do nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        shell.events.register("post_run_cell", _tell)


def _tell(result):
    error = result.error_in_exec
    # An UnboundLocalError is about a variable of a function, and a mistake of another kind.
    if type(error) is NameError and error.name and (text := advice(error.name)):
        print(text)
