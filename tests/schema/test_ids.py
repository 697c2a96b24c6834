"""Global ids, as clients send them back."""

from base64 import b64encode

import pytest

from gql_app.schema.ids import global_id, read_id, read_id_of, read_ids_of
from gql_app.work.reads.conditions import BadInput


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_an_id_is_read_as_it_was_made() -> None:
    assert read_id(global_id("Task", 7)) == ("Task", 7)
    assert read_id_of("Queue", global_id("Queue", 10**18 - 1)) == 10**18 - 1
    assert read_ids_of("Task", [global_id("Task", n) for n in (2, 1, 2)]) == [2, 1, 2]
    assert read_ids_of("Task", None) is None


@pytest.mark.parametrize("zeros", [18, 4_400])
def test_a_number_too_large_for_any_row_is_read_as_one_that_no_row_has(zeros: int) -> None:
    assert read_id(encoded("Task:1" + "0" * zeros)) == ("Task", 0)


@pytest.mark.parametrize("wrong", ["", "Task", "Task:", "Task:x", "Task:-1", "Task:\u0661"])
def test_what_this_server_never_gave_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput, match="not one that this server gave"):
        read_id(encoded(wrong))


def test_the_id_of_another_type_is_refused() -> None:
    with pytest.raises(BadInput, match="not that of a Task"):
        read_id_of("Task", global_id("Queue", 1))
