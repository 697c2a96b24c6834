"""Fills an empty, migrated PostgreSQL database with practices whose history adds up.

Every row is what a life of the tasks through `work/transitions.py` would have left: each change has
its event, numbers go with time, and a task stands where its last event left it.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import asyncpg

from benchmarks.keys import create_key
from models.chain import BEGINNING, chained
from models.database import migrate, opened, use_secret, write
from models.event import CHAINED
from models.lifecycle import ContactOutcome
from models.practice import Practice
from models.roles import Role

SECRET = b"the secret of benchmarks, 32 b. "
"""The same in all these databases, so that ids can be written without one that is open."""

OTHERS = 8
"""Smaller practices beside the large one; together they have half as many tasks as it has."""

QUEUES = 8
TASKS_A_PATIENT = 4
TIME_ZONE = "America/Chicago"

LIFE = 8
"""Task number i lives by i % LIFE: see `_CHANGES`. The first half of them are still workable."""

DAYS = 20
"""How far back it goes: less than retention keeps, or the server would prune while it is timed."""

SPREAD_HOURS = DAYS * 24 - 5
"""Over how long lives begin. The last contacts are of the last hours: their patients rest."""

REST_HOURS = 24
CALLING_HOURS = "Mon-Sun 00:00-23:59"
"""Whatever the time of day at which it is measured."""


class Office(NamedTuple):
    """A practice, a key to it, and which tasks it has: the `tasks` ids from `first_task` on."""

    practice_id: int
    key: str
    first_task: int
    tasks: int

    def workable(self, chosen: random.Random) -> int:
        """The id of one of its tasks that are still to be worked."""
        life = chosen.randrange(LIFE // 2)
        return self.first_task + chosen.randrange(self.tasks // LIFE) * LIFE + life


@dataclass(frozen=True, slots=True)
class Base:
    """A filled database: a large practice and others."""

    url: str
    offices: list[Office]

    @property
    def large(self) -> Office:
        return self.offices[0]

    @property
    def others(self) -> list[Office]:
        return self.offices[1:]

    @property
    def name(self) -> str:
        return urlsplit(self.url).path.removeprefix("/")

    @property
    def host(self) -> str:
        """The folder of the server's socket."""
        return parse_qs(urlsplit(self.url).query)["host"][0]


# Of each eight tasks (i % 8): 0 is OPEN; 1, 2, 3 are IN_PROGRESS after so many contacts; 4, 5, 6
# were closed by the last of 1, 2, 3 contacts; 7 has expired. That is 1.5 contacts a task.
# Follow-ups are spread over 37 days, a prime, so that neither life nor queue goes with the date. Of
# the tasks that were called three times, those that are to be called from now on were promised a
# time, if it is still to come: a claim has as many of them beside its index as there are. One in 13
# is urgent, and one in 18 can wait, whatever else it is.
_CHANGES = f"""
CREATE TEMP TABLE change AS
SELECT *, lag(follow_up) OVER (PARTITION BY i ORDER BY j) AS from_follow_up,
       row_number() OVER (ORDER BY at, i) AS seq,
       CASE WHEN contacted
            THEN $4 + row_number() OVER (PARTITION BY contacted ORDER BY at, i) END AS contact_id,
       CASE WHEN contacted THEN CASE WHEN ends THEN '{ContactOutcome.SCHEDULED}'
                                     WHEN i % 2 = 0 THEN '{ContactOutcome.LEFT_MESSAGE}'
                                     ELSE '{ContactOutcome.NO_ANSWER}' END END AS outcome,
       contacted AND life = 3 AND j = last AND promised_at > now() + interval '1 hour'
       AS is_promised
FROM (
    SELECT i, j, life, last, at, ends, life <> 7 AND j > 0 AS contacted,
           CASE WHEN NOT ends
                THEN (at AT TIME ZONE $3)::date + (i + j * 11)::int % 37 END AS follow_up,
           ((at AT TIME ZONE $3)::date + (i + j * 11)::int % 37 + time '15:00') AT TIME ZONE $3
           AS promised_at
    FROM generate_series(0, $1::bigint - 1) AS i,
         LATERAL (SELECT i % 8 AS life, (ARRAY[0, 1, 2, 3, 1, 2, 3, 1])[i % 8 + 1] AS last) AS way,
         LATERAL generate_series(0, last) AS j,
         LATERAL (SELECT $2::timestamptz + i * (interval '{SPREAD_HOURS} hours' / $1)
                  + j * interval '1 hour' AS at, life > 3 AND j = last AS ends) AS moment
) AS changes
"""

_PATIENTS = """
INSERT INTO patient (id, practice_id, name, phone, created_at, is_indexed)
SELECT $1 + i, $2, 'Sage Nobodey ' || i, '555-' || lpad((i % 10000)::text, 4, '0'), $4, true
FROM generate_series(1, $3::bigint) AS i
"""

# What `index_patients` makes of them.
_WORDS = """
INSERT INTO patient_word (practice_id, patient_id, word)
SELECT p.practice_id, p.id, word
FROM patient p, LATERAL (SELECT regexp_replace(p.phone, '[^0-9]', '', 'g') AS digits) AS number,
     LATERAL unnest(string_to_array(lower(p.name), ' ') || ARRAY[digits, '<' || reverse(digits)])
     AS word
WHERE p.practice_id = $1
ON CONFLICT DO NOTHING
"""

_CONTACTS = """
INSERT INTO contact (id, practice_id, task_id, outcome, follow_up, notes, closed_task, logged_at,
                     logged_by_id, follow_up_at)
SELECT contact_id, $1, $2 + i, outcome, follow_up,
       CASE WHEN i % 3 = 0 THEN 'Asked to be called in the afternoon, after work.' END,
       ends, at, $3, CASE WHEN is_promised THEN promised_at END
FROM change WHERE contacted ORDER BY contact_id
"""

_TASKS = """
INSERT INTO task (id, practice_id, queue_id, patient_id, status, origin, reason, follow_up, due_on,
                  expires_at, version, contact_count, last_contact_id, last_contacted_at,
                  last_outcome, created_at, closed_at, close_cause, follow_up_at, priority)
SELECT $2 + i, $1, $4 + (i / 8) % $5, $6 + 1 + (i * 48271) % $7,
       CASE WHEN life = 0 THEN 'OPEN' WHEN life < 4 THEN 'IN_PROGRESS' ELSE 'CLOSED' END,
       CASE WHEN life = 7 OR i % 3 = 0 THEN 'AUTOMATIC' ELSE 'MANUAL' END,
       'Has not been seen for ' || 6 + i % 30 || ' months: recall for an examination',
       follow_up, COALESCE(follow_up, from_follow_up),
       CASE WHEN life = 7 THEN at WHEN i % 3 = 0 THEN $3::timestamptz + interval '1 year' END,
       last + 1, CASE WHEN life = 7 THEN 0 ELSE last END, contact_id,
       CASE WHEN contacted THEN at END, outcome, at - last * interval '1 hour',
       CASE WHEN ends THEN at END,
       CASE WHEN life = 7 THEN 'EXPIRED' WHEN ends THEN 'CONTACT' END,
       CASE WHEN is_promised THEN promised_at END,
       CASE WHEN i % 13 = 0 THEN 1 WHEN i % 17 = 0 THEN 3 ELSE 2 END
FROM change WHERE j = last ORDER BY i
"""

_EVENTS = """
INSERT INTO task_event (id, practice_id, seq, kind, at, task_id, queue_id, from_status, to_status,
                        from_follow_up, close_cause, contact_id, actor_id, version, follow_up,
                        due_on, contact_count, last_contact_id, closed_at, follow_up_at, priority,
                        digest)
SELECT $3 + seq, $1, seq,
       CASE WHEN j = 0 THEN 'CREATED' WHEN contacted THEN 'CONTACT_LOGGED'
            ELSE 'CLOSED_BY_EXPIRY' END,
       at, $2 + i, $4 + (i / 8) % $5,
       CASE WHEN j = 0 THEN NULL WHEN j = 1 THEN 'OPEN' ELSE 'IN_PROGRESS' END,
       CASE WHEN j = 0 THEN 'OPEN' WHEN ends THEN 'CLOSED' ELSE 'IN_PROGRESS' END,
       from_follow_up,
       CASE WHEN ends AND contacted THEN 'CONTACT' WHEN ends THEN 'EXPIRED' END,
       contact_id, CASE WHEN j = 0 OR contacted THEN $6::bigint END, j + 1, follow_up,
       COALESCE(follow_up, from_follow_up), CASE WHEN contacted THEN j ELSE 0 END, contact_id,
       CASE WHEN ends THEN at END, CASE WHEN is_promised THEN promised_at END,
       CASE WHEN i % 13 = 0 THEN 1 WHEN i % 17 = 0 THEN 3 ELSE 2 END, ''
FROM change ORDER BY seq
"""

_DIGESTS = """
UPDATE task_event SET digest = w.digest FROM unnest($2::bigint[], $3::bytea[]) AS w (seq, digest)
WHERE practice_id = $1 AND task_event.seq = w.seq
"""

_FILLED = ("patient", "task", "contact", "task_event")


async def filled(server_url: str, tasks: int) -> Base:
    """A new database on the server, migrated and filled."""
    name = f"tasks_{tasks}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    address, _, options = server_url.partition("?")
    url = f"{address.rpartition('/')[0]}/{name}?{options}"
    await migrate(url)
    return Base(url, await fill(url, tasks))


async def fill(url: str, tasks: int) -> list[Office]:
    """A large practice of `tasks` tasks, then the others; the numbers are cut to whole lives."""
    now = datetime.now(UTC)
    sizes = [tasks // LIFE * LIFE] + [tasks // (2 * OTHERS) // LIFE * LIFE] * OTHERS
    keys = []
    use_secret(SECRET)
    async with opened(url):
        await write("UPDATE secret SET value = $1", SECRET)
        for number, _ in enumerate(sizes):
            practice = await Practice.create(
                slug=f"office-{number}",
                name=f"Office {number}",
                time_zone=TIME_ZONE,
                rest_hours=REST_HOURS,
                calling_hours=CALLING_HOURS,
                created_at=now,
            )
            keys.append((practice.id, await create_key(practice, Role.STAFF, "Agent")))
    connection = await asyncpg.connect(url)
    try:
        # Tasks point to contacts and contacts to tasks: checked row by row, neither could be first.
        await connection.execute("SET session_replication_role = replica")
        offices = [
            await _fill_one(connection, practice_id, key, size, now)
            for (practice_id, key), size in zip(keys, sizes, strict=True)
        ]
        for table in _FILLED:
            await connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
        # As autovacuum would have left it: without it, the first reads pay for the hint bits.
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return offices


async def _fill_one(
    connection: asyncpg.Connection, practice_id: int, key: str, size: int, now: datetime
) -> Office:
    patients = size // TASKS_A_PATIENT
    highest = ", ".join(f"(SELECT COALESCE(max(id), 0) FROM {table})" for table in _FILLED)
    patient, task, contact, event = await connection.fetchrow(f"SELECT {highest}")
    begin = now - timedelta(days=DAYS)
    async with connection.transaction():
        queue = await connection.fetchval(
            "INSERT INTO queue (practice_id, name, position, created_at)"
            " SELECT $1, 'Queue ' || n, n, $3 FROM generate_series(1, $2::int) AS n RETURNING id",
            practice_id,
            QUEUES,
            begin,
        )
        agent = await connection.fetchval(
            "SELECT id FROM staff WHERE practice_id = $1", practice_id
        )
        await connection.execute(_PATIENTS, patient, practice_id, patients, begin)
        await connection.execute(_WORDS, practice_id)
        # CREATE TABLE AS takes no parameters over the wire.
        bound = (str(size), f"'{begin.isoformat()}'", f"'{TIME_ZONE}'", str(contact))
        changes = _CHANGES
        for number, value in enumerate(bound, 1):
            changes = changes.replace(f"${number}", value)
        await connection.execute(changes)
        await connection.execute(_CONTACTS, practice_id, task + 1, agent)
        place = (queue, QUEUES)
        await connection.execute(_TASKS, practice_id, task + 1, now, *place, patient, patients)
        await connection.execute(_EVENTS, practice_id, task + 1, event, *place, agent)
        await _chain(connection, practice_id)
        await connection.execute("DROP TABLE change")
    return Office(practice_id, key, task + 1, size)


async def _chain(connection: asyncpg.Connection, practice_id: int) -> None:
    """Give the practice's events their digests, and the counter the last one."""
    sql = f"SELECT {', '.join(CHAINED)} FROM task_event WHERE practice_id = $1 ORDER BY seq"
    digest, seqs, digests, at = BEGINNING, [], [], None
    for event in await connection.fetch(sql, practice_id):
        digest, at = chained(digest, dict(event)), event["at"]
        seqs.append(event["seq"])
        digests.append(digest)
    await connection.execute(_DIGESTS, practice_id, seqs, digests)
    counter = "UPDATE practice SET seq = $2, digest = $3, last_event_at = $4 WHERE id = $1"
    await connection.execute(counter, practice_id, len(seqs), digest, at)
