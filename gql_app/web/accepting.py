"""Which form of an answer a client wants: what its Accept header says (RFC 9110, section 12.5.1).

The higher quality wins. Of equal ones it is the first that the client names, because clients list
first what they would rather have. Of those that one range such as */* stands for, it is the first
offer.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
"""The type of GraphQL over HTTP: with it, the status says whether anything was carried out."""
STREAM = "text/event-stream"

ANY = "*/*"

_RANGE = re.compile(r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+", re.ASCII)
_QUALITY = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?", re.ASCII)


class _Range(NamedTuple):
    """A media range: `quality` from 0 (not acceptable) to 1, `place` in the client's list."""

    name: str
    quality: float
    place: int


class Accepted:
    """The media types that a client accepts; without a header, any."""

    def __init__(self, headers: Iterable[str] = ()) -> None:
        ranges = {each.name: each for each in _ranges(",".join(headers))}
        self._ranges = ranges or {ANY: _Range(ANY, 1, 0)}

    def best(self, offers: Sequence[str]) -> str | None:
        """The offer that the client likes best, None if it accepts none of them."""
        found = [(offer, range_) for offer in offers if (range_ := self._range(offer)).quality]
        if not found:
            return None
        return max(found, key=lambda each: (each[1].quality, -each[1].place))[0]

    def names(self, offer: str) -> bool:
        """Whether the client asks for `offer`, not only for anything."""
        found = self._range(offer)
        return found.quality > 0 and found.name != ANY

    def _range(self, offer: str) -> _Range:
        """The range that says most exactly what the client thinks of an offer."""
        names = (offer, f"{offer.partition('/')[0]}/*", ANY)
        known = (self._ranges[name] for name in names if name in self._ranges)
        return next(known, _Range(offer, 0, 0))


def _ranges(header: str) -> Iterator[_Range]:
    """The ranges of a header, without those that cannot be read."""
    for place, part in enumerate(header.lower().split(",")):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((p[2:].strip() for p in parameters if p.startswith("q=")), "1")
        if _RANGE.fullmatch(name) and _QUALITY.fullmatch(quality):
            yield _Range(name, float(quality), place)
