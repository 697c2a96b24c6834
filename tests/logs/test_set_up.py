"""A process that has set its log up, from its first line to an end that nobody expected."""

import json
import subprocess
import sys
from pathlib import Path

WORD = "needles7781"

PROGRAM = f"""
import logging, sys, threading
from pathlib import Path
from gql_app.logs import SECURITY, set_up_logs

set_up_logs(None, "warning", Path(sys.argv[1]))

def fail():
    raise RuntimeError("{WORD}")

class Fails:
    def __del__(self):
        fail()

logging.getLogger("callboard.requests").info("not written at this level")
logging.getLogger("gql_app.x").warning("written")
logging.getLogger("websockets").info("{WORD}")
logging.getLogger("tortoise.db_client").debug("{WORD}")
logging.getLogger("uvicorn.error").error("Invalid UTF-8 sequence received from client.")
logging.getLogger(SECURITY).info("key_refused")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
Fails()
fail()
"""


def test_what_nobody_caught_is_logged_by_its_type_and_place(tmp_path: Path) -> None:
    security = tmp_path / "security.log"
    command = [sys.executable, "-c", PROGRAM, str(security)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert WORD not in ended.stdout + ended.stderr
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["event"] for line in lines] == [
        "written",
        "a thread has ended",
        "an exception could not be raised",
        "this is a bug: nobody caught it",
    ]
    for line in lines[1:]:
        assert line["exception"][0] == "builtins.RuntimeError"
        assert "in fail" in line["exception"][-1]
    (event,) = security.read_text().splitlines()
    assert json.loads(event)["stream"] == "security"


def test_a_log_that_nobody_reads_holds_nothing_up() -> None:
    """A pipe holds 64 KB; the process writes ten times as much, and ends."""
    program = """
import logging
from gql_app.logs import set_up_logs
set_up_logs("json", "info", None)
for number in range(5_000):
    logging.getLogger("gql_app.x").info("a line of a hundred characters %s", "x" * 60)
print("done", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    assert process.wait(30) == 0
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
