"""Promised call-backs: the arguments by which they are made, and the scalar LocalTime."""

import json
import re
from datetime import time
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from gql_app.schema.enums import CallBackBy

_FORM = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", re.ASCII)


def _parse(value: Any) -> time:
    if not isinstance(value, str) or not _FORM.fullmatch(value):
        raise GraphQLError(f"A time is a text such as 15:30, not {json.dumps(value)}.")
    return time.fromisoformat(value)


LOCAL_TIME = ScalarDefinition(
    name="LocalTime",
    description="A time by the practice's clocks, such as 15:30 or 15:30:00.",
    specified_by_url=None,
    serialize=time.isoformat,
    parse_value=_parse,
    parse_literal=None,
    directives=(),
    origin=time,
)

FollowUpTime = Annotated[
    time | None,
    strawberry.argument(
        description="At what time on the follow-up date the patient was promised to be called back,"
        " by the practice's clocks; the answer has the moment (`Task.followUpAt`). A time that is"
        " shown twice on that day, because the clocks go back, is the first of the two that is"
        " still to come."
    ),
]

WhoCallsBack = Annotated[
    CallBackBy | None,
    strawberry.argument(
        description="Who is to call at that time; anyone, if nothing is said. A call-back by ME"
        " goes over to anyone three minutes after its time, or as soon as I am away then."
    ),
]
