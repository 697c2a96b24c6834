"""Who is called, and who calls."""

import re
import unicodedata

from tortoise import fields
from tortoise.models import Model

from models.practice import Practice


class Patient(Model):
    """A person whom the practice contacts.

    Who came in from elsewhere is `external_id` at `source`, unique within the practice.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=200)
    phone = fields.CharField(max_length=40)
    source = fields.CharField(max_length=100, null=True)
    external_id = fields.CharField(max_length=200, null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "patient"


class PatientWord(Model):
    """What a patient is found by: the beginnings of these words.

    They are what `search_words` makes of the patient; only work/patients.py writes them.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    patient_id = fields.BigIntField()
    word = fields.CharField(max_length=64)

    class Meta:
        table = "patient_word"
        unique_together = (("practice", "word", "patient_id"),)


class Staff(Model):
    """Who acts through a key: an agent, a supervisor, or a partner's program."""

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    name = fields.CharField(max_length=200)
    created_at = fields.DatetimeField()

    class Meta:
        table = "staff"
        unique_together = (("practice", "name"),)


MAX_WORD = 64
"""How much of a word is looked at, in characters."""

BACKWARDS = "<"
"""Before the digits of a telephone number that are read from the last to the first. No word of a
name begins with it."""

APOSTROPHES = "['`\u02bc\u2019]"


def search_words(name: str, phone: str) -> set[str]:
    """The words that a patient is found by: those of the name, without accents and in lower case,
    and the digits of the telephone number, forwards and backwards (people know the last four)."""
    number = digits_of(phone)
    words = {*name_words(name)}
    if number:
        words |= {number[:MAX_WORD], backwards(number)}
    return words


def name_words(name: str) -> list[str]:
    """The words of a name as they are compared: O'Brien is one of them, Smith-Jones are two."""
    plain = "".join(c for c in _folded(name) if not unicodedata.combining(c))
    return [word[:MAX_WORD] for word in re.findall(r"[^\W_]+", re.sub(APOSTROPHES, "", plain))]


def digits_of(phone: str) -> str:
    """The digits of a telephone number."""
    return re.sub("[^0-9]", "", _folded(phone))


def backwards(digits: str) -> str:
    """The word that stands for a telephone number that ends with `digits`."""
    return (BACKWARDS + digits[::-1])[:MAX_WORD]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
