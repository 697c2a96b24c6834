"""`callboard schema`: schema.graphql, written from the code."""

import argparse
from pathlib import Path

from gql_app.schema import schema_text
from gql_app.settings import Settings
from gql_app.terminal import complain

SCHEMA_FILE = Path("schema.graphql")


def run(arguments: argparse.Namespace, _: Settings) -> int:
    """Returns 2 if the file is checked and is not up to date."""
    text = schema_text()
    if not arguments.check:
        SCHEMA_FILE.write_text(text)
        return 0
    if SCHEMA_FILE.exists() and SCHEMA_FILE.read_text() == text:
        return 0
    return complain("schema.graphql is not what the code says; write it with: callboard schema")
