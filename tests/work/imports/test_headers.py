"""Columns are matched as people and practice software call them, and as somebody chose."""

import pytest

from gql_app.work.imports.headers import BadMatching, match, missing_fields
from gql_app.work.imports.matching import read_choice
from gql_app.work.imports.records import CannotImport

FILES = {
    "as documented": (
        "external_id,patient_external_id,name,phone,reason",
        "external_id,patient_external_id,name,phone,reason",
    ),
    "Dentrix": (
        "Chart #,Patient Name,Home Phone,Mobile Phone,Continuing Care Type",
        "external_id,name,other_phone,phone,reason",
    ),
    "Eaglesoft": (
        "Patient ID,First Name,Last Name,Cell Phone,Recall Type",
        "external_id,first_name,last_name,phone,reason",
    ),
    "Open Dental": (
        "RecallNum,PatNum,LName,FName,HmPhone,WirelessPhone,ProcDescript",
        "external_id,patient_external_id,last_name,first_name,other_phone,phone,reason",
    ),
    "Dentrix, with guarantors": (
        "Chart #,Guar ID,Patient Name,Home Phone,Continuing Care Type",
        "external_id,guarantor_external_id,name,phone,reason",
    ),
    "Eaglesoft, with guarantors": (
        "Patient ID,Resp. Party ID,First Name,Last Name,Cell Phone,Recall Type",
        "external_id,guarantor_external_id,first_name,last_name,phone,reason",
    ),
    "Open Dental, with guarantors": (
        "RecallNum,PatNum,Guarantor,LName,FName,HmPhone,ProcDescript",
        "external_id,patient_external_id,guarantor_external_id,last_name,first_name,phone,reason",
    ),
    "guarantors by number and by name": (
        "Chart #,Guarantor,Guarantor ID,Patient Name,Home Phone,Continuing Care Type",
        "external_id,,guarantor_external_id,name,phone,reason",
    ),
    "German": (
        "Nr.,Patienten-Nr.,Nachname,Vorname,Telefon,Handy,Grund,Wiedervorlage",
        "external_id,patient_external_id,last_name,first_name,phone,other_phone,reason,follow_up",
    ),
    "German, a recall list": (
        "Pat.-Nr.,Nachname,Vorname,Geburtsdatum,Telefon,Fällig am,Anlass,Bemerkung",
        "external_id,last_name,first_name,,phone,follow_up,reason,",
    ),
    "with a priority": (
        "external_id,name,phone,reason,Priority",
        "external_id,name,phone,reason,priority",
    ),
    "German, with a priority": (
        "Nr.,Name,Telefon,Grund,Priorität",
        "external_id,name,phone,reason,priority",
    ),
    "with a priority, in short": (
        "ID,Patient,Phone,Reason,Prio.",
        "external_id,name,phone,reason,priority",
    ),
    "German, Name and Vorname": (
        "Patientennummer,Name,Vorname,Rufnummer,Anlass",
        "external_id,last_name,first_name,phone,reason",
    ),
}


@pytest.mark.parametrize("file", FILES)
def test_columns_are_known_in_the_spellings_of(file: str) -> None:
    names, fields = (text.split(",") for text in FILES[file])
    matched = match(names).columns
    assert matched == {field: name for name, field in zip(names, fields, strict=True) if field}
    assert missing_fields(matched) == []


def test_what_is_chosen_counts_before_what_is_remembered_and_that_before_spelling() -> None:
    names = ["ID", "name", "phone", "Telefon", "Fax", "reason", "Grund"]
    matched = match(
        names, {"phone": "telefon"}, {"phone": "Fax", "reason": "Grund", "name": "gone"}
    )
    assert matched.columns == {
        "external_id": "ID",
        "name": "name",
        "phone": "Telefon",
        "reason": "Grund",
    }
    assert matched.guessed == {"external_id"}
    assert match(names, {"phone": "Fax"}, exactly=True).columns == {"phone": "Fax"}


@pytest.mark.parametrize(
    ("names", "chosen", "is_twice"),
    [
        (["name", "Name"], {}, True),
        (["Telefon", "Telefon"], {}, True),
        (["a", "b"], {"phone": "a", "name": "a"}, True),
        (["a", "b"], {"phone": "c"}, False),
    ],
)
def test_columns_that_cannot_be_matched(
    names: list[str], chosen: dict[str, str], is_twice: bool
) -> None:
    with pytest.raises(BadMatching) as caught:
        match(names, chosen)
    assert caught.value.is_twice is is_twice


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["Fax=a"], "FIELD_UNKNOWN"),
        (["Phone"], "COLUMN_MISSING"),
        (["Phone=a", "phone=b"], "COLUMN_TWICE"),
    ],
)
def test_a_choice_that_says_nothing(texts: list[str], code: str) -> None:
    with pytest.raises(CannotImport, match=f"^{code}: "):
        read_choice(texts)
    assert read_choice(["External ID = Nr.=1", "Phone=Tel"]) == {
        "external_id": "Nr.=1",
        "phone": "Tel",
    }
