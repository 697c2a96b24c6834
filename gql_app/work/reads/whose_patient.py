"""Patients, and tasks by their patients, found by what was typed of a name or a number."""

from itertools import groupby

from gql_app.work.reads.conditions import BadInput, Conditions
from models.names import name_words, says_enough
from models.phone import looks_dialled, meant_numbers, without_extension
from models.text import trimmed

LONGEST = 100
"""How much may be typed to find a patient, in characters."""

LAST = "\U0010ffff"
"""Comes after every character that a word can go on with."""


def whose_patient(where: Conditions, typed: str, region: str, column: str = "t.patient_id") -> None:
    """Narrow a list to those whose patient, in `column`, is meant by what was typed: each word
    begins a word of the name, and digits begin or end the telephone number. Raises `BadInput`."""
    for beginnings in _meant(typed, region):
        # Not one select with OR, for which SQLite would look at all of the practice's words.
        selects = " UNION ALL ".join(
            f"""SELECT w.patient_id FROM patient_word w WHERE w.practice_id = $1
            AND w.word >= ${where.value(begin)} AND w.word < ${where.value(begin + LAST)}"""
            for begin in beginnings
        )
        where.add(f"{column} IN ({selects})")


def _meant(typed: str, region: str) -> list[list[str]]:
    """For each word that was typed, what one of the patient's words must begin with. Digits that
    are typed in groups are one number."""
    typed = trimmed(typed)
    if len(typed) > LONGEST:
        raise BadInput(f"patient has at most {LONGEST} characters.")
    words: list[str] = []
    numbers: list[list[str]] = []
    for is_number, group in groupby(without_extension(typed).split(), key=looks_dialled):
        if is_number:
            numbers.append(meant_numbers(" ".join(group), region))
        else:
            words += name_words(" ".join(group))
    digits = [numbers_of[0] for numbers_of in numbers if numbers_of]
    if not says_enough([*words, *digits]):
        raise BadInput(
            "patient has at least 2 letters or digits, or a character that is a word by itself."
        )
    return [*([word] for word in words), *filter(None, numbers)]
