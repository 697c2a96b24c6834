"""What the site of the documents has beside the pages in docs/."""

from types import SimpleNamespace

from graphql import build_schema

from docs.hooks import ROOT, at_the_site, on_page_markdown, reference


def test_the_reference_has_each_type_field_and_argument() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    page = reference(schema)
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        _, _, section = page.partition(f"## {name}\n")
        section = section.partition("\n## ")[0]
        assert " ".join((kind.description or "").split()) in " ".join(section.split())
        for field, what in getattr(kind, "fields", {}).items():
            assert f"| `{field}" in section
            assert all(f"{given}: " in section for given in getattr(what, "args", {}))


def test_links_out_of_docs_lead_to_the_pages_made_of_those_files() -> None:
    def shown(markdown: str, path: str) -> str:
        return on_page_markdown(markdown, SimpleNamespace(file=SimpleNamespace(src_uri=path)))

    assert shown("[a](../schema.graphql)", "clients.md") == "[a](schema.md)"
    assert shown("[a](../../README.md#try-it)", "decisions/x.md") == "[a](../index.md#try-it)"
    assert shown("[a](../models/task.py) [b](workflow.md)", "x.md") == "a [b](workflow.md)"
    assert at_the_site("[a](docs/x.md) [b](CHANGELOG.md)") == "[a](x.md) [b](changelog.md)"
