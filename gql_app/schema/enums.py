"""The enums of the schema: those of the workflow, made known to GraphQL."""

import strawberry

from gql_app.work.imports.headers import ImportField
from gql_app.work.imports.rows import ImportResult
from gql_app.work.reads.keys import KeyState
from gql_app.work.reads.nothing_next import NothingReason
from gql_app.work.reads.orders import TaskOrder
from gql_app.work.reads.staff import StaffState
from gql_app.work.reports.buckets import BucketSize
from gql_app.work.results import ClaimWarning
from models.appointment import AppointmentStatus
from models.audit import AuditAction
from models.call_back import CallBackBy
from models.calling_hours import Weekday
from models.contact_status import ContactStatus
from models.event import TaskEventKind
from models.importing import ImportState
from models.lifecycle import CloseCause, ContactOutcome, TaskOrigin, TaskStatus
from models.phone import PhoneKind
from models.priority import TaskPriority
from models.refusals import RefusalCode
from models.roles import Role

strawberry.enum(Role, description="What a key may do.")
strawberry.enum(TaskStatus, description="Where a task stands.")
strawberry.enum(ContactOutcome, description="What came of a call.")
strawberry.enum(ContactStatus, description="Whether a patient may be called.")
strawberry.enum(AppointmentStatus, description="What has become of an appointment.")
strawberry.enum(CallBackBy, description="Who is to call a patient back.")
strawberry.enum(
    TaskPriority, description="How urgent a task is, beside its dates. Nearly all are NORMAL."
)
strawberry.enum(TaskOrigin, description="Who made a task.")
strawberry.enum(CloseCause, description="Why a task is closed.")
strawberry.enum(TaskEventKind, description="What happened to a task.")
strawberry.enum(PhoneKind, description="What kind of telephone number it is.")
strawberry.enum(BucketSize, description="How long the buckets of an activity report are.")
strawberry.enum(ImportResult, description="What came of a row.")
strawberry.enum(
    StaffState,
    description="Whether a person can sign in. INVITED: they have not used their link yet. ACTIVE:"
    " they have a passkey, or the identity provider knows them. RETIRED: they may do nothing any"
    " more.",
)
strawberry.enum(
    KeyState,
    description="Whether a key lets anybody in. VALID: it does. EXPIRED: its time is up. REVOKED:"
    " somebody has ended it.",
)
strawberry.enum(ImportField, description="What a column of a file can be matched with.")
strawberry.enum(
    ImportState,
    description="How far an import is. SENDING: a command is loading it. UPLOADED: it waits to be"
    " started. RUNNING: rows are coming in. DONE: every row is in or rejected. UNDOING: what it"
    " made is being taken back. UNDONE: that is over.",
)
strawberry.enum(AuditAction, description="What was done, as the audit tells it.")
strawberry.enum(
    TaskOrder,
    description="How a list of tasks is sorted. WORK: as claimNextTask hands them out, which is"
    " call-backs whose time has come, then overdue follow-ups with those due today, then tasks"
    " without a follow-up by expiry, in both those of high priority first and of low priority last;"
    " behind them later follow-ups, then what is closed. DUE: earliest first. EXPIRES: soonest"
    " first, at the end those that never expire. CREATED: latest first. CLOSED: latest closed"
    " first, at the end what is open. LAST_CONTACTED: longest ago first, at the beginning those"
    " without a contact.",
)
strawberry.enum(Weekday, description="A day of the week.")
strawberry.enum(
    NothingReason,
    description="Why claimNextTask has no task. NOBODY_DUE: nobody is to be called now. For all who"
    " are due one of the others holds. SKIPPED: you do not want them now. CALLED_LATELY: they rest"
    " after a call. LEFT_TO_OTHER: somebody else has promised to call back. BEING_CALLED: somebody"
    " is at it. OUTSIDE_CALLING_HOURS: at the practice, or where they live.",
)
strawberry.enum(
    ClaimWarning,
    name="ClaimWarningCode",
    description="What to know about a claim. OUTSIDE_CALLING_HOURS: it is too early or too late to"
    " call, at the practice or where the patient lives.",
)
strawberry.enum(RefusalCode, name="UserErrorCode", description="Why a request was refused.")

__all__ = [
    "AppointmentStatus",
    "AuditAction",
    "BucketSize",
    "CallBackBy",
    "ClaimWarning",
    "CloseCause",
    "ContactOutcome",
    "ContactStatus",
    "ImportField",
    "ImportResult",
    "ImportState",
    "KeyState",
    "NothingReason",
    "PhoneKind",
    "RefusalCode",
    "Role",
    "StaffState",
    "TaskEventKind",
    "TaskOrder",
    "TaskOrigin",
    "TaskPriority",
    "TaskStatus",
    "Weekday",
]
