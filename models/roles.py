"""What each role may do, as one table.

`PERMISSIONS` holds every action with the roles that may do it; nothing else in the project asks
what a role permits. A role that is missing beside an action may not do it. What all roles may do,
such as reading tasks, has no row.
"""

from enum import Enum, StrEnum


class Role(StrEnum):
    STAFF = "STAFF"
    SUPERVISOR = "SUPERVISOR"
    ADMIN = "ADMIN"  # a supervisor who also sees to people, keys and the audit
    PARTNER = "PARTNER"  # another company's program


class Action(StrEnum):
    """An action that only some roles may do."""

    READ_NOTES = "read notes"
    SEE_WHO_WORKS = "see who is working"
    LOG_CONTACTS = "claim tasks and log contacts"
    CREATE_TASKS = "create tasks and record appointments"
    EDIT_PATIENTS = "make and change patients"
    SET_CONTACT_STATUS = "say that a patient is not to be called"
    LIFT_CONTACT_STATUS = "say that a patient may be called again"
    MERGE_PATIENTS = "merge patients"
    IMPORT_TASKS = "import tasks"
    MOVE_TASKS = "reassign and withdraw tasks, and set priorities"
    RELEASE_FOR_OTHERS = "release the claims of others"
    CORRECT = "undo others' contacts and reopen tasks"
    READ_ACTIVITY = "read activity reports"
    SUPERVISE_GROUP = "supervise a group of practices"
    EXPORT = "download lists and reports"
    READ_AUDIT = "read the audit"
    MANAGE_ACCESS = "see to people and keys"
    SET_UP = "change the practice and its queues"


class Grant(Enum):
    ALWAYS = "yes"
    BY_KEY = "if the key says so"


_ADMINS = {Role.ADMIN: Grant.ALWAYS}
_SUPERVISORS = {Role.SUPERVISOR: Grant.ALWAYS} | _ADMINS
_PRACTICE = {Role.STAFF: Grant.ALWAYS} | _SUPERVISORS

PERMISSIONS: dict[Action, dict[Role, Grant]] = {
    Action.READ_NOTES: _PRACTICE,
    Action.SEE_WHO_WORKS: _PRACTICE,
    Action.LOG_CONTACTS: _PRACTICE,
    Action.CREATE_TASKS: _SUPERVISORS | {Role.PARTNER: Grant.BY_KEY},
    Action.EDIT_PATIENTS: _SUPERVISORS | {Role.PARTNER: Grant.BY_KEY},
    Action.SET_CONTACT_STATUS: _PRACTICE | {Role.PARTNER: Grant.BY_KEY},
    Action.LIFT_CONTACT_STATUS: _SUPERVISORS,
    Action.MERGE_PATIENTS: _SUPERVISORS,
    Action.IMPORT_TASKS: _SUPERVISORS,
    Action.MOVE_TASKS: _SUPERVISORS,
    Action.RELEASE_FOR_OTHERS: _SUPERVISORS,
    Action.CORRECT: _SUPERVISORS,
    Action.READ_ACTIVITY: _SUPERVISORS,
    Action.SUPERVISE_GROUP: _SUPERVISORS,
    Action.EXPORT: _SUPERVISORS,
    Action.READ_AUDIT: _ADMINS,
    Action.MANAGE_ACCESS: _ADMINS,
    Action.SET_UP: _ADMINS,
}


def may(role: Role, action: Action, *, key_says_so: bool = False) -> bool:
    """Whether a key of `role` may do `action`."""
    grant = PERMISSIONS[action].get(role)
    return grant is Grant.ALWAYS or (grant is Grant.BY_KEY and key_says_so)


def who_may(action: Action) -> list[Role]:
    """The roles that may do `action` whatever the key says."""
    return [role for role in Role if may(role, action)]
