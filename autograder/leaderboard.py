"""A leaderboard that names nobody: what checks measured, under pseudonyms that only their owners are told."""

import hashlib
import secrets

ADJECTIVES = (
    "able", "amber", "bold", "brave", "bright", "brisk", "calm", "clever", "cosmic", "crisp", "curious", "daring",
    "eager", "early", "fancy", "fleet", "gentle", "golden", "happy", "honest", "humble", "jolly", "keen", "kind",
    "lively", "lucky", "merry", "mighty", "nimble", "noble", "patient", "plucky", "polite", "proud", "quick", "quiet",
    "rapid", "serene", "sharp", "shy", "silver", "sleepy", "sly", "smart", "snowy", "steady", "sunny", "swift",
    "tidy", "vivid", "warm", "wise", "witty", "young",
)  # fmt: skip
ANIMALS = (
    "badger", "bat", "bear", "beaver", "bee", "bison", "camel", "carp", "cat", "cod", "crab", "crane", "crow", "deer",
    "dolphin", "dove", "duck", "eagle", "eel", "egret", "elk", "falcon", "ferret", "finch", "fox", "frog", "gecko",
    "goat", "goose", "hare", "hawk", "heron", "horse", "ibis", "jay", "kiwi", "koala", "lark", "lemur", "lion", "llama",
    "lynx", "magpie", "mole", "moose", "moth", "mouse", "newt", "okapi", "orca", "otter", "owl", "panda", "pike",
    "pony", "puffin", "quail", "rabbit", "raven", "robin", "salmon", "seal", "shrew", "snail", "sparrow", "squid",
    "stork", "swan", "tapir", "tiger", "toad", "trout", "turtle", "viper", "vole", "walrus", "weasel", "whale", "wolf",
    "wombat", "wren", "yak", "zebra",
)  # fmt: skip


def pseudonyms(course, students):
    """Give each student a name for the leaderboard, which nobody can work out without the course's secret.

    Parameters
    ----------
    course : Course
        Its secret is made at the first use, and kept with the records.
    students : collection of str

    Returns
    -------
    dict of str to str
        No two are the same; the same secret and class give the same.
    """
    path = course.root / "records" / ".pseudonyms"
    if not students:
        return {}
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    secret, given = path.read_bytes(), {}
    for student in sorted(students):
        number = int.from_bytes(hashlib.blake2b(student.encode(), key=secret).digest())
        while (name := _name(number)) in given.values():
            number += 1
        given[student] = name
    return given


def _name(number):
    rest, animal = divmod(number, len(ANIMALS))
    return f"{ADJECTIVES[rest % len(ADJECTIVES)]} {ANIMALS[animal]}"


def shares_of(record):
    """All shares that the checks of a record measured, by what they are shares of."""
    return {name: share for cell in record.cells for name, share in cell.shares.items()}


def standings(records):
    """Rank what was measured.

    Parameters
    ----------
    records : list of Record

    Returns
    -------
    headings : list of str
        What was measured, in the order of the checks.
    rows : list of (int, str, list of float or None)
        Rank, student and the shares, best first by the last heading; those who reach the same share the same rank.
    """
    measured = {record.student: shares for record in records if (shares := shares_of(record))}
    headings = list(dict.fromkeys(name for shares in measured.values() for name in shares))
    table = {student: [shares.get(name) for name in headings] for student, shares in measured.items()}
    ordered = sorted(table.items(), key=lambda row: (row[1][-1] is None, -(row[1][-1] or 0), row[0]))
    finals = [row[-1] for _, row in ordered]
    return headings, [(finals.index(row[-1]) + 1, student, row) for student, row in ordered]
