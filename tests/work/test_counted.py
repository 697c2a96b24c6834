"""What counts contacts leaves out those that were undone."""

from datetime import timedelta

from gql_app.work.exports.tables import CONTACTS, TASKS, ExportQuery
from gql_app.work.reads.imports import touched_tasks
from gql_app.work.reports.activity import read_activity
from gql_app.work.reports.buckets import BucketSize
from models.lifecycle import ContactOutcome
from tests.office import Office
from tests.work.test_undoing import logged, undo


async def test_activity_counts_and_measures_what_stands(office: Office) -> None:
    task = await office.make_task()
    first = await logged(office, task)
    await undo(office, first)
    office.clock.advance(hours=2)
    await office.log(task, ContactOutcome.LEFT_MESSAGE)
    await office.log(task, ContactOutcome.SCHEDULED, close=True)
    mistake = await office.make_task(patient=office.patients[1])
    await undo(office, await logged(office, mistake, outcome=ContactOutcome.SCHEDULED, close=True))

    activity = await read_activity(
        office.supervisor, office.today - timedelta(days=1), office.today, BucketSize.DAY, None
    )

    assert [*activity.total.contacts] == [0, 1, 0, 1]
    assert activity.total.median_attempts_to_scheduled == 2
    assert activity.total.tasks_closed.total == 1
    (person,) = activity.by_staff
    assert (person.contacts.total, person.tasks_closed) == (2, 1)


async def test_a_download_has_what_stands(office: Office) -> None:
    task = await office.make_task()
    await office.log(task, ContactOutcome.LEFT_MESSAGE)
    await undo(office, await logged(office, task, close=True))

    rows = {}
    for table in (CONTACTS, TASKS):
        names = [column.name for column in table.columns]
        windows = [
            window async for window in table.read(office.supervisor, ExportQuery(office.clock()))
        ]
        rows[table.name] = [
            dict(zip(names, row, strict=True)) for window in windows for row in window.rows
        ]
    assert [row["outcome"] for row in rows["contacts"]] == ["LEFT_MESSAGE"]
    (line,) = rows["tasks"]
    assert (line["contact_count"], line["last_outcome"], line["status"]) == (
        1,
        "LEFT_MESSAGE",
        "IN_PROGRESS",
    )


async def test_a_task_is_untouched_if_all_that_was_done_was_undone(office: Office) -> None:
    undone, touched, twice = [
        await office.make_task(patient=patient) for patient in office.patients
    ]
    await undo(office, await logged(office, undone))
    await office.log(touched)
    await undo(office, await logged(office, twice))
    await office.log(twice)
    ids = [task.id for task in (undone, touched, twice)]
    assert await touched_tasks(office.practice.id, ids) == {touched.id, twice.id}
