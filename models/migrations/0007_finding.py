"""What lists of tasks are found and sorted by: the last contact, the expiry, and a table for the words
of patients' names and telephone numbers. The words are made after all migrations (see 0011)."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from models.lifecycle import ContactOutcome

WORKABLE = "status IN ('OPEN', 'IN_PROGRESS')"

# The queue stands last, so that the rows of others are passed over without a look at the table.
INDEXES = (
    f"""CREATE INDEX task_by_expiry ON task
        (practice_id, COALESCE(expires_at, '9999-12-31 23:59:59+00:00'), id, queue_id)
        WHERE {WORKABLE}""",
    f"""CREATE INDEX task_by_last_contact ON task
        (practice_id, COALESCE(last_contacted_at, '1970-01-01 00:00:00+00:00'), id, queue_id)
        WHERE {WORKABLE}""",
    "CREATE INDEX patient_word_of_patient ON patient_word (practice_id, patient_id)",
)

POSTGRES_ONLY = (
    # In the order of its bytes a range of words is all that begin alike.
    'ALTER TABLE patient_word ALTER COLUMN word TYPE varchar(64) COLLATE "C"',
    "ALTER TABLE patient_word DROP CONSTRAINT patient_word_pkey",
    """DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT conname FROM pg_constraint
                 WHERE contype = 'u' AND conrelid = 'patient_word'::regclass
        LOOP EXECUTE format('ALTER TABLE patient_word DROP CONSTRAINT %I', c.conname); END LOOP;
    END $$""",
    "ALTER TABLE patient_word ADD PRIMARY KEY (practice_id, word, patient_id)",
    """ALTER TABLE patient_word ADD FOREIGN KEY (practice_id, patient_id)
       REFERENCES patient (practice_id, id) ON DELETE CASCADE""",
    # Of an expression in a partial index nothing is known otherwise: a third is taken to match.
    """CREATE STATISTICS task_expiry
       ON (COALESCE(expires_at, '9999-12-31 23:59:59+00:00')) FROM task""",
    """CREATE STATISTICS task_last_contact
       ON (COALESCE(last_contacted_at, '1970-01-01 00:00:00+00:00')) FROM task""",
)

LAST_CONTACTS = """
UPDATE task SET last_outcome = c.outcome, last_contacted_at = COALESCE(c.contacted_at, c.logged_at)
FROM contact c WHERE c.practice_id = task.practice_id AND c.id = task.last_contact_id
"""


async def forward(apps, editor):
    sqlite = editor.DIALECT == "sqlite"
    for statement in (*(() if sqlite else POSTGRES_ONLY), LAST_CONTACTS, *INDEXES):
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0006_activity")]
    operations = [
        ops.AddField(
            model_name="Task", name="last_contacted_at", field=fields.DatetimeField(null=True)
        ),
        ops.AddField(
            model_name="Task",
            name="last_outcome",
            field=fields.CharEnumField(ContactOutcome, max_length=20, null=True),
        ),
        ops.CreateModel(
            name="PatientWord",
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
                ("patient_id", fields.BigIntField()),
                ("word", fields.CharField(max_length=64)),
            ],
            options={
                "table": "patient_word",
                "app": "models",
                "unique_together": (("practice", "word", "patient_id"),),
                "pk_attr": "id",
                "table_description": "What a patient is found by: the beginnings of these words.",
            },
            bases=["Model"],
        ),
        ops.RunPython(forward),
    ]
