"""Tables as Parquet, by pyarrow, which is installed only where it is wanted."""

from datetime import date, datetime
from types import ModuleType
from typing import Any

from gql_app.work.exports.forms import Rows, Taken
from gql_app.work.exports.tables import Table
from gql_app.work.reads.conditions import BadInput

GROUP = 20_000
"""Rows that are kept and then written together: readers expect large groups."""


class Parquet:
    """Columns with types: texts, whole numbers, dates, moments in UTC."""

    def __init__(self) -> None:
        self._arrow, self._parquet = _pyarrow()

    def begin(self, table: Table) -> bytes:
        arrow = self._arrow
        kinds = {
            str: arrow.string(),
            int: arrow.int64(),
            float: arrow.float64(),
            bool: arrow.bool_(),
            date: arrow.date32(),
            datetime: arrow.timestamp("us", tz="UTC"),
        }
        self._schema = arrow.schema([(column.name, kinds[column.kind]) for column in table.columns])
        self._file = Taken()
        self._writer: Any = self._parquet.ParquetWriter(self._file, self._schema)
        self._kept: list[Any] = []
        return self._file.take()

    def rows(self, rows: Rows) -> bytes:
        self._kept += rows
        return self._group() if len(self._kept) >= GROUP else b""

    def end(self) -> bytes:
        last = self._group() if self._kept else b""
        self._writer.close()
        return last + self._file.take()

    def finish(self) -> bytes:
        return b""

    def _group(self) -> bytes:
        columns = [
            self._arrow.array(values, field.type)
            for values, field in zip(zip(*self._kept, strict=True), self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.table(columns, schema=self._schema))
        self._kept = []
        return self._file.take()


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow  # noqa: PLC0415 - few install it, and it takes long
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError:
        raise BadInput("Parquet needs pyarrow, which is not here: pip install pyarrow") from None
    return pyarrow, pyarrow.parquet
