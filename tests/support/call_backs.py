"""Promised call-backs, as tests make them, and who is there to keep them."""

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from gql_app.access import Viewer
from gql_app.work.results import ChangeResult
from models.access import AccessKey
from models.call_back import CallBackBy, Wish
from models.task import Task
from tests.office import Office


async def promise(
    office: Office,
    task: Task,
    at: datetime,
    by: CallBackBy | None = None,
    **how: Any,
) -> ChangeResult:
    """Log that the patient is to be called back at a moment, by the practice's clocks."""
    shown = at.astimezone(ZoneInfo(office.practice.time_zone))
    wish = Wish(time(shown.hour, shown.minute, shown.second), by)
    return await office.log(task, follow_up=shown.date(), call_back=wish, **how)


async def is_here(office: Office, viewer: Viewer) -> None:
    """The viewer uses their key now."""
    await AccessKey.filter(id=viewer.key_id).update(last_used_at=office.clock())


async def promise_on(task: Task) -> tuple[datetime | None, int | None, datetime | None]:
    """When a task's patient is to be called back, by whom, and when it was told; by its row."""
    await task.refresh_from_db()
    return task.follow_up_at, task.call_back_by_id, task.call_back_told_at


NONE = (None, None, None)
