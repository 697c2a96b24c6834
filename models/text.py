"""Trimming: what is removed from both ends of every text that comes in."""

import unicodedata

# Default_Ignorable_Code_Point of Unicode, but for the selectors and tags that end an emoji, and
# letters and symbols that are drawn as a blank.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u2800\u3164\ufeff\uffa0",
    *map(chr, range(0x180B, 0x1810)),
    *map(chr, range(0x200B, 0x2010)),
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2060, 0x2070)),
    *map(chr, range(0xFFF0, 0xFFFC)),
    *map(chr, range(0x1BCA0, 0x1BCA4)),
    *map(chr, range(0x1D173, 0x1D17B)),
)
_ENDS = "".join(
    (
        # U+0000 is not trimmed but refused: it cannot be kept.
        *(c for c in map(chr, range(1, 0x3001)) if c.isspace() or unicodedata.category(c) == "Cc"),
        *_INVISIBLE,
    )
)
_BEGINNINGS = "".join(
    (_ENDS, *map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0000, 0xE0FFF + 1)))
)


def trimmed(text: str) -> str:
    """Return the text without what nobody can see at its ends: blanks, control characters,
    zero-width characters and marks of direction. Empty if there is nothing else."""
    text = text.strip()
    if text.isascii() and text.isprintable():  # nearly every cell of an import
        return text
    return text.strip(_ENDS).lstrip(_BEGINNINGS)
