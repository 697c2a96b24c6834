"""The settings of a queue as people enter them: whether each can be used."""

import json
import unicodedata
from collections.abc import Sequence

from models.checks import BadValue, checked_name
from models.follow_up import MAX_LADDER_DAYS, read_ladder
from models.refusals import RefusalCode
from models.setting_checks import Setting
from models.text import trimmed

MAX_QUEUES = 200
"""Most queues of a practice that are in use."""

MAX_LADDER = 100
"""Longest ladder, in characters."""

LONGEST_LIFE = 3_650
"""Days."""

MOST_ATTEMPTS = 100

MAX_KIND = 100
"""Longest kind of an appointment, in characters."""

MAX_KINDS = 20
"""Most kinds of appointments that a queue names."""

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


def checked_kind(kind: str | None) -> str | None:
    """What an appointment is for, without what cannot be seen around it; None if that is nothing.
    Raises `BadValue`."""
    kind = trimmed(kind or "")
    if len(kind) > MAX_KIND:
        raise BadValue(
            f"a kind of appointment has at most {MAX_KIND} characters, not {len(kind):,}",
            RefusalCode.KIND_INVALID,
        )
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in kind):
        raise BadValue(
            "a kind of appointment has no character that cannot be shown", RefusalCode.KIND_INVALID
        )
    return kind or None


def checked_kinds(kinds: Sequence[str] | str | None) -> str | None:
    """Kinds of appointments as their column holds them, each once whatever its capitals; None if
    there are none. A text is one that people wrote, with commas between. Raises `BadValue`."""
    listed = kinds.split(",") if isinstance(kinds, str) else kinds or ()
    checked = [kind for kind in map(checked_kind, listed) if kind is not None]
    once = list({kind.casefold(): kind for kind in reversed(checked)}.values())[::-1]
    if len(once) > MAX_KINDS:
        raise BadValue(
            f"a queue names at most {MAX_KINDS} kinds of appointments, not {len(once)}",
            RefusalCode.KIND_INVALID,
        )
    return json.dumps(once, ensure_ascii=False) if once else None


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
    "appointment_kinds": Setting("appointmentKinds", checked_kinds),
    "missed_appointments": Setting("missedAppointments", bool),
    "max_attempts": Setting("maxAttempts", checked_attempts),
    "closes_at_max_attempts": Setting("closesAtMaxAttempts", bool),
    "script": Setting("script", checked_script),
}
"""What people set of a queue, by its columns."""
