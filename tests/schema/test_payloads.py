"""Refusals: each code of the schema is one that something is refused with."""

import pytest

from models.refusals import RefusalCode
from tests.commands.importing.rows import BAD_TEXTS
from tests.schema.test_contacts import refused_logs
from tests.schema.test_tasks import refused_tasks
from tests.serving import Server

# Each of these has a test beside what refuses with it.
OF_SET_UP = [
    "SLUG_INVALID",
    "SLUG_TAKEN",
    "TIME_ZONE_INVALID",
    "CALLING_HOURS_INVALID",
    "HOLIDAYS_INVALID",
    "REGION_INVALID",
    "NAME_TAKEN",
    "LADDER_INVALID",
    "NUMBER_INVALID",
    "TOO_MANY_QUEUES",
    "LAST_QUEUE",
    "QUEUE_HAS_CLAIMS",
    "QUEUE_ARCHIVED",
]
OF_ACCESS = [
    "LAST_ADMIN",
    "ROLE_NOT_ALLOWED",
    "QUEUES_REQUIRED",
    "EMAIL_INVALID",
    "EMAIL_TAKEN",
    "STAFF_RETIRED",
    "STAFF_NOT_RETIRED",
    "KEY_ENDED",
    "ALREADY_IN_GROUP",
    "NOT_IN_GROUP",
]
OF_CORRECTIONS = [
    "TASK_OPEN",
    "NOT_IN_REVIEW",
    "UNDO_TOO_LATE",
    "NOT_AUTHOR",
    "CONTACT_LATE",
    "FOLLOWED",
]
# Of calls for several tasks: tests/schema/test_calls.py.
OF_CALLS = ["TASK_TWICE", "OTHER_PATIENT", "TOO_MANY_TASKS", "APPOINTMENT_NOT_ALLOWED"]
OF_PATIENTS = [
    "EXTERNAL_ID_SET",
    "SAME_PATIENT",
    "ALREADY_MERGED",
    "ALREADY_UNDONE",
    "CHANGED_SINCE_MERGE",
    "DO_NOT_CONTACT",
    "LIFT_NOT_ALLOWED",
    "UNTIL_INVALID",
    "GUARANTOR_CHAIN",
    "GUARANTOR_CIRCLE",
    "HOUSEHOLD_FULL",
    "PHONE_TWICE",
    "TOO_MANY_PHONES",
    "LANGUAGE_INVALID",
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_there_is_no_code_that_nothing_is_refused_with(server: Server) -> None:
    refused = set(await refused_logs(server)) | set(await refused_tasks(server))
    refused |= {RefusalCode(code) for _, _, code in BAD_TEXTS}  # of rows that come in
    # These are refused for an appointment or such a row: test_appointments.py, test_imports.py.
    refused |= {RefusalCode.EXTERNAL_ID_TAKEN, RefusalCode.EXTERNAL_ID_TWICE}
    refused.add(RefusalCode.CLAIM_LOST)  # of a claim that is renewed: test_claim_ids.py
    # Of files and their imports: tests/work/imports/test_jobs.py.
    refused |= {
        RefusalCode(code) for code in ("ROW_MALFORMED", "CELL_TOO_LONG", "LINE_TOO_LONG")
    } | {RefusalCode(code) for code in ("COLUMN_MISSING", "COLUMN_TWICE")}
    refused |= {code for code in RefusalCode if code.startswith("IMPORT_")}
    refused |= {RefusalCode(code) for code in OF_SET_UP + OF_ACCESS + OF_PATIENTS + OF_CORRECTIONS}
    refused |= {RefusalCode(code) for code in OF_CALLS}
    # Of what becomes of an appointment, and of what one makes needless: test_appointments.py.
    refused |= {code for code in RefusalCode if code.startswith("APPOINTMENT_")}
    refused |= {RefusalCode.HAS_APPOINTMENT, RefusalCode.KIND_INVALID}
    # Of promised call-backs: test_call_backs.py.
    refused |= {code for code in RefusalCode if code.startswith("FOLLOW_UP_TIME_")}
    assert refused == set(RefusalCode)
