"""The documents of Callboard's own clients: the dashboard, read from its source, and
`callboard watch`. They are run wherever only trusted documents are."""

import re
from pathlib import Path

from models.diagram import camel_case
from models.lifecycle import OPEN_STATUSES, ContactOutcome

DASHBOARD = Path(__file__).parent / "dashboard"
SETTINGS = DASHBOARD / "settings" / "documents"
"""A file for each section of the settings."""

WATCH_VIEWER = "query { viewer { name practice { cursor } queues { id name } } }"

WATCH_CHANGES = """
subscription ($queueIds: [ID!], $after: String) {
  queueFeed(queueIds: $queueIds, after: $after) {
    ... on TaskEvent {
      cursor seq kind at fromStatus toStatus closeCause
      snapshot { followUp queue { name } patient { name } }
      contact { outcome }
      actor { name }
    }
  }
}
"""

_TEMPLATE = re.compile(r"^(?:export )?const (\w+) = `([^`]*)`;", re.MULTILINE)
_PLACE = re.compile(r"\$\{([^}]*)\}")

_OF_WORKFLOW = {
    "OPEN_STATUSES": ",".join(OPEN_STATUSES),
    "Object.keys(OUTCOME_COUNTS).join(' ')": " ".join(map(camel_case, ContactOutcome)),
}
"""What these files take from workflow.js, which `make diagram` writes."""


def own_documents() -> list[str]:
    """The texts, exactly as they are sent."""
    files = sorted(DASHBOARD.glob("*documents.js")) + sorted(SETTINGS.glob("*.js"))
    ours = [text for file in files for text in dashboard_documents(file.read_text())]
    return [WATCH_VIEWER, WATCH_CHANGES, *ours]


def dashboard_documents(source: str) -> list[str]:
    """The documents in the source of a file: its constants, those in others among them."""
    made = dict(_OF_WORKFLOW)
    for name, template in _TEMPLATE.findall(source):
        made[name] = _PLACE.sub(lambda found: made[found[1]], template)
    return [text for name, text in made.items() if name not in _OF_WORKFLOW]
