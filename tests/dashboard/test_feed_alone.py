"""What the page's feed does after an error of its stream, and after a close of its socket."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gql_app.web.pages import FILES
from tests.protocol import closes

HARNESS = Path(__file__).parent / "feed_alone.js"
TOLD = {"type": "next", "payload": {"data": {"queueFeed": {"cursor": "seen"}}}}


def fails(code: str, **extensions: Any) -> dict[str, Any]:
    return {
        "type": "error",
        "payload": [{"message": "", "extensions": {"code": code, **extensions}}],
    }


@pytest.fixture
def feed(tmp_path: Path) -> Any:
    """Runs the feed with what the socket says in turn: messages, or a close."""
    if (node := shutil.which("node")) is None:
        pytest.skip("node is not there")
    shutil.copy(FILES / "feed.js", tmp_path / "feed.mjs")
    program = shutil.copy(HARNESS, tmp_path / "feed_alone.mjs")

    def run(*said: Any) -> Any:
        done = subprocess.run(
            [node, program],
            input=json.dumps(said),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (fails("RATE_LIMITED"), "seen"),
        (fails("INTERNAL"), "seen"),
        (fails("UNAVAILABLE"), "seen"),
        (fails("BUSY", retryAfter=1), "seen"),
        (fails("RESYNC_REQUIRED", cursor="sent"), "sent"),
        (fails("RESYNC_REQUIRED", cursor=None), "seen"),
        (fails("RESYNC_REQUIRED"), None),
        (fails("BAD_USER_INPUT"), None),
    ],
)
def test_where_the_stream_goes_on_after_an_error(feed: Any, error: Any, after: str | None) -> None:
    assert feed([TOLD, error])["after"] == [None, after]


@pytest.mark.parametrize("code", closes("No: fix the client."))
def test_a_feed_gives_up_after_a_close_that_would_come_again(feed: Any, code: int) -> None:
    ran = feed([TOLD, {"close": code}])
    assert (ran["after"], ran["states"][-1]) == ([None], "failed")


@pytest.mark.parametrize("code", closes("Yes"))
def test_a_feed_comes_back_after_other_closes(feed: Any, code: int) -> None:
    assert feed([TOLD, {"close": code}])["after"] == [None, "seen"]
