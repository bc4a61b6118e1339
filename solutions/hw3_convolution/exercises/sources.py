"""Bugs in a way of solving an exercise that is not the solution's."""


def replaced(source, *replacements):
    """Change a source as `Bug` changes a solution: what is to be replaced must be there."""
    for old, new in replacements:
        if old not in source:
            raise ValueError(f"there is no {old!r} to replace")
        source = source.replace(old, new)
    return source
