"""The settings of a queue as people enter them: whether each can be used."""

import unicodedata
from collections.abc import Sequence

from models.checks import BadValue, checked_name
from models.follow_up import MAX_LADDER_DAYS, read_ladder
from models.refusals import RefusalCode
from models.setting_checks import Setting

MAX_QUEUES = 200
"""Most queues of a practice that are in use."""

MAX_LADDER = 100
"""Longest ladder, in characters."""

LONGEST_LIFE = 3_650
"""Days."""

MOST_ATTEMPTS = 100

MAX_SCRIPT = 10_000
"""Longest script of a queue, in characters."""


def checked_ladder(steps: Sequence[int] | str | None) -> str | None:
    """The ladder as its column holds it, None if it has no steps. A text is one that people wrote,
    such as "1, 7, 21". Raises `BadValue`."""
    if not steps:
        return None
    text = steps if isinstance(steps, str) else ",".join(map(str, steps))
    try:
        text = ",".join(map(str, read_ladder(text)))
    except ValueError:
        text = ""
    if not 0 < len(text) <= MAX_LADDER:
        raise BadValue(
            "a ladder is a list of increasing numbers of days, such as 1,7,21,60, up to"
            f" {MAX_LADDER_DAYS}",
            RefusalCode.LADDER_INVALID,
        )
    return text


def checked_life(days: int | str | None) -> int | None:
    """How long automatic tasks live. Raises `BadValue`."""
    return _number("a life is a number of days", days, LONGEST_LIFE)


def checked_attempts(attempts: int | str | None) -> int | None:
    """How often a patient is to be called at most. Raises `BadValue`."""
    return _number("the number of attempts is", attempts, MOST_ATTEMPTS)


def checked_script(script: str | None) -> str | None:
    """What the caller says, None if that is nothing. Raises `BadValue`."""
    script = (script or "").replace("\r\n", "\n").strip()
    if len(script) > MAX_SCRIPT:
        raise BadValue(
            f"the script has {len(script):,} characters; at most {MAX_SCRIPT:,} are kept",
            RefusalCode.TEXT_TOO_LONG,
        )
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in script):
        raise BadValue("the script has a character that cannot be shown", RefusalCode.TEXT_INVALID)
    return script or None


def _number(what: str, given: int | str | None, most: int) -> int | None:
    """A number from 1 to `most`, None for an empty text. A text is one that people wrote."""
    if given is None or given == "":
        return None
    text = str(given)
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most:
        return int(text)
    raise BadValue(f"{what} from 1 to {most:,}, not {given!r}", RefusalCode.NUMBER_INVALID)


OF_QUEUE = {
    "name": Setting("name", lambda name: checked_name("the queue's name", name or "")),
    "follow_up_ladder": Setting("followUpLadder", checked_ladder),
    "automatic_life_days": Setting("automaticLifeDays", checked_life),
    "closes_on_appointment": Setting("closesOnAppointment", bool),
    "max_attempts": Setting("maxAttempts", checked_attempts),
    "closes_at_max_attempts": Setting("closesAtMaxAttempts", bool),
    "script": Setting("script", checked_script),
}
"""What people set of a queue, by its columns."""
