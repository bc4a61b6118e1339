"""Questions whose numbers are a student's own: drawn from the name under which the student is known in the class."""

import hashlib


def seed_of(student, exercise):
    """The seed of a student's own numbers in an exercise, the same in the student's notebook and in the grader.

    Parameters
    ----------
    student : str
        As the class list spells it; capitals and spaces around it don't matter.
    exercise : str

    Returns
    -------
    int
        From 0 to 2⁶³ − 1.

    Raises
    ------
    ValueError
        If the name is empty.

    Examples
    --------
    >>> seed_of("ada", "my_numbers") == seed_of(" Ada ", "my_numbers")
    True
    >>> seed_of("", "my_numbers")
    Traceback (most recent call last):
    ...
    ValueError: Whose numbers? Write your name as the class list spells it, the one you hand in under.
    """
    name = student.strip().casefold()
    if not name:
        raise ValueError("Whose numbers? Write your name as the class list spells it, the one you hand in under.")
    return int.from_bytes(hashlib.sha256(f"{exercise} {name}".encode()).digest()[:8]) >> 1
