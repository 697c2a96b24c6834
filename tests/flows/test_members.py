"""Members of a shared `queueFeed` take each step that the table of their life has, and no other."""

import pytest

from gql_app.delivery import group
from gql_app.delivery.members import STEPS, Life, Member
from tests.flows.shared_client import Client
from tests.flows.shared_practice import Practice, small_and_quick
from tests.office import Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Steps = set[tuple[Life, Life]]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """The steps that members have taken."""
    taken: Steps = set()
    enter = Member.enter

    def noting(self: Member, life: Life) -> None:
        before = self.life
        enter(self, life)
        taken.add((before, life))

    monkeypatch.setattr(Member, "enter", noting)
    return taken


async def test_members_take_each_step_and_are_told_each_event_once(
    office: Office, monkeypatch: pytest.MonkeyPatch, steps: Steps
) -> None:
    small_and_quick(monkeypatch)
    practice = await Practice.make(office)
    task = await office.make_task(follow_up=office.today)

    async def log_many() -> None:
        for _ in range(12):
            await office.log(task)

    # One listens, does not take a batch now and then, and falls behind when much comes at once.
    listens = Client(practice, office.staff, None, [True, True, False])
    for _ in range(3):
        await log_many()
        await listens.catch_up()
    # Two come back to one replay, and one of them does not read: the replay goes on without it.
    pulls, quick = (Client(practice, office.staff, None) for _ in range(2))
    with monkeypatch.context() as hurried:
        hurried.setattr(group, "PACE_SECONDS", 0.01)
        for client in (pulls, quick):
            await client.begin_at(1)
            await client.next()
        await quick.catch_up()
    await log_many()
    for client in (listens, quick, pulls):
        await client.catch_up()
        await client.compare()
        await client.break_off()

    table = {(life, way) for life, ways in STEPS.items() for way in ways}
    assert steps <= table
    assert table - steps <= {(life, Life.GONE) for life in Life}, "a step that nobody takes"
    assert pulls.told == quick.told == list(range(2, 50))
