"""What the sample practice is made of. Names are plainly made up."""

from models.lifecycle import WORKFLOW, Button, ContactOutcome, Rule, TaskOrigin, TaskStatus
from models.priority import TaskPriority

TIME_ZONE = "America/Chicago"
PATIENTS = 300
TASKS_A_QUEUE = 90

GIVEN = [
    "Amber",
    "Birch",
    "Clover",
    "Dahlia",
    "Elm",
    "Fern",
    "Ginger",
    "Hazel",
    "Iris",
    "Juniper",
    "Kale",
    "Lark",
    "Maple",
    "Nutmeg",
    "Olive",
    "Poppy",
    "Quince",
    "Rowan",
    "Sage",
    "Thistle",
]
FAMILY = [
    "Demoray",
    "Exampley",
    "Fakely",
    "Fictus",
    "Inventa",
    "Makebelief",
    "Mockford",
    "Nobodey",
    "Notreal",
    "Phantome",
    "Pretendre",
    "Samplesmith",
    "Specimen",
    "Testwell",
    "Wasntborn",
]

QUEUES: dict[str, tuple[TaskOrigin, tuple[str, ...]]] = {
    "Overdue recall": (
        TaskOrigin.AUTOMATIC,
        ("Cleaning overdue by 6 months", "Check-up overdue by a year", "Periodontal recall due"),
    ),
    "Unscheduled treatment": (
        TaskOrigin.AUTOMATIC,
        ("Crown planned, not scheduled", "Filling planned, not scheduled", "Root canal, part two"),
    ),
    "Missed appointments": (
        TaskOrigin.AUTOMATIC,
        ("Missed a cleaning", "Missed a consultation", "Cancelled on the day"),
    ),
    "Manual follow-ups": (
        TaskOrigin.MANUAL,
        ("Asked for a call about a bill", "Wants a later slot", "Ask how the extraction healed"),
    ),
}

PRIORITIES = {2: TaskPriority.HIGH, 5: TaskPriority.HIGH, 11: TaskPriority.LOW}
"""Of fifteen tasks of a queue, those that are not as urgent as most."""

NOTES: dict[ContactOutcome, tuple[str | None, ...]] = {
    ContactOutcome.NO_ANSWER: (None, "Rang out twice."),
    ContactOutcome.LEFT_MESSAGE: ("Left a voicemail with our number.", None),
    ContactOutcome.DID_NOT_SCHEDULE: ("Wants to check the insurance first.", "Has moved away."),
    ContactOutcome.SCHEDULED: ("Booked for next week.", None),
}


def outcomes(*, close: bool) -> list[ContactOutcome]:
    """The outcomes that the workflow allows for the button."""
    button = Button.LOG_AND_CLOSE if close else Button.LOG_CONTACT
    edges = WORKFLOW[TaskStatus.OPEN]
    return [outcome for outcome in ContactOutcome if isinstance(edges[outcome, button], Rule)]


def notes_on(outcome: ContactOutcome) -> tuple[str | None, ...]:
    """What may have been noted with the outcome."""
    return NOTES.get(outcome, ("Said so on the phone.",))
