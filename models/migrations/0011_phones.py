"""How a patient's number is dialled and shown, and whether the patient is found by the name and the
number as they are now.

The database keeps the last itself, for rows that are changed by hand too. Nothing is made here of
the numbers and names that are there: gql_app/work/upkeep/indexing.py does that for all who are not
indexed, by the rules of the version that runs. A later version that changes the rules needs no more
than: UPDATE patient SET is_indexed = false.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# Nearly always empty, so that looking for somebody to index costs next to nothing.
INDEX = "CREATE INDEX patient_not_indexed ON patient (practice_id, id) WHERE NOT is_indexed"

SQLITE = (
    INDEX,
    """CREATE TRIGGER patient_is_another AFTER UPDATE OF name, phone ON patient
       WHEN NEW.name <> OLD.name OR NEW.phone <> OLD.phone
       BEGIN
         UPDATE patient SET is_indexed = 0 WHERE id = NEW.id;
         UPDATE patient SET phone_number = NULL, phone_display = NULL
         WHERE id = NEW.id AND NEW.phone <> OLD.phone;
       END""",
    """CREATE TRIGGER practice_is_elsewhere AFTER UPDATE OF region ON practice
       WHEN NEW.region <> OLD.region
       BEGIN UPDATE patient SET is_indexed = 0 WHERE practice_id = NEW.id; END""",
)

POSTGRES = (
    INDEX,
    """CREATE FUNCTION callboard_patient_is_another() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         NEW.is_indexed := false;
         IF NEW.phone <> OLD.phone THEN
           NEW.phone_number := NULL;
           NEW.phone_display := NULL;
         END IF;
         RETURN NEW;
       END $$""",
    """CREATE TRIGGER patient_is_another BEFORE UPDATE OF name, phone ON patient FOR EACH ROW
       WHEN (NEW.name <> OLD.name OR NEW.phone <> OLD.phone)
       EXECUTE FUNCTION callboard_patient_is_another()""",
    """CREATE FUNCTION callboard_practice_is_elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN UPDATE patient SET is_indexed = false WHERE practice_id = NEW.id; RETURN NULL; END $$""",
    """CREATE TRIGGER practice_is_elsewhere AFTER UPDATE OF region ON practice FOR EACH ROW
       WHEN (NEW.region <> OLD.region) EXECUTE FUNCTION callboard_practice_is_elsewhere()""",
)


async def forward(apps, editor):
    for statement in SQLITE if editor.DIALECT == "sqlite" else POSTGRES:
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [("models", "0010_chain")]
    operations = [
        *(
            ops.AddField("Patient", name, fields.CharField(null=True, max_length=length))
            for name, length in (("phone_number", 40), ("phone_display", 64))
        ),
        ops.AddField(
            model_name="Patient",
            name="is_indexed",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.RunPython(forward),
    ]
