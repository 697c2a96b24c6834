"""The documents that we publish: the dashboard's own, and those that README and docs show."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from graphql import FragmentDefinitionNode, GraphQLSyntaxError, parse, print_ast

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DASHBOARD = ROOT / "gql_app" / "web" / "dashboard" / "documents.js"


def published() -> Iterator[tuple[str, str]]:
    """Each operation with the place that it is from."""
    places = [(DASHBOARD.name, _in_javascript(DASHBOARD.read_text()))]
    for page in PAGES:
        text = page.read_text()
        found = [
            *_in_javascript(text),
            *_in_python(text),
            *_in_json(text),
            *_fences("graphql", text),
        ]
        places.append((page.name, found))
    for place, texts in places:
        for number, document in enumerate(d for text in texts for d in _operations(text)):
            yield f"{place}-{number}", document


def _in_javascript(text: str) -> list[str]:
    """Template literals, with those that they name put in."""
    named = dict(re.findall(r"const (\w+) = `([^`]*)`", text))

    def filled(literal: str) -> str:
        return re.sub(r"\$\{(\w+)\}", lambda name: filled(named.get(name[1], "")), literal)

    return [filled(literal) for literal in named.values()]


def _in_python(text: str) -> list[str]:
    names: dict[str, object] = {}
    for code in _fences("python", text):
        for node in ast.parse(code).body:
            if isinstance(node, ast.Assign) and isinstance(
                node.value, ast.Constant | ast.JoinedStr
            ):
                exec(ast.unparse(node), names)  # text, put together from text
    return [value for value in names.values() if isinstance(value, str)]


def _in_json(text: str) -> list[str]:
    return [json.loads(found) for found in re.findall(r'"query": ("(?:[^"\\\n]|\\.)*")', text)]


def _fences(language: str, text: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def _operations(text: str) -> Iterator[str]:
    """Each operation of a document, with its fragments; none of what is no document."""
    try:
        definitions = parse(text).definitions
    except GraphQLSyntaxError:
        return
    fragments = [print_ast(d) for d in definitions if isinstance(d, FragmentDefinitionNode)]
    for definition in definitions:
        if not isinstance(definition, FragmentDefinitionNode):
            yield "\n".join([print_ast(definition), *fragments])
