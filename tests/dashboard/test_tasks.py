"""The list: live in place, filtered, searched, and long."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from gql_app.schema.ids import global_id
from gql_app.work.patients import index_patients
from models.lifecycle import ContactOutcome, TaskStatus
from models.people import Patient
from models.task import Task
from tests.dashboard.conftest import SignIn
from tests.office import Office, task_id
from tests.schema.documents import CREATE_TASK, LOG_CONTACT
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE = 1000
"""Milliseconds within which others see a change."""

REASSIGN = """mutation ($input: ReassignTasksInput!) {
  reassignTasks(input: $input) { changed }
}"""
CLAIM = "mutation ($id: ID!) { claimTask(taskId: $id) { errors { code } } }"


async def log(server: Server, task: Task, role: str = "staff", **given: object) -> None:
    tomorrow = server.office.today + timedelta(days=1)
    contact = {"outcome": "NO_ANSWER", "followUp": str(tomorrow)} | given
    answer = await server.data(LOG_CONTACT, role, taskId=task_id(task), **contact)
    assert answer["logContact"]["errors"] == []


async def test_what_one_logs_the_other_sees_at_once(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await office.make_task()
    await office.make_task(patient=office.patients[1])
    agent, other = await sign_in(), await sign_in("supervisor")
    await expect(other.queue("Overdue recall")).to_contain_text("2 new")
    await agent.open("Amber Testwell")
    await expect(other.row("Amber Testwell")).to_contain_text("With Staff of maple")
    await agent.choose("No Answer")
    await agent.set_date(office.today)
    await agent.log.click()
    await expect(other.row("Amber Testwell")).to_contain_text("Open + In Progress", timeout=AT_ONCE)
    await expect(other.row("Amber Testwell")).to_contain_text("1 attempt")
    await expect(other.queue("Overdue recall")).to_contain_text("1 today")
    await expect(other.queue("Overdue recall")).to_contain_text("1 new")


async def test_a_claimed_row_says_who(server: Server, sign_in: SignIn) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    await server.data(CLAIM, "supervisor", id=task_id(task))
    row = agent.row("Amber Testwell")
    await expect(row).to_contain_text("With Supervisor of maple")
    await row.click()
    await expect(agent.dialog).to_contain_text("Supervisor of maple has claimed this patient until")
    await agent.choose("No Answer")
    await expect(agent.log).to_be_disabled()
    await expect(agent.log_and_close).to_be_disabled()


async def test_a_task_that_was_given_to_somebody_says_to_whom(
    server: Server, sign_in: SignIn
) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    await expect(agent.rows).to_have_count(1)
    given = {"ids": [task_id(task)], "toStaffId": global_id("Staff", server.office.staff.staff_id)}
    answer = await server.data(REASSIGN, "supervisor", input=given)
    assert answer["reassignTasks"]["changed"] == 1
    await expect(agent.row("Amber Testwell")).to_contain_text("For Staff of maple")


async def test_a_task_that_moves_counts_in_its_new_queue(server: Server, sign_in: SignIn) -> None:
    task = await server.office.make_task()
    agent = await sign_in()
    await agent.queue("Missed appointments").click()
    await expect(agent.page.locator("#note")).to_have_text("No tasks here.")
    to = {"ids": [task_id(task)], "toQueueId": global_id("Queue", server.office.missed.id)}
    await server.data(REASSIGN, "supervisor", input=to)
    await expect(agent.row("Amber Testwell")).to_be_visible()
    await expect(agent.queue("Missed appointments")).to_contain_text("1 new")
    await expect(agent.queue("Overdue recall")).not_to_contain_text("new")


async def test_an_overdue_follow_up_stands_out_in_words(server: Server, sign_in: SignIn) -> None:
    office = server.office
    task = await office.make_task()
    await office.log(task, follow_up=office.today)
    yesterday = office.today - timedelta(days=1)
    await Task.filter(id=task.id, practice_id=office.practice.id).update(
        follow_up=yesterday, due_on=yesterday
    )
    await office.make_task(patient=office.patients[1])
    agent = await sign_in()
    await expect(agent.row("Amber Testwell")).to_contain_text("1 day overdue")
    await agent.page.get_by_label("Overdue only").check()
    await expect(agent.rows).to_have_count(1)


async def test_a_queue_and_a_status_are_chosen(server: Server, sign_in: SignIn) -> None:
    office = server.office
    await office.make_task(reason="Recall")
    await office.make_task(office.missed, reason="Missed")
    closed = await office.make_task(reason="Done", patient=office.patients[1])
    await office.log(closed, ContactOutcome.SCHEDULED, close=True)
    agent = await sign_in()
    await expect(agent.rows).to_have_count(2)
    await agent.queue("Missed appointments").click()
    await expect(agent.rows).to_have_count(1)
    await expect(agent.row("Missed")).to_be_visible()
    await agent.queue("All queues").click()
    await agent.page.get_by_label("Status", exact=True).select_option("Closed")
    await expect(agent.rows).to_have_count(1)
    await expect(agent.row("Done", "Closed", "Scheduled")).to_be_visible()
    await expect(agent.page.get_by_label("Overdue only")).to_be_disabled()


async def test_a_patient_is_searched_and_found_again_by_what_comes_in(
    server: Server, sign_in: SignIn
) -> None:
    office = server.office
    await office.make_task()
    await office.make_task(patient=office.patients[1])
    agent = await sign_in()
    await expect(agent.rows).to_have_count(2)
    await agent.page.keyboard.press("/")
    await agent.page.keyboard.type("test bir")
    await expect(agent.rows).to_have_count(1)
    for patient in office.patients[:2]:
        new = {
            "queueId": global_id("Queue", office.recall.id),
            "patientId": global_id("Patient", patient.id),
            "reason": "Came in meanwhile",
        }
        await server.data(CREATE_TASK, "supervisor", input=new)
    await expect(agent.row("Birch", "Came in meanwhile")).to_be_visible()
    await expect(agent.rows).to_have_count(2)
    # Of somebody who is new to the page, only the server knows whether the search means them.
    for name, phone in (
        ("\u0141ukasz Birk-Test", "+12175550143;ext=45"),
        ("Other Testno", "unknown"),
    ):
        patient = await Patient.create(
            practice_id=office.practice.id, name=name, phone=phone, created_at=office.clock()
        )
        await index_patients(office.practice.id, [patient])
        new |= {"patientId": global_id("Patient", patient.id), "reason": "Is new here"}
        await server.data(CREATE_TASK, "supervisor", input=new)
    await expect(agent.row("\u0141ukasz", "(217) 555-0143 ext. 45", "Is new")).to_be_visible()
    await expect(agent.rows).to_have_count(3)
    note = agent.page.locator("#note")
    await agent.page.locator("#search").fill("l")
    await expect(note).to_have_text("Type more to search. 6 tasks")
    await agent.page.locator("#search").fill("lukasz 217 555")
    await expect(note).to_have_text("1 task")
    await agent.row("ukasz").click()
    link = agent.dialog.get_by_role("link", name="(217) 555-0143 ext. 45")
    await expect(link).to_have_attribute("href", "tel:+12175550143;ext=45")


async def many(office: Office, number: int) -> None:
    """Tasks of one queue, each due a day after the one before it."""
    await Task.bulk_create(
        Task(
            practice_id=office.practice.id,
            queue_id=office.recall.id,
            patient_id=office.patients[0].id,
            status=TaskStatus.IN_PROGRESS,
            origin="MANUAL",
            reason=f"Number {i}",
            follow_up=office.today + timedelta(days=i % 700),
            due_on=office.today + timedelta(days=i % 700),
            created_at=office.clock(),
        )
        for i in range(number)
    )


async def test_two_thousand_tasks_scroll_with_few_rows_in_the_page(
    server: Server, sign_in: SignIn
) -> None:
    await many(server.office, 2000)
    agent = await sign_in()
    await expect(agent.page.locator("#note")).to_contain_text("more as you scroll")
    await agent.page.locator("#grid").focus()
    seen = 0
    for _ in range(50):
        await agent.page.keyboard.press("End")
        await expect(agent.page.locator("#grid .row[aria-selected=true]")).to_be_in_viewport()
        seen = max(seen, await agent.rows.count())
    await expect(agent.page.locator("#note")).to_have_text("2,000 tasks")
    assert seen < 80
    await agent.page.keyboard.press("End")
    await expect(agent.page.locator("#grid .row[aria-selected=true]")).to_contain_text(
        "Number 1399"
    )
    rows = await agent.rows.all_inner_texts()
    assert rows == sorted(rows, key=lambda row: int(row.split("Number ")[1].split()[0]) % 700)


async def test_the_selection_and_the_scroll_stay_when_others_work(
    server: Server, sign_in: SignIn
) -> None:
    await many(server.office, 300)
    agent = await sign_in()
    await agent.page.locator("#grid").focus()
    await expect(agent.rows.first).to_be_visible()
    await agent.page.keyboard.press("End")
    for _ in range(10):
        await agent.page.keyboard.press("k")
    selected = agent.page.locator("#grid .row[aria-selected=true]")
    text = await selected.inner_text()
    place = await selected.bounding_box()
    assert place is not None
    tasks = await Task.filter(practice_id=server.office.practice.id).order_by("id").limit(3)
    before = await agent.queue("All queues").inner_text()
    await log(server, tasks[0], outcome="SCHEDULED", close=True, followUp=None)
    await log(server, tasks[1], outcome="SCHEDULED", close=True, followUp=None)
    await expect(agent.queue("All queues")).not_to_have_text(before, use_inner_text=True)
    await expect(agent.queue("All queues")).to_contain_text("298")
    await expect(selected).to_have_text(text, use_inner_text=True)
    after = await selected.bounding_box()
    assert after is not None
    assert abs(after["y"] - place["y"]) < 1
    await log(server, tasks[2])
    await agent.page.keyboard.press("Home")
    await expect(agent.row("Number 2", "1 attempt")).to_be_visible()
