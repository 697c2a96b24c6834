"""The digest chain of a practice's events: each event's digest, the last one beside the counter,
and on each event when its task was closed."""

from datetime import date, datetime
from typing import NamedTuple

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.chain import BEGINNING, chained
from models.database import fetch, write

BATCH = 1_000


class AddColumn(ops.AddField):
    """Adds a field by a statement of its own: a column that may not be null has to be filled first,
    and SQLite can only add it with a default, or make the table anew without its triggers."""

    def __init__(self, model_name, name, field, statement):
        super().__init__(model_name, name, field)
        self._statement = statement

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        if state_editor is not None:
            blob = ("BLOB", "x''") if state_editor.DIALECT == "sqlite" else ("BYTEA", "''::bytea")
            await state_editor.client.execute_query(self._statement.format(*blob))


class Event(NamedTuple):
    """The columns that an event's digest was made of when there were first digests."""

    practice_id: int
    seq: int
    kind: str
    at: datetime
    task_id: int
    queue_id: int
    from_status: str | None
    to_status: str
    from_follow_up: date | None
    close_cause: str | None
    contact_id: int | None
    actor_id: int | None
    version: int
    follow_up: date | None
    due_on: date
    contact_count: int
    last_contact_id: int | None
    claimed_by_id: int | None
    claimed_until: datetime | None
    from_queue_id: int | None
    assignee_id: int | None
    closed_at: datetime | None


class Practice(NamedTuple):
    id: int


CLOSED_AT = """
UPDATE task_event SET closed_at = (
    SELECT t.closed_at FROM task t
    WHERE t.practice_id = task_event.practice_id AND t.id = task_event.task_id)
WHERE to_status = 'CLOSED'
"""

EVENTS = f"""
SELECT {", ".join(Event._fields)} FROM task_event
WHERE practice_id = $1 AND seq > $2 ORDER BY seq LIMIT {BATCH}
"""

# What was pruned before there were digests has none: the chain begins anew after it.
COUNTER = "UPDATE practice SET digest = $2, last_event_at = $3 WHERE id = $1"

SQLITE_BEFORE = ("DROP TRIGGER task_event_is_append_only_update",)
SQLITE_AFTER = (
    """CREATE TRIGGER task_event_is_append_only_update BEFORE UPDATE ON task_event
       BEGIN SELECT RAISE(ABORT, 'task_event is append-only'); END""",
    """CREATE TRIGGER task_event_is_chained BEFORE INSERT ON task_event WHEN NEW.digest IS NULL
       BEGIN SELECT RAISE(ABORT, 'task_event.digest may not be null'); END""",
)
POSTGRES_BEFORE = ("ALTER TABLE task_event DISABLE TRIGGER task_event_is_append_only",)
POSTGRES_AFTER = (
    "ALTER TABLE task_event ALTER COLUMN digest SET NOT NULL",
    "ALTER TABLE task_event ENABLE TRIGGER task_event_is_append_only",
)


async def forward(apps, editor):
    sqlite = editor.DIALECT == "sqlite"
    for statement in SQLITE_BEFORE if sqlite else POSTGRES_BEFORE:
        await editor.client.execute_query(statement)
    await write(CLOSED_AT)
    for practice in await fetch(Practice, "SELECT id FROM practice ORDER BY id"):
        await chain_events(practice.id, sqlite)
    for statement in SQLITE_AFTER if sqlite else POSTGRES_AFTER:
        await editor.client.execute_query(statement)


async def chain_events(practice_id, sqlite):
    digest, last = BEGINNING, None
    while events := await fetch(Event, EVENTS, practice_id, 0 if last is None else last.seq):
        digests = []
        for event in events:
            digest = chained(digest, event._asdict())
            digests.append(digest)
        last = events[-1]
        await write_digests(practice_id, [event.seq for event in events], digests, sqlite)
    if last is not None:
        await write(COUNTER, practice_id, digest, last.at)


async def write_digests(practice_id, seqs, digests, sqlite):
    if sqlite:
        for seq, digest in zip(seqs, digests, strict=True):
            sql = "UPDATE task_event SET digest = $3 WHERE practice_id = $1 AND seq = $2"
            await write(sql, practice_id, seq, digest)
        return
    sql = """UPDATE task_event SET digest = w.digest
    FROM unnest($2::bigint[], $3::bytea[]) AS w (seq, digest)
    WHERE practice_id = $1 AND task_event.seq = w.seq"""
    await write(sql, practice_id, seqs, digests)


class Migration(migrations.Migration):
    dependencies = [("models", "0009_reassign")]
    operations = [
        *(
            AddColumn(
                "Practice",
                name,
                fields.BinaryField(default=BEGINNING),
                f"ALTER TABLE practice ADD COLUMN {name} {{0}} NOT NULL DEFAULT {{1}}",
            )
            for name in ("digest", "pruned_digest")
        ),
        ops.AddField("Practice", "last_event_at", fields.DatetimeField(null=True)),
        ops.AddField("TaskEvent", "closed_at", fields.DatetimeField(null=True)),
        AddColumn(
            "TaskEvent",
            "digest",
            fields.BinaryField(),
            "ALTER TABLE task_event ADD COLUMN digest {0}",
        ),
        ops.RunPython(forward),
    ]
