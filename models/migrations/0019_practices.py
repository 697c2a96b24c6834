"""Queues with a script and a number of attempts; practices and queues that are archived; and by what feeds
learn that a practice or its queues were changed."""

from tortoise import fields, migrations

from models.database.added_column import AddColumn


class Migration(migrations.Migration):
    dependencies = [("models", "0018_secret")]
    operations = [
        AddColumn(
            "Practice",
            "practice",
            "settings",
            fields.BigIntField(default=0, db_default=0),
            "BIGINT NOT NULL DEFAULT 0",
        ),
        AddColumn(
            "Practice", "practice", "archived_at", fields.DatetimeField(null=True), "{moment}"
        ),
        AddColumn("Queue", "queue", "max_attempts", fields.IntField(null=True), "INT"),
        AddColumn("Queue", "queue", "script", fields.TextField(null=True), "TEXT"),
        AddColumn("Queue", "queue", "archived_at", fields.DatetimeField(null=True), "{moment}"),
    ]
