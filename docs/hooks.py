"""For mkdocs: pages of the site that are made from files outside docs/, and links to such files."""

import re
from pathlib import Path
from typing import Any

from graphql import GraphQLNamedType, GraphQLSchema, build_schema

ROOT = Path(__file__).parents[1]
COPIED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
PAGES = {**COPIED, "schema.graphql": "schema.md"}
"""Files at the root, and the pages that are made of them."""

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^()\s#]+)(#[^()\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made of files at the root."""
    from mkdocs.structure.files import File  # noqa: PLC0415  # only the site needs mkdocs

    for name, page in COPIED.items():
        files.append(File.generated(config, page, content=at_the_site((ROOT / name).read_text())))
    schema = build_schema((ROOT / "schema.graphql").read_text())
    files.append(File.generated(config, "schema.md", content=reference(schema)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links out of docs/ to the pages made of those files; of others show the words alone."""
    up = "../" * page.file.src_uri.count("/")

    def led(link: re.Match[str]) -> str:
        words, target, heading = link[1], link[2], link[3] or ""
        if not target.startswith(f"{up}../") and target != "LICENSE":
            return link[0]
        made = PAGES.get(target.removeprefix(f"{up}../"))
        return f"[{words}]({up}{made}{heading})" if made else words

    return LINK.sub(led, markdown)


def at_the_site(text: str) -> str:
    """A page from the root, with its links as they are from within docs/."""
    for name, page in PAGES.items():
        text = text.replace(f"]({name})", f"]({page})")
    return text.replace("](docs/", "](")


def reference(schema: GraphQLSchema) -> str:
    """All types of the schema as a page, the roots first."""
    roots = [schema.query_type, schema.mutation_type, schema.subscription_type]
    first = [kind for kind in roots if kind]
    others = [
        kind
        for name, kind in sorted(schema.type_map.items())
        if kind not in first and not name.startswith("__")
    ]
    return "\n".join(["# The schema\n", *map(_section, [*first, *others])])


def _section(kind: GraphQLNamedType) -> str:
    lines = [f"## {kind.name}\n", kind.description or "", ""]
    fields = getattr(kind, "fields", None) or getattr(kind, "values", None) or {}
    if fields:
        lines += ["| name | type | |", "|---|---|---|"]
    for name, field in fields.items():
        given = ", ".join(f"{n}: {a.type}" for n, a in getattr(field, "args", {}).items())
        shape = f"`{field.type}`" if hasattr(field, "type") else ""
        words = " ".join((field.description or "").split()).replace("|", "\\|")
        if field.deprecation_reason:
            words = f"{words} Deprecated: {field.deprecation_reason}".strip()
        lines.append(f"| `{name}{f'({given})' if given else ''}` | {shape} | {words} |")
    if hasattr(kind, "types"):
        lines.append("One of " + ", ".join(f"`{member}`" for member in kind.types) + ".")
    return "\n".join([*lines, ""])
