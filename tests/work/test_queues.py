"""What a queue gives to its tasks can be set, taken away, and not be nonsense; and its place."""

import pytest

from gql_app.work.changes import Changes
from gql_app.work.queues import create_queue, order_queues, update_queue
from models.audit import Audit
from models.practice import Practice, Queue
from models.queue_checks import MAX_QUEUES
from tests.office import Office, make_office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def kept(office: Office) -> tuple[str | None, int | None]:
    queue = await Queue.get(id=office.recall.id)
    return queue.follow_up_ladder, queue.automatic_life_days


async def names(office: Office) -> list[str]:
    queues = Queue.filter(practice_id=office.practice.id, archived_at=None)
    return [queue.name for queue in await queues.order_by("position", "id")]


async def test_what_is_given_is_changed_and_an_empty_text_takes_it_away(office: Office) -> None:
    changes, recall = office.changes, office.recall.id

    async def change(practice_id: int, **given: object) -> None:
        await changes.make_for(practice_id, update_queue, recall, given)

    await change(office.practice.id, follow_up_ladder=" 1, 7", automatic_life_days="90")
    assert await kept(office) == ("1,7", 90)
    await change(office.practice.id, follow_up_ladder="")
    assert await kept(office) == (None, 90)
    await change(office.practice.id, automatic_life_days="")
    assert await kept(office) == (None, None)
    other = await make_office("oak")
    await change(other.practice.id, follow_up_ladder=[3])
    assert await kept(office) == (None, None)


@pytest.mark.parametrize(
    ("ladder", "life"), [("7,1", "90"), ("1", "0"), ("1", "3651"), ("1", "ten"), ("1,,2", None)]
)
async def test_nonsense_changes_nothing(office: Office, ladder: str, life: str | None) -> None:
    given = {"follow_up_ladder": ladder, "automatic_life_days": life}
    result = await office.changes.make_for(
        office.practice.id, update_queue, office.recall.id, given
    )
    assert all("days" in refusal.message for refusal in result.refusals)
    assert result.refusals
    assert await kept(office) == (None, None)


async def test_what_is_the_same_already_is_no_change(office: Office) -> None:
    practice = office.practice.id
    given = {"name": "Overdue recall", "script": None, "closes_on_appointment": False}
    before = await Audit.all().count()
    for position in (None, 0):
        result = await office.changes.make_for(
            practice, update_queue, office.recall.id, given, position
        )
        assert (result.changed, result.refusals) == ((), ())
    assert not await office.changes.make_for(practice, order_queues, [office.recall.id])
    assert await Audit.all().count() == before
    assert (await Practice.get(id=practice)).settings == 0


async def test_queues_are_put_in_order(office: Office) -> None:
    practice, changes = office.practice.id, office.changes
    await changes.make_for(practice, create_queue, {"name": "Plans"}, 1)
    assert await names(office) == ["Overdue recall", "Plans", "Missed appointments"]
    await changes.make_for(practice, order_queues, [office.missed.id, office.recall.id])
    assert await names(office) == ["Missed appointments", "Overdue recall", "Plans"]
    await changes.make_for(practice, update_queue, office.missed.id, {}, 99)
    assert await names(office) == ["Overdue recall", "Plans", "Missed appointments"]
    assert (await Practice.get(id=practice)).settings == 3


async def test_a_practice_has_a_most_of_queues(office: Office) -> None:
    await Queue.bulk_create(
        Queue(practice_id=office.practice.id, name=f"{n}", position=n, created_at=office.clock())
        for n in range(2, MAX_QUEUES)
    )
    result = await office.changes.make_for(office.practice.id, create_queue, {"name": "More"})
    assert [refusal.code for refusal in result.refusals] == ["TOO_MANY_QUEUES"]


async def test_running_servers_are_told_after_the_commit(office: Office) -> None:
    rings: list[tuple[int, int]] = []
    changes = Changes(lambda *ring: rings.append(ring), office.clock)
    await changes.make_for(office.practice.id, create_queue, {"name": "Plans"})
    await changes.make_for(office.practice.id, create_queue, {"name": "plans"})
    assert rings == [(office.practice.id, 0)]
