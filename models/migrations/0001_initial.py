from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from models.event import TaskEventKind
from models.lifecycle import CloseCause, ContactOutcome, TaskOrigin, TaskStatus
from models.roles import Role


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Practice",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("slug", fields.CharField(unique=True, max_length=64)),
                ("name", fields.CharField(max_length=200)),
                ("time_zone", fields.CharField(max_length=64)),
                ("seq", fields.BigIntField(default=0)),
                ("pruned_through", fields.BigIntField(default=0)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "practice",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A tenant. Its row is also the counter that numbers its events.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Patient",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "practice",
                    fields.ForeignKeyField(
                        "models.Practice",
                        source_field="practice_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=200)),
                ("phone", fields.CharField(max_length=40)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "patient",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A person whom the practice contacts.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Queue",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "practice",
                    fields.ForeignKeyField(
                        "models.Practice",
                        source_field="practice_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=200)),
                ("position", fields.IntField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "queue",
                "app": "models",
                "unique_together": (("practice", "name"),),
                "pk_attr": "id",
                "table_description": "A work list of tasks of one kind, such as overdue recall. `position` orders the lists.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Staff",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "practice",
                    fields.ForeignKeyField(
                        "models.Practice",
                        source_field="practice_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "staff",
                "app": "models",
                "unique_together": (("practice", "name"),),
                "pk_attr": "id",
                "table_description": "Who acts through a key: an agent, a supervisor, or a partner's program.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AccessKey",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "practice",
                    fields.ForeignKeyField(
                        "models.Practice",
                        source_field="practice_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("digest", fields.CharField(max_length=64)),
                (
                    "role",
                    fields.CharEnumField(
                        description="STAFF: STAFF\nSUPERVISOR: SUPERVISOR\nADMIN: ADMIN\nPARTNER: PARTNER",
                        enum_type=Role,
                        max_length=12,
                    ),
                ),
                (
                    "staff",
                    fields.ForeignKeyField(
                        "models.Staff",
                        source_field="staff_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("queue_ids", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("may_create_tasks", fields.BooleanField(default=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "access_key",
                "app": "models",
                "unique_together": (("practice", "digest"),),
                "pk_attr": "id",
                "table_description": "A key of one practice. Only the digest of the secret is stored.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Task",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "practice",
                    fields.ForeignKeyField(
                        "models.Practice",
                        source_field="practice_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "queue",
                    fields.ForeignKeyField(
                        "models.Queue",
                        source_field="queue_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "patient",
                    fields.ForeignKeyField(
                        "models.Patient",
                        source_field="patient_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="OPEN: OPEN\nIN_PROGRESS: IN_PROGRESS\nCLOSED: CLOSED",
                        enum_type=TaskStatus,
                        max_length=12,
                    ),
                ),
                (
                    "origin",
                    fields.CharEnumField(
                        description="AUTOMATIC: AUTOMATIC\nMANUAL: MANUAL",
                        enum_type=TaskOrigin,
                        max_length=12,
                    ),
                ),
                ("reason", fields.CharField(max_length=500)),
                ("follow_up", fields.DateField(null=True)),
                ("due_on", fields.DateField()),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("version", fields.IntField(default=1)),
                ("contact_count", fields.IntField(default=0)),
                ("last_contact_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "close_cause",
                    fields.CharEnumField(
                        null=True,
                        description="CONTACT: CONTACT\nEXPIRED: EXPIRED\nAPPOINTMENT_BOOKED: APPOINTMENT_BOOKED\nWITHDRAWN: WITHDRAWN\nDO_NOT_CONTACT: DO_NOT_CONTACT\nMAX_ATTEMPTS: MAX_ATTEMPTS",
                        enum_type=CloseCause,
                        max_length=20,
                    ),
                ),
                (
                    "claimed_by",
                    fields.ForeignKeyField(
                        "models.Staff",
                        source_field="claimed_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "claimed_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("idempotency_key", fields.CharField(null=True, max_length=200)),
            ],
            options={
                "table": "task",
                "app": "models",
                "unique_together": (("practice", "idempotency_key"),),
                "pk_attr": "id",
                "table_description": "The row that changes. Only work/transitions.py writes `status`.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "practice",
                    fields.ForeignKeyField(
                        "models.Practice",
                        source_field="practice_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "task",
                    fields.ForeignKeyField(
                        "models.Task",
                        source_field="task_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "outcome",
                    fields.CharEnumField(
                        description="NO_ANSWER: NO_ANSWER\nLEFT_MESSAGE: LEFT_MESSAGE\nDID_NOT_SCHEDULE: DID_NOT_SCHEDULE\nSCHEDULED: SCHEDULED",
                        enum_type=ContactOutcome,
                        max_length=20,
                    ),
                ),
                ("follow_up", fields.DateField(null=True)),
                ("notes", fields.TextField(null=True, unique=False)),
                ("closed_task", fields.BooleanField()),
                ("logged_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "logged_by",
                    fields.ForeignKeyField(
                        "models.Staff",
                        source_field="logged_by_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("idempotency_key", fields.CharField(null=True, max_length=200)),
            ],
            options={
                "table": "contact",
                "app": "models",
                "unique_together": (("practice", "idempotency_key"),),
                "pk_attr": "id",
                "table_description": "Append-only: the database refuses to change or delete a row.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TaskEvent",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "practice",
                    fields.ForeignKeyField(
                        "models.Practice",
                        source_field="practice_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("seq", fields.BigIntField()),
                (
                    "kind",
                    fields.CharEnumField(
                        description="CREATED: CREATED\nCONTACT_LOGGED: CONTACT_LOGGED\nCLOSED_BY_EXPIRY: CLOSED_BY_EXPIRY\nCLAIMED: CLAIMED\nRELEASED: RELEASED\nREASSIGNED: REASSIGNED\nCLOSED_BY_APPOINTMENT: CLOSED_BY_APPOINTMENT\nWITHDRAWN: WITHDRAWN\nPATIENT_CHANGED: PATIENT_CHANGED\nPOSTPONED: POSTPONED\nCONTACT_UNDONE: CONTACT_UNDONE\nREOPENED: REOPENED\nCLOSED_BY_DO_NOT_CONTACT: CLOSED_BY_DO_NOT_CONTACT\nREOPENED_BY_CANCELLATION: REOPENED_BY_CANCELLATION\nCALL_BACK_DUE: CALL_BACK_DUE\nCALL_BACK_PASSED_ON: CALL_BACK_PASSED_ON\nCLOSED_BY_MAX_ATTEMPTS: CLOSED_BY_MAX_ATTEMPTS\nRESUMED: RESUMED\nPRIORITY_CHANGED: PRIORITY_CHANGED",
                        enum_type=TaskEventKind,
                        max_length=24,
                    ),
                ),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "task",
                    fields.ForeignKeyField(
                        "models.Task",
                        source_field="task_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "queue",
                    fields.ForeignKeyField(
                        "models.Queue",
                        source_field="queue_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "from_status",
                    fields.CharEnumField(
                        null=True,
                        description="OPEN: OPEN\nIN_PROGRESS: IN_PROGRESS\nCLOSED: CLOSED",
                        enum_type=TaskStatus,
                        max_length=12,
                    ),
                ),
                (
                    "to_status",
                    fields.CharEnumField(
                        description="OPEN: OPEN\nIN_PROGRESS: IN_PROGRESS\nCLOSED: CLOSED",
                        enum_type=TaskStatus,
                        max_length=12,
                    ),
                ),
                ("from_follow_up", fields.DateField(null=True)),
                (
                    "close_cause",
                    fields.CharEnumField(
                        null=True,
                        description="CONTACT: CONTACT\nEXPIRED: EXPIRED\nAPPOINTMENT_BOOKED: APPOINTMENT_BOOKED\nWITHDRAWN: WITHDRAWN\nDO_NOT_CONTACT: DO_NOT_CONTACT\nMAX_ATTEMPTS: MAX_ATTEMPTS",
                        enum_type=CloseCause,
                        max_length=20,
                    ),
                ),
                ("contact_id", fields.BigIntField(null=True)),
                (
                    "actor",
                    fields.ForeignKeyField(
                        "models.Staff",
                        source_field="actor_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("version", fields.IntField()),
                ("follow_up", fields.DateField(null=True)),
                ("due_on", fields.DateField()),
                ("contact_count", fields.IntField()),
                ("last_contact_id", fields.BigIntField(null=True)),
            ],
            options={
                "table": "task_event",
                "app": "models",
                "unique_together": (("practice", "seq"),),
                "pk_attr": "id",
                "table_description": "Append-only: the database refuses changes, and deletions but for what retention has passed.",
            },
            bases=["Model"],
        ),
    ]
