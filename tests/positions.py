"""What tests say of cursors: that one names an event of a practice, by number and digest."""

from dataclasses import dataclass

from gql_app.work.reads.cursors import read_event_cursor


@dataclass(frozen=True)
class Names:
    """Equal to each cursor that stands after event `seq` and carries a digest (after none, if it is
    the practice's beginning)."""

    practice_id: int
    seq: int

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str):
            return NotImplemented
        position = read_event_cursor(self.practice_id, other)
        return position.seq == self.seq and bool(position.digest) == bool(self.seq)

    __hash__ = None  # type: ignore[assignment]  # never a key
