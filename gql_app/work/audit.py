"""Rows of the audit before they are written, and how they are numbered and chained."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from models.audit import MAX_DETAIL, MAX_OPERATION, OK, AuditAction
from models.chain import chained


class Noted(NamedTuple):
    """What is to be recorded, without its place in the audit. `at` is None for what is recorded as
    it happens: then it is the moment of the change. See `models.audit.Audit` for the rest."""

    action: AuditAction
    operation: str
    address: str | None = None
    staff_id: int | None = None
    key_id: int | None = None
    patient_id: int | None = None
    task_id: int | None = None
    notes: bool = False
    result: str = OK
    detail: str | None = None
    at: datetime | None = None

    def columns(self, practice_id: int, seq: int, now: datetime) -> dict[str, object]:
        """The columns of its row, but for `digest`."""
        return {
            "practice_id": practice_id,
            "seq": seq,
            "at": now if self.at is None else self.at,
            "action": self.action,
            "operation": self.operation[:MAX_OPERATION],
            "address": self.address,
            "staff_id": self.staff_id,
            "key_id": self.key_id,
            "patient_id": self.patient_id,
            "task_id": self.task_id,
            "notes": self.notes,
            "result": self.result,
            "detail": None if self.detail is None else self.detail[:MAX_DETAIL],
        }


class Numbered(NamedTuple):
    """Rows that follow on a practice's last one, as columns, and the number and digest of the last
    of them."""

    rows: list[dict[str, object]]
    seq: int
    digest: bytes


def numbered(
    practice_id: int, noted: Iterable[Noted], seq: int, digest: bytes, now: datetime
) -> Numbered:
    """Number and chain what was noted after row `seq`, whose digest is `digest`."""
    rows = []
    for one in noted:
        seq += 1
        row = one.columns(practice_id, seq, now)
        digest = chained(digest, row)
        row["digest"] = digest
        rows.append(row)
    return Numbered(rows, seq, digest)
