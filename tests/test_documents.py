"""The documents hang together: links lead somewhere, the README is short, decisions are listed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = ROOT / "docs" / "decisions"

LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    lost = [link for link in relative_links(page) if not leads_somewhere(page, link)]
    assert lost == []


def test_links_to_nowhere_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# What `a` is, and why?\n[good](#what-a-is-and-why) [web](https://host.example/x)\n"
        "![lost](lost.png) [lost](#lost)\n[lost](page.md#too) `[code](code.md)`\n"
        "```sh\n# lost\n[code](code.md)\n```\n"
    )
    lost = [link for link in relative_links(page) if not leads_somewhere(page, link)]
    assert lost == ["lost.png", "#lost", "page.md#too"]


def test_the_readme_has_at_most_200_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_each_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        links = (page.parent / link.partition("#")[0] for link in relative_links(page))
        ahead.extend(link.resolve() for link in links if link.suffix == ".md")
    assert set(PAGES) - reached == set()


def test_the_index_of_decisions_has_each_with_its_title_status_and_date() -> None:
    listed = re.findall(
        r"^\| (\d+) \| \[(.+)\]\((\S+\.md)\) \| (\w+).* \| ([\d-]{10}) \|$",
        (DECISIONS / "README.md").read_text(),
        re.MULTILINE,
    )
    assert listed == [
        (number, title, page.name, status, date)
        for page in sorted(DECISIONS.glob("0*.md"))
        for number, title, status, date in [head_of(page)]
    ]


def head_of(page: Path) -> tuple[str, ...]:
    """The number, title, status and date of a decision."""
    head = re.match(
        r"# (\d+)\. (.+)\n\nStatus: (\w+)\. Date: ([\d-]{10})\.(?: .+)?\n", page.read_text()
    )
    assert head, f"{page.name} does not begin with its title, status and date"
    assert int(head[1]) == int(page.name[:4])
    return head.groups()


def relative_links(page: Path) -> list[str]:
    links: list[str] = LINK.findall(CODE.sub("code", page.read_text()))
    return [link for link in links if "://" not in link]


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, heading = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not heading or heading in anchors(target))


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page in its links."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_test_that_a_checklist_names_is_there() -> None:
    named = re.findall(r"`(tests/[a-z_/]+\.py)`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 60
    assert [name for name in named if not (ROOT / name).exists()] == []
