"""What a queue gives to its tasks can be set, taken away, and not be nonsense."""

import pytest

from gql_app.work.queue_settings import set_queue
from models.practice import Queue
from tests.office import Office, make_office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def kept(office: Office) -> tuple[str | None, int | None]:
    queue = await Queue.get(id=office.recall.id)
    return queue.follow_up_ladder, queue.automatic_life_days


async def test_what_is_given_is_changed_and_an_empty_text_takes_it_away(office: Office) -> None:
    await office.changes.make_for(
        office.practice.id, set_queue, office.recall.id, ladder="1,7", automatic_life="90"
    )
    assert await kept(office) == ("1,7", 90)
    await office.changes.make_for(
        office.practice.id, set_queue, office.recall.id, ladder="", automatic_life=None
    )
    assert await kept(office) == (None, 90)
    await office.changes.make_for(
        office.practice.id, set_queue, office.recall.id, ladder=None, automatic_life=""
    )
    assert await kept(office) == (None, None)
    other = await make_office("oak")
    await office.changes.make_for(
        other.practice.id, set_queue, office.recall.id, ladder="3", automatic_life=None
    )
    assert await kept(office) == (None, None)


@pytest.mark.parametrize(
    ("ladder", "life"), [("7,1", "90"), ("1", "0"), ("1", "3651"), ("1", "ten"), ("1,,2", None)]
)
async def test_nonsense_changes_nothing(office: Office, ladder: str, life: str | None) -> None:
    with pytest.raises(ValueError, match="days"):
        await office.changes.make_for(
            office.practice.id, set_queue, office.recall.id, ladder=ladder, automatic_life=life
        )
    assert await kept(office) == (None, None)
