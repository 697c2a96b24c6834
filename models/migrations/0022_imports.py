"""Imports: the files that were sent in, the rows of them that wait or were rejected, and what each import made."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.importing import ImportState

INDEXES = (
    "CREATE INDEX import_job_under_way ON import_job (practice_id, id) WHERE state IN ('RUNNING', 'UNDOING')",
    "CREATE INDEX import_job_by_source ON import_job (practice_id, source, id)",
    "CREATE INDEX import_step_by_job ON import_step (practice_id, job_id, id)",
    "CREATE INDEX patient_taken_back ON patient (practice_id, id) WHERE taken_back_at IS NOT NULL",
)
POSTGRES_KEYS = (
    "ALTER TABLE import_job DROP CONSTRAINT import_job_pkey",
    "ALTER TABLE import_job ADD PRIMARY KEY (practice_id, id)",
    "ALTER TABLE import_job ADD FOREIGN KEY (practice_id, staff_id) REFERENCES staff (practice_id, id)",
    "ALTER TABLE import_job ADD FOREIGN KEY (practice_id, queue_id) REFERENCES queue (practice_id, id)",
    "ALTER TABLE import_job ADD FOREIGN KEY (practice_id, undone_by_id) REFERENCES staff (practice_id, id)",
    "ALTER TABLE import_record DROP CONSTRAINT import_record_pkey",
    "ALTER TABLE import_record ADD PRIMARY KEY (practice_id, id)",
    "ALTER TABLE import_record ADD FOREIGN KEY (practice_id, job_id) REFERENCES import_job (practice_id, id)",
    "ALTER TABLE import_step DROP CONSTRAINT import_step_pkey",
    "ALTER TABLE import_step ADD PRIMARY KEY (practice_id, id)",
    "ALTER TABLE import_step ADD FOREIGN KEY (practice_id, job_id) REFERENCES import_job (practice_id, id)",
)
MOMENT = {"sqlite": "TIMESTAMP", "postgres": "TIMESTAMPTZ"}


class AddMoment(ops.AddField):
    """Adds a field by a statement of its own: SQLite would make the table anew without its triggers."""

    async def database_forward(self, app_label, old_state, new_state, state_editor=None):
        if state_editor is not None:
            kind = MOMENT["sqlite" if state_editor.DIALECT == "sqlite" else "postgres"]
            sql = f"ALTER TABLE patient ADD COLUMN {self.name} {kind}"
            await state_editor.client.execute_query(sql)


async def forward(apps, editor):
    is_sqlite = editor.DIALECT == "sqlite"
    for statement in (*(() if is_sqlite else POSTGRES_KEYS), *INDEXES):
        await editor.client.execute_query(statement)


def key():
    return fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)


def practice():
    return fields.ForeignKeyField(
        "models.Practice",
        source_field="practice_id",
        db_constraint=True,
        to_field="id",
        on_delete=OnDelete.RESTRICT,
    )


def table(name, table, description, columns, unique=()):
    return ops.CreateModel(
        name=name,
        fields=[("id", key()), ("practice", practice()), *columns],
        options={
            "table": table,
            "app": "models",
            **({"unique_together": unique} if unique else {}),
            "pk_attr": "id",
            "table_description": description,
        },
        bases=["Model"],
    )


COUNTS = (
    *("total", "taken", "created", "updated", "unchanged", "already_open", "rejected"),
    *("taken_back", "left_alone"),
)
MOMENTS = ("started_at", "finished_at", "undone_at", "leased_until")


class Migration(migrations.Migration):
    dependencies = [("models", "0021_merging")]
    operations = [
        AddMoment("Patient", "taken_back_at", fields.DatetimeField(null=True)),
        table(
            "ImportJob",
            "import_job",
            "An import: one file of the page, or one run of the command.",
            [
                (
                    "state",
                    fields.CharEnumField(
                        description="\n".join(f"{state.name}: {state}" for state in ImportState),
                        enum_type=ImportState,
                        max_length=12,
                    ),
                ),
                ("staff_id", fields.BigIntField()),
                ("key_id", fields.BigIntField(null=True)),
                ("queue_ids", fields.TextField(null=True)),
                ("queue_id", fields.BigIntField(null=True)),
                ("source", fields.CharField(null=True, max_length=100)),
                ("file_name", fields.CharField(max_length=200)),
                ("names", fields.TextField()),
                ("matching", fields.TextField()),
                *((name, fields.IntField(default=0)) for name in COUNTS),
                ("created_at", fields.DatetimeField()),
                *((name, fields.DatetimeField(null=True)) for name in MOMENTS),
                ("undone_by_id", fields.BigIntField(null=True)),
            ],
        ),
        table(
            "ImportRecord",
            "import_record",
            "A row of a file that has not come in: it waits, or `refusals` (JSON) say what is wrong with",
            [
                ("job_id", fields.BigIntField()),
                ("line", fields.IntField()),
                ("cells", fields.TextField()),
                ("refusals", fields.TextField(null=True)),
            ],
            unique=(("practice", "job_id", "line"),),
        ),
        table(
            "ImportStep",
            "import_step",
            "What one transaction of an import made: the numbers of tasks and patients (JSON lists), until",
            [
                ("job_id", fields.BigIntField()),
                ("tasks", fields.TextField()),
                ("patients", fields.TextField()),
                ("touched", fields.TextField(null=True)),
            ],
        ),
        ops.RunPython(forward),
    ]
