"""What each role may do, against the README's words."""

import pytest

from models.roles import PERMISSIONS, Action, Grant, Role, may, who_may

# Staff, supervisor, admin, partner.
TABLE = {
    "read notes": "yes yes yes no",
    "see who is working": "yes yes yes no",
    "claim tasks and log contacts": "yes yes yes no",
    "create tasks and record appointments": "no yes yes key",
    "make and change patients": "no yes yes key",
    "say that a patient is not to be called": "yes yes yes key",
    "say that a patient may be called again": "no yes yes no",
    "merge patients": "no yes yes no",
    "import tasks": "no yes yes no",
    "reassign and withdraw tasks, and set priorities": "no yes yes no",
    "release the claims of others": "no yes yes no",
    "undo others' contacts and reopen tasks": "no yes yes no",
    "read activity reports": "no yes yes no",
    "supervise a group of practices": "no yes yes no",
    "download lists and reports": "no yes yes no",
    "read the audit": "no no yes no",
    "see to people and keys": "no no yes no",
    "change the practice and its queues": "no no yes no",
}


def test_every_action_has_a_row() -> None:
    assert {action.value for action in Action} == TABLE.keys()
    assert PERMISSIONS.keys() == set(Action)


@pytest.mark.parametrize("action", Action)
def test_a_role_may_do_what_the_table_says_and_nothing_else(action: Action) -> None:
    for role, cell in zip(Role, TABLE[action.value].split(), strict=True):
        assert may(role, action) is (cell == "yes")
        assert may(role, action, key_says_so=True) is (cell != "no")
        assert (role in who_may(action)) is (cell == "yes")
        assert (PERMISSIONS[action].get(role) is Grant.BY_KEY) is (cell == "key")
