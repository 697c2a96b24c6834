"""What the demo says when it starts."""

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gql_app.commands.demo.practice import Demo
from gql_app.commands.demo.sample import TIME_ZONE


def welcome(url: str, folder: Path, demo: Demo) -> str:
    """What the demo says when it starts: where it is, and three commands to paste."""
    follow_up = datetime.now(ZoneInfo(TIME_ZONE)).date() + timedelta(days=7)
    query = "{ queues { name counts { open dueToday overdue } } }"
    log = (
        f'mutation {{ logContact(taskId: "{demo.open_task}", outcome: LEFT_MESSAGE,'
        f' followUp: "{follow_up}") {{ task {{ statusLabel followUp }}'
        " errors { code message } } }"
    )
    return f"""
Callboard serves a sample practice at {url}/graphql; its keys are in {folder / "keys.json"}.
Open the dashboard in a browser as an agent (a link signs you in once, within an hour):
  {url}/#link={demo.links["staff"]}

And as a supervisor, in another browser or a private window:
  {url}/#link={demo.links["supervisor"]}

Or paste these into another terminal.

Watch the changes live:
  {sys.argv[0]} watch --url {url} --key {demo.keys["supervisor"]}

Log a contact; the watch shows it at once:
  {_post(url, demo.keys["staff"], log)}

Query the queues:
  {_post(url, demo.keys["partner"], query)}

Ctrl-C stops the demo.
"""


def _post(url: str, key: str, query: str) -> str:
    return (
        f"curl -s {url}/graphql -H 'Content-Type: application/json'"
        f" -H 'Authorization: Bearer {key}' -d '{json.dumps({'query': query})}'"
    )
