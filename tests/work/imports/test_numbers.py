"""What imports say of how patients are reached: two numbers and their kinds, language, a note."""

from typing import Any

import pytest

from gql_app.work.imports.batch import RowResult
from gql_app.work.imports.headers import kinds_of, match
from gql_app.work.imports.records import Record, record_of
from gql_app.work.imports.rows import ImportResult
from gql_app.work.imports.run import Import
from gql_app.work.reads.patients import patient_now
from gql_app.work.reads.targets import find_target
from models.people import Patient
from models.phone import PhoneKind
from tests.commands.importing.rows import row
from tests.office import Office

FIRST, SECOND, THIRD = "+12175550123", "+12175550143", "+12175550163"


async def bring(office: Office, **given: Any) -> RowResult:
    target = await find_target(office.supervisor, office.recall.id)
    assert target is not None
    run = Import(office.changes, office.supervisor, target, "pms")
    (result,) = await run.take([row("t1", **given)])
    return result


async def told(office: Office) -> Any:
    patient = await Patient.get(name="Fern Testwell")
    found = await patient_now(office.practice.id, patient.id)
    assert found is not None
    phones = [(phone.stored, phone.kind) for phone in found.phones]
    return phones, found.language, found.caller_note


def read(columns: str, *cells: str) -> Record:
    names = columns.split(",")
    matched = match(names).columns
    fields = {name: field for field, name in matched.items()}
    named: dict[str, object] = {fields[n]: c for n, c in zip(names, cells, strict=True)}
    return record_of(1, named, named, None, kinds_of(matched))


@pytest.mark.parametrize(
    ("columns", "cells", "expected"),
    [
        ("Home Phone,Mobile Phone", (FIRST, SECOND), (SECOND, "MOBILE", FIRST, "HOME")),
        ("Home Phone,Mobile Phone", (FIRST, " "), (FIRST, "HOME", None, None)),
        ("Telefon,Handy", (FIRST, SECOND), (FIRST, None, SECOND, "MOBILE")),
        ("phone,Work Phone", (FIRST, ""), (FIRST, None, "", "WORK")),
        ("phone", (FIRST,), (FIRST, None, None, None)),
    ],
)
def test_a_column_says_of_which_kind_its_numbers_are(
    columns: str, cells: tuple[str, ...], expected: tuple[str | None, ...]
) -> None:
    found = read(columns, *cells).row
    assert found is not None
    assert (found.phone, found.phone_kind, found.other_phone, found.other_phone_kind) == expected


async def test_a_row_brings_two_numbers_a_language_and_a_note(office: Office) -> None:
    given = {"phone_kind": "MOBILE", "other_phone": SECOND, "other_phone_kind": "WORK"}
    done = await bring(office, **given, language="Spanish", caller_note=" Ana ")
    assert done.result is ImportResult.CREATED
    both = [(FIRST, PhoneKind.MOBILE), (SECOND, PhoneKind.WORK)]
    assert await told(office) == (both, "es", "Ana")
    assert (await bring(office, **given)).result is ImportResult.UNCHANGED
    assert (await bring(office)).result is ImportResult.UNCHANGED  # it says less, and takes nothing
    assert await told(office) == (both, "es", "Ana")

    more = {"other_phone": THIRD, "language": "pt-BR", "caller_note": "Bea"}
    assert (await bring(office, **more)).result is ImportResult.UPDATED
    assert await told(office) == ([*both, (THIRD, None)], "pt-BR", "Bea")
    assert (await bring(office, phone=THIRD)).result is ImportResult.UPDATED
    phones, *_ = await told(office)
    assert [number for number, _ in phones] == [THIRD, SECOND]


async def test_another_number_that_cannot_be_called_is_passed_over(office: Office) -> None:
    assert (await bring(office, other_phone="ask her")).result is ImportResult.CREATED
    assert (await told(office))[0] == [(FIRST, None)]
    assert (await bring(office, other_phone="217 555 0123")).result is ImportResult.UNCHANGED


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"language": "Klingon"}, "LANGUAGE_INVALID", "language"),
        ({"caller_note": "x" * 501}, "TEXT_TOO_LONG", "callerNote"),
    ],
)
async def test_what_cannot_be_kept_rejects_its_row(
    office: Office, given: dict[str, str], code: str, field: str
) -> None:
    done = await bring(office, **given)
    assert done.result is ImportResult.REJECTED
    assert [(str(r.code.value), r.field) for r in done.refusals] == [(code, field)]
