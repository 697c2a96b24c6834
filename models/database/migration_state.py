"""The models that a migration's operations ask for, each built when it is asked for.

Tortoise builds every model anew before and after each operation, and ready for queries. That takes
nearly all the time of a first migration, while most operations need one model's fields.
"""

from collections.abc import Iterable

from tortoise.connection import ConnectionHandler
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.schema_generator.state import ModelState, State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.models import Model

Key = tuple[str, str]
"""A model's app and name."""


class AskedForApps(StateApps):
    """Builds a model, and those it points to, when it is first asked for. What is built describes
    tables and cannot be queried: with no connection, Tortoise does not prepare it for that."""

    def __init__(self, states: dict[Key, ModelState]) -> None:
        super().__init__(connections=ConnectionHandler())
        self._states = states

    def get_model(self, app_label: str, model_name: str | None = None) -> type[Model]:
        key = (app_label, model_name) if model_name else self.split_reference(app_label)
        if key[1] not in self.apps.get(key[0], {}):
            for needed in self._needed_by(key):
                self.unregister_model(*needed)
                self.register_model(needed[0], self._states[needed].render(self))
            self._init_relations()
        return self.apps[key[0]][key[1]]

    def _needed_by(self, key: Key) -> set[Key]:
        """`key`, and all that its foreign keys lead to."""
        needed, waiting = set[Key](), [key]
        while waiting:
            current = waiting.pop()
            if current not in needed:
                needed.add(current)
                waiting += (
                    self.split_reference(field.model_name)
                    for field in self._states[current].fields.values()
                    if isinstance(field, ForeignKeyFieldInstance)
                )
        return needed


class AskedForState(State):
    """The tables as they are between two operations."""

    def __init__(self, models: dict[Key, ModelState]) -> None:
        super().__init__(models, AskedForApps(models))

    def clone(self) -> "AskedForState":
        return AskedForState({key: model.clone() for key, model in self.models.items()})

    def reload_model(self, app_label: str, model_name: str) -> None:
        self.reload_models([(app_label, model_name)])

    def reload_models(self, model_tuples: Iterable[Key]) -> None:
        self.apps = AskedForApps(self.models)


class Executor(MigrationExecutor):
    async def _project_state(
        self, applied: set[MigrationKey], *, upto: MigrationKey | None = None
    ) -> State:
        assert upto is None, "only for migrating back"
        state = AskedForState({})
        for key in self._full_plan():
            if key in applied:
                migration = self.loader.graph.nodes[key]
                assert migration is not None
                await migration.apply(state, dry_run=True)
        return state
