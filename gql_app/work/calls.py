"""One call that is about several tasks of a patient or household: what it would do to each of them,
before any contact is logged. It is logged on all of them, or on none."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from gql_app.work.changes import Change
from gql_app.work.conflicts import in_the_way
from gql_app.work.promises import promise_of
from gql_app.work.reads.queues import tasks_by_id
from gql_app.work.results import NOT_FOUND, ChangeResult
from gql_app.work.transitions import SentContact, close, keep_late, log_on
from models.call_back import NO_WISH, Promise
from models.follow_up import last_day, local_date
from models.lifecycle import Attempt, CloseCause, Happening, Rule, decide
from models.refusals import Refusal, RefusalCode
from models.task import TaskRow

MAX_OTHERS = 50
"""How many other tasks a call may be about: as many as the dashboard shows of a patient."""

TOO_MANY = Refusal(
    RefusalCode.TOO_MANY_TASKS, f"A call is logged on at most {MAX_OTHERS} other tasks.", "others"
)
_TWICE = Refusal(
    RefusalCode.TASK_TWICE, "The call is logged on this task already: name it once.", "taskId"
)
_OTHER_PATIENT = Refusal(
    RefusalCode.OTHER_PATIENT,
    "This is a task of a patient of another household: log it by itself.",
    "taskId",
)


class OtherTask(NamedTuple):
    """Another task of the patient, and what is to be logged on it."""

    task_id: int
    attempt: Attempt


class Booking(NamedTuple):
    """An appointment that was made in a call. `at` is aware. `kind` is None if it was not said."""

    at: datetime
    external_id: str
    kind: str | None = None


class Call(NamedTuple):
    """A call as it was sent: the contact on the task that it was for, and on others."""

    task_id: int
    sent: SentContact
    others: tuple[OtherTask, ...] = ()
    booking: Booking | None = None


class Weighed(NamedTuple):
    """What a contact would do to a locked task: move it along `rule`, with a `promise` to call back
    if there is one; without a rule, be kept late on a task that has closed. Nothing if there are
    refusals. The task is None if there is none."""

    task: TaskRow | None
    sent: SentContact
    rule: Rule | None = None
    promise: Promise | None = None
    refusals: tuple[Refusal, ...] = ()

    async def log(self, change: Change) -> ChangeResult:
        """Log the contact; nothing may have been refused."""
        assert self.task is not None
        if self.rule is None:
            return ChangeResult(*await keep_late(change, self.task, self.sent), late=True)
        return ChangeResult(*await log_on(change, self.task, self.sent, self.rule, self.promise))


async def weigh(
    change: Change, task: TaskRow, sent: SentContact, expected_version: int | None = None
) -> Weighed:
    """Decide what a contact does to a locked task. An expired task is closed in any case."""
    if task.has_expired(change.now):
        # The clock, not the sweeper, decides: the task is closed before it is refused.
        task = await close(change, task, Happening.EXPIRY)
    if _was_in_time(task, sent.contacted_at):
        return Weighed(task, sent)
    viewer, now = change.viewer, change.now
    # The workflow itself says what a closed task refuses.
    if task.is_open and (
        refusal := await in_the_way(
            viewer, task, expected_version, now, is_incoming=sent.is_incoming
        )
    ):
        return Weighed(task, sent, refusals=(refusal,))
    attempt = sent.attempt
    rule = decide(
        task.status,
        attempt,
        today=local_date(now, viewer.time_zone),
        last_day=last_day(task.expires_at, viewer.time_zone),
    )
    refusals = rule if isinstance(rule, list) else []
    if refusals and not task.is_open:
        return Weighed(task, sent, refusals=tuple(refusals))
    promise = promise_of(
        viewer, sent.call_back, task, attempt.follow_up, refusals, now=now, close=attempt.close
    )
    if isinstance(promise, list):
        return Weighed(task, sent, refusals=tuple(promise))
    assert isinstance(rule, Rule)
    return Weighed(task, sent, rule, promise)


async def weigh_others(change: Change, call: Call, tasks: Sequence[TaskRow]) -> list[Weighed]:
    """Decide what a call does to the other tasks that it names, in their order; `tasks` are the
    locked ones of its household. A refusal names the path to what is to be mended, such as others,
    0, followUp."""
    allowed = {row.id: row for row in tasks if change.viewer.sees_queue(row.queue_id)}
    strange = [task_id for task_id, _ in call.others if task_id not in allowed]
    elsewhere = {row.id for row in await tasks_by_id(change.viewer, strange)} if strange else set()
    named = {call.task_id}
    weighed = []
    for place, (task_id, attempt) in enumerate(call.others):
        sent = call.sent._replace(attempt=attempt, call_back=NO_WISH, booked=None)
        row = allowed.get(task_id)
        if task_id in named:
            one = Weighed(row, sent, refusals=(_TWICE,))
        elif row is not None:
            one = await weigh(change, row, sent)
        else:
            why = _OTHER_PATIENT if task_id in elsewhere else NOT_FOUND
            one = Weighed(None, sent, refusals=(why,))
        named.add(task_id)
        weighed.append(one._replace(refusals=tuple(_under(place, one.refusals))))
    return weighed


def _under(place: int, refusals: Sequence[Refusal]) -> Iterator[Refusal]:
    for refusal in refusals:
        field = refusal.field or "taskId"
        yield refusal._replace(field=field, under=("others", str(place)))


def _was_in_time(task: TaskRow, contacted_at: datetime | None) -> bool:
    """Whether a contact was made before its task was closed by the clock, or because the patient is
    not to be called, though it is logged after that."""
    if contacted_at is None:
        return False
    match task.close_cause:
        case CloseCause.EXPIRED:
            return task.expires_at is not None and contacted_at < task.expires_at
        case CloseCause.DO_NOT_CONTACT:
            return task.closed_at is not None and contacted_at < task.closed_at
    return False
