"""What a group's boards cost: 50 people who watch 20 practices each, beside keys that watch one.

`python -m benchmarks.groups`: 1,000 sockets of visits, and 1,000 of supervisors' keys at as many
practices, on a server each, which take turns. Each change goes to 50 sockets on both. It prints
what of the processor a delivery takes, and how many streams are executed for all of them.
"""

import argparse
import asyncio
import os
import re
import secrets
import statistics
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from benchmarks.crowd import allow_many_files
from benchmarks.fanout import IN_FLIGHT, Contest
from benchmarks.practices import prepare
from benchmarks.sides import Callboard
from gql_app.access.signin import begin_session
from gql_app.clock import machine_time
from gql_app.schema.ids import global_id
from gql_app.work.changes import Changes
from gql_app.work.groups import appoint, create_group, join_group
from gql_app.work.guests import settle_guests
from gql_app.work.inviting import NewStaff, invite_staff
from gql_app.work.reads.groups import group_called
from gql_app.work.ringing import ring_nobody
from models.access import AccessKey, KeyKind
from models.database import opened
from models.practice import Practice
from models.roles import Role

SOCKETS = 1_000
PRACTICES = 20
TOKEN = secrets.token_urlsafe()


class Boards(Callboard):
    """`callboard serve` with a group over all its practices, and people who watch them all."""

    name = "a group's boards"

    def __init__(self, folder: Path, practices: int, roles: list[Role]) -> None:
        folder = folder / "boards"
        folder.mkdir()
        self._url, self._many = f"sqlite://{folder / 'db'}", practices
        super().__init__(folder, [], roles, self._url)
        self._visits: list[tuple[str, int]] = []

    async def ready(self) -> None:
        self._samples = await prepare(self._url, self._many, tasks=IN_FLIGHT)
        async with opened(self._url):
            sessions = await _sign_in(SOCKETS // self._many)
            practices = [global_id("Practice", p.id) for p in await Practice.all()]
        await super().ready()
        async with httpx.AsyncClient(base_url=self.url, headers={"origin": self.url}) as client:
            for session in sessions:
                for practice in practices:
                    sent = {"cookie": f"callboard={session}"}
                    answer = await client.post("/visits", json={"practice": practice}, headers=sent)
                    answer.raise_for_status()
                    self._visits.append((f"{session} {practice}", 1))

    def sockets(self, count: int) -> list[tuple[str, int]]:
        return self._visits[:count]


async def _sign_in(people: int) -> list[str]:
    """Put all practices into a group that so many people of the first one supervise, and sign them
    in. Returns their sessions."""
    changes = Changes(ring_nobody, machine_time)
    await create_group(changes, "all", "All practices")
    group = await group_called("all")
    practices = await Practice.all().order_by("id")
    for practice in practices:
        await changes.make_for(practice.id, join_group, group)
    home, sessions = practices[0].id, []
    for n in range(people):
        new = NewStaff(f"Supervisor {n}", Role.SUPERVISOR)
        member = (await changes.make_for(home, invite_staff, new)).member
        assert member is not None
        await changes.make_for(home, appoint, group, member.id)
        person = await AccessKey.get(practice_id=home, staff_id=member.id, kind=KeyKind.PERSON)
        sessions.append((await changes.make_for(home, begin_session, person.id)).token)
    await settle_guests(changes)
    return sessions


async def measure(rounds: int, quick: bool) -> None:
    allow_many_files()
    os.environ["CALLBOARD_METRICS_TOKEN"] = TOKEN
    sockets = SOCKETS // 10 if quick else SOCKETS
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="callboard-groups-")))
        arena = Contest(folder, PRACTICES, [Role.SUPERVISOR], sockets)
        rates = await arena.run([Boards], rounds, 0.3 if quick else 3, parts)
        executed = {side.name: await _executed(side.url) for side in arena.sides}
    for name, all_rates in rates.items():
        spent = statistics.median(arena.cpu[name])
        rate = statistics.median(all_rates)
        print(f"{name}: {rate:,.0f} deliveries/s, {spent:.1f} µs of the processor a delivery")
    ratio = statistics.median(arena.cpu[Boards.name]) / statistics.median(arena.cpu[Callboard.name])
    print(f"boards take {ratio:.2f} times as much a delivery as keys")
    print(f"streams executed for {sockets:,} sockets at {PRACTICES} practices: {executed}")


async def _executed(url: str) -> int:
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}) as client:
        text = (await client.get(f"{url}/metrics")).text
    found = re.search(r"^callboard_executed_streams (\d+)", text, re.MULTILINE)
    assert found is not None
    return int(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description="What a group's boards cost.")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, in turns")
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    options = parser.parse_args()
    asyncio.run(measure(options.rounds, options.quick))


if __name__ == "__main__":
    main()
