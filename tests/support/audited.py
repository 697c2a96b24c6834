"""What the audit says, in a few words a row."""

from models.audit import AUDIT_COLUMNS, AuditAction, AuditRow
from models.database import fetch
from models.practice import Practice


async def audit_of(practice: Practice) -> list[AuditRow]:
    """All rows of a practice's audit, in the order in which they were written."""
    sql = f"SELECT {AUDIT_COLUMNS} FROM audit a WHERE a.practice_id = $1 ORDER BY a.seq"
    return await fetch(AuditRow, sql, practice.id)


async def rows_of(practice: Practice, *actions: AuditAction) -> list[AuditRow]:
    """Its rows of some actions."""
    return [row for row in await audit_of(practice) if row.action in actions]
