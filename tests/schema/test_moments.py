"""How moments are shown."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from gql_app.schema.moments import DATE_TIME

OFFSETS = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)


@given(st.datetimes(timezones=st.just(UTC) | OFFSETS))
def test_a_moment_is_shown_as_iso_8601_says(moment: datetime) -> None:
    assert DATE_TIME.serialize is not None
    assert DATE_TIME.serialize(moment) == moment.isoformat()
