"""A merge of two patients who are one person, and what is needed to undo it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tortoise import fields
from tortoise.models import Model

from models.database import select_list
from models.household import Regrouped
from models.practice import Practice


class PatientMerge(Model):
    """Two patients who were one: what went over, so that it can go back.

    `moved` is a `Moved` as JSON. A merge that was undone stays, with `undone_at`.
    """

    id = fields.BigIntField(primary_key=True)
    practice: fields.ForeignKeyRelation[Practice] = fields.ForeignKeyField(
        "models.Practice", on_delete=fields.RESTRICT
    )
    # Their foreign keys lead to two columns, which models cannot say: see the migration.
    survivor_id = fields.BigIntField()
    merged_id = fields.BigIntField()
    at = fields.DatetimeField()
    by_id = fields.BigIntField()
    moved = fields.TextField()
    undone_at = fields.DatetimeField(null=True)
    undone_by_id = fields.BigIntField(null=True)

    class Meta:
        table = "patient_merge"


class MovedTask(NamedTuple):
    """A task that went over, as it was then."""

    id: int
    contact_count: int
    is_open: bool


class Moved(NamedTuple):
    """What went over in a merge: tasks, appointments by their ids, and the ids of patients who had
    been merged into the one who was merged now. `version` is the survivor's right after it.
    `statuses` are the survivor's contact status before and after it, if they differ: a `Standing`
    as text each. `guarantors` are lists of a patient and the guarantor before and after it."""

    tasks: list[MovedTask]
    appointments: list[int]
    patients: list[int]
    version: int
    statuses: tuple[str, str] | None = None
    guarantors: Sequence[Regrouped] = ()

    @property
    def text(self) -> str:
        """As it is stored."""
        return json.dumps(self._asdict())

    @classmethod
    def of(cls, text: str) -> "Moved":
        """What `text` has stored."""
        stored = json.loads(text)
        rows = {
            "tasks": [MovedTask(*task) for task in stored["tasks"]],
            "guarantors": [Regrouped(*row) for row in stored.get("guarantors", ())],
        }
        return cls(**stored | rows)


class MergeRow(NamedTuple):
    """A merge as the read side hands it out."""

    id: int
    practice_id: int
    survivor_id: int
    merged_id: int
    at: datetime
    by_id: int
    moved: str
    undone_at: datetime | None

    @property
    def tasks(self) -> int:
        return len(Moved.of(self.moved).tasks)

    @property
    def appointments(self) -> int:
        return len(Moved.of(self.moved).appointments)


MERGE_COLUMNS = select_list("m", MergeRow)
"""The select list of a `MergeRow`, from a table that is called `m` in the query."""
