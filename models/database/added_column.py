"""A column that a migration adds to a table that is in use."""

from typing import Any

from tortoise.fields import Field
from tortoise.migrations.operations import AddField


class AddColumn(AddField):
    """Adds a field by a statement of its own: SQLite would make the table anew without its
    triggers. `kind` is SQL for what the column is; {moment} in it is a moment's type."""

    def __init__(
        self, model_name: str, table: str, name: str, field: Field[Any], kind: str
    ) -> None:
        super().__init__(model_name, name, field)
        self._table, self._kind = table, kind

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        if state_editor is not None:
            moment = "TIMESTAMP" if state_editor.DIALECT == "sqlite" else "TIMESTAMPTZ"
            kind = self._kind.format(moment=moment)
            sql = f"ALTER TABLE {self._table} ADD COLUMN {self.name} {kind}"
            await state_editor.client.execute_query(sql)
