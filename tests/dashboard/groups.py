"""A group of three practices for tests at the dashboard, and the person who supervises it."""

from dataclasses import dataclass, replace

from playwright.async_api import Locator, Page, expect

from gql_app.access import signin
from gql_app.work.groups import appoint, create_group, join_group, leave_group
from gql_app.work.guests import settle_guests
from models.access import AccessKey, KeyKind
from models.group import PracticeGroup
from models.people import Staff
from models.roles import Role
from tests.dashboard.visits import Visit
from tests.office import Office, make_office
from tests.serving import Server
from tests.support import access

NAME = "Kim Overseer"
KEPT = "JSON.stringify([{ ...sessionStorage }, { ...localStorage }])"
ELSEWHERE = {"elm": "America/New_York", "oak": "America/Los_Angeles"}


@dataclass(frozen=True)
class Group:
    """`offices` by their short names; "maple" is the home of the supervisor."""

    server: Server
    offices: dict[str, Office]
    row: PracticeGroup

    def at(self, slug: str) -> Server:
        """The server as the people of one practice use it."""
        return replace(self.server, office=self.offices[slug])

    async def link(self) -> str:
        """What signs the supervisor in, once."""
        home = self.server.office
        staff = await Staff.get(practice_id=home.practice.id, name=NAME)
        persons = AccessKey.filter(practice_id=home.practice.id, kind=KeyKind.PERSON)
        person = await persons.get(staff_id=staff.id)
        link: str = await home.changes.make_for(home.practice.id, signin.create_link, person.id)
        return link

    async def remove(self, slug: str) -> None:
        """Take a practice out of the group."""
        office = self.offices[slug]
        assert not await office.changes.make_for(office.practice.id, leave_group, self.row)
        await settle_guests(office.changes)


async def make_group(server: Server) -> Group:
    """Each practice has a task for Amber Testwell, whose reason names the practice."""
    home = server.office
    offices = {"maple": home}
    for slug, zone in ELSEWHERE.items():
        offices[slug] = await make_office(slug, zone)
    await create_group(home.changes, "forest", "Forest Dental Group")
    group = await PracticeGroup.get(slug="forest")
    for slug, office in offices.items():
        assert not await office.changes.make_for(office.practice.id, join_group, group)
        await office.make_task(reason=f"Cleaning at {slug}")
    await access.invite(home.changes, home.practice, NAME, Role.SUPERVISOR)
    kim = await Staff.get(practice_id=home.practice.id, name=NAME)
    assert not await home.changes.make_for(home.practice.id, appoint, group, kim.id)
    await settle_guests(home.changes)
    return Group(server, offices, group)


def switcher(page: Page) -> Locator:
    return page.get_by_role("banner").get_by_role("button", name="Practice:")


async def switch(dashboard: Visit, name: str) -> None:
    """Go to another practice by the menu."""
    await switcher(dashboard.page).click()
    await dashboard.page.get_by_role("link", name=name, exact=True).click()
    await is_at(dashboard, name)


async def is_at(dashboard: Visit, name: str) -> None:
    """Wait until a practice's page is live and shows its one task."""
    slug = name.split(maxsplit=1)[0].lower()
    await expect(switcher(dashboard.page)).to_have_text(f"Practice: {name} ▾")
    await dashboard.is_live()
    await expect(dashboard.rows).to_have_count(1)
    await expect(dashboard.row(f"Cleaning at {slug}")).to_be_visible()


async def is_only_at(dashboard: Visit, slug: str) -> None:
    """Whether nothing of the other practices is on the page or in what the browser keeps."""
    text = await dashboard.page.content() + await dashboard.page.evaluate(KEPT)
    others = {"maple", "elm", "oak"} - {slug}
    words = [f"{word} {other}" for other in others for word in ("at", "of")]
    found = [word for word in words if word in text]
    assert found == []


def board(page: Page, name: str, table: str = "Practices now") -> Locator:
    """A practice's line on the group's page."""
    return page.get_by_role("region", name=table).get_by_role("row").filter(has_text=name)


async def open_board(dashboard: Visit) -> Page:
    await dashboard.page.get_by_role("link", name="Group", exact=True).click()
    for name in ("Maple Dental", "Elm Dental", "Oak Dental"):
        await expect(board(dashboard.page, name)).to_contain_text("Live")
    return dashboard.page


def forgive(visit: Visit, words: str) -> None:
    """Chromium itself writes of each request that is refused; here one was to be."""
    visit.problems[:] = [problem for problem in visit.problems if words not in problem]
