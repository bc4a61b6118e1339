"""What processes use, from /proc."""

import contextlib
from pathlib import Path


def own_bytes(pid):
    """Memory that a process shares with no other, in bytes; 0 if it has ended."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return 0


def descendants(pid):
    """The processes that descend from a process, as a list of (pid, name)."""
    children = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            name, rest = path.read_text().partition("(")[2].rsplit(")", 1)
            children.setdefault(int(rest.split()[1]), []).append((int(path.parent.name), name))
    found, newest = [], [pid]
    while newest:
        newest = [child for parent in newest for child in children.get(parent, ())]
        found += newest
        newest = [child for child, _ in newest]
    return found
