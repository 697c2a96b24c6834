"""What a caller is to know of a patient: the language, and a note."""

import re

from models.refusals import Refusal, RefusalCode
from models.text import trimmed

MAX_LANGUAGE = 35
"""Longest tag of a language, in characters: as RFC 5646 recommends."""

MAX_CALLER_NOTE = 500
"""Longest note for the caller, in characters."""

_TAG = re.compile(
    "[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
)
_SCRIPT, _REGION = 4, 2


_NAMES = dict(
    pair.split("=")
    for pair in (
        *("english=en", "spanish=es", "french=fr", "german=de", "portuguese=pt", "italian=it"),
        *("chinese=zh", "mandarin=zh", "cantonese=yue", "vietnamese=vi", "korean=ko"),
        *("tagalog=tl", "filipino=fil", "arabic=ar", "russian=ru", "polish=pl", "turkish=tr"),
        *("hindi=hi", "japanese=ja", "ukrainian=uk", "greek=el", "dutch=nl", "romanian=ro"),
        *("englisch=en", "spanisch=es", "französisch=fr", "deutsch=de", "italienisch=it"),
        *("türkisch=tr", "russisch=ru", "polnisch=pl", "arabisch=ar", "ukrainisch=uk"),
        *("español=es", "français=fr", "português=pt"),
    )
)
"""What lists and people write for some languages."""


def read_language(typed: str) -> str | Refusal | None:
    """A language's tag as RFC 5646 writes it, such as es or pt-BR, also for some languages' names;
    None if nothing was typed."""
    tag = trimmed(typed).replace("_", "-")
    if not tag:
        return None
    tag = _NAMES.get(tag.casefold(), tag)
    if len(tag) > MAX_LANGUAGE or not _TAG.fullmatch(tag):
        message = "A language is a tag such as es, pt-BR or zh-Hant."
        return Refusal(RefusalCode.LANGUAGE_INVALID, message, "language")
    first, *others = tag.split("-")
    return "-".join([first.lower(), *map(_in_its_case, others)])


def _in_its_case(part: str) -> str:
    if len(part) == _REGION:
        return part.upper()
    return part.title() if len(part) == _SCRIPT else part.lower()


def read_caller_note(typed: str) -> str | Refusal | None:
    """What the caller is to know; None if nothing was typed."""
    note = trimmed(typed)
    if len(note) > MAX_CALLER_NOTE:
        message = f"The note has {len(note):,} characters; at most {MAX_CALLER_NOTE} are kept."
        return Refusal(RefusalCode.TEXT_TOO_LONG, message, "callerNote")
    return note or None
