"""Global ids, as clients send them back."""

from base64 import b64encode

import pytest

from gql_app.schema.ids import global_id, read_id, read_id_of, read_ids_of
from gql_app.work.reads.conditions import BadInput
from models.database import secret, use_secret


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


def test_an_id_of_the_older_form_is_read_too() -> None:
    assert read_id(encoded("Task:7")) == ("Task", 7)
    assert read_ids_of("Queue", [encoded("Queue:7"), global_id("Queue", 7)]) == [7, 7]
    # As long as a new one.
    assert len(encoded("Contact:1234567890123456")) == 32
    assert read_id(encoded("Contact:1234567890123456")) == ("Contact", 1234567890123456)


def test_ids_do_not_tell_numbers_nor_types() -> None:
    ids = [global_id(name, number) for name in ("Task", "Queue") for number in range(1, 1_001)]
    assert len(set(ids)) == len(ids)
    assert {len(made) for made in ids} == {32}
    assert ids != sorted(ids)
    for place in range(32):
        assert {made[place] for made in ids} == {*"0123456789abcdef"}


def test_an_id_hangs_on_the_secret_alone() -> None:
    here = global_id("Task", 7)
    known = secret()
    assert known is not None
    try:
        use_secret(b"another secret, of 32 bytes too.")
        assert global_id("Task", 7) != here
        with pytest.raises(BadInput, match="not one that this server gave"):
            read_id(here)
        use_secret(bytes(known))
        assert global_id("Task", 7) == here
    finally:
        use_secret(known)


def test_an_id_that_was_changed_in_one_place_is_refused() -> None:
    made = global_id("Task", 7)
    for place in range(32):
        changed = made[:place] + ("a" if made[place] != "a" else "b") + made[place + 1 :]
        with pytest.raises(BadInput, match="not one that this server gave"):
            read_id(changed)


@pytest.mark.parametrize("number", [10**18, 2**64 - 1])
def test_a_number_that_no_row_can_have_is_read_as_none(number: int) -> None:
    assert read_id(global_id("Task", number)) == ("Task", 0)


@pytest.mark.parametrize("wrong", ["", "Task", "Task:", "Task:x", "Task:-1", "Task:\u0661"])
def test_what_this_server_never_gave_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput, match="not one that this server gave"):
        read_id(encoded(wrong))


def test_the_id_of_another_type_is_refused() -> None:
    with pytest.raises(BadInput, match="not that of a Task"):
        read_id_of("Task", global_id("Queue", 1))
