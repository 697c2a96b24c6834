"""Which frames the servers of this process have been asked to take, and what they said."""

from collections import defaultdict

import pytest

from gql_app.web.frames import FramesProtocol

Takes = dict[FramesProtocol, list[bool]]


def count_takes(monkeypatch: pytest.MonkeyPatch) -> Takes:
    """The answers of each connection, from now on."""
    answers: Takes = defaultdict(list)
    take = FramesProtocol.take

    def counting(self: FramesProtocol, frames: bytes) -> bool:
        answer = take(self, frames)
        answers[self].append(answer)
        return answer

    monkeypatch.setattr(FramesProtocol, "take", counting)
    return answers
