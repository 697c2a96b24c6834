"""The rows of a list that is divided into sections, a page at a time.

A page reads as many rows of each section as it has itself, from the section's index. So it costs
the same however many tasks there are, and wherever in the list it begins.
"""

from collections.abc import Iterator

from gql_app.work.reads.conditions import Conditions
from gql_app.work.reads.cursors import Place
from gql_app.work.reads.sections import Section
from gql_app.work.reads.task_filter import TaskQuery
from models.priority import TaskPriority
from models.task import one_of


def rows_in_sections(
    where: Conditions,
    query: TaskQuery,
    sections: tuple[Section, ...],
    place: Place,
    limit: int,
) -> str:
    """SQL for the first `limit` tasks after `place` that `where` holds for, with the columns `part`
    and `place` that they are sorted by. `where` is what the `query` asks for, but for the status.

    A part is read only where those before it do not fill the page.
    """
    parts: list[str] = []
    for section, condition in _parts(where, query, sections, place):
        narrower = "1 = 1"
        if not set(section.statuses) <= set(query.status):
            narrower = one_of("t.status", [s for s in section.statuses if s in query.status])
        found = " + ".join(f"(SELECT COUNT(*) FROM part_{n})" for n in range(len(parts)))
        still = f" AND {found} < {limit}" if parts else ""
        rows = _first(section, f"{where} AND {condition} AND {narrower}{still}", query, limit)
        parts.append(
            f"""part_{len(parts)} AS (
            SELECT {len(parts)} AS part, ROW_NUMBER() OVER (ORDER BY {section.sort}) AS place, t.*
            FROM ({rows}) t)"""
        )
    if not parts:
        return f"SELECT 0 AS part, 0 AS place, t.* FROM task t WHERE {where} AND 1 = 0"
    rows = " UNION ALL ".join(f"SELECT * FROM part_{n}" for n in range(len(parts)))
    return f"WITH {', '.join(parts)} {rows} ORDER BY part, place LIMIT {limit}"


def _first(section: Section, condition: str, query: TaskQuery, limit: int) -> str:
    """SQL for the first tasks of a section: of several priorities the first of each, merged."""
    end = f"ORDER BY {section.sort} LIMIT {limit}"
    if len(section.priorities) < 2:
        return f"SELECT * FROM task t WHERE {condition} {end}"
    of_each = [
        f"""SELECT * FROM (
            SELECT * FROM task t WHERE {condition} AND t.priority = {priority:d} {end}
            ) AS of_{priority:d}"""
        for priority in section.priorities
        if _may_have(query, priority)
    ]
    return f"SELECT * FROM ({' UNION ALL '.join(of_each)}) t {end}"


def _may_have(query: TaskQuery, *priorities: TaskPriority) -> bool:
    """Whether tasks that are asked for may have one of the priorities, if any are named."""
    return not priorities or query.priority is None or bool({*query.priority} & {*priorities})


def _parts(
    where: Conditions,
    query: TaskQuery,
    sections: tuple[Section, ...],
    place: Place,
) -> Iterator[tuple[Section, str]]:
    """What is left of the section that `place` is in, then the sections after it, each with what
    holds for its rows. Parameters are bound where they are used, so that none stands nowhere."""
    names = [section.name for section in sections]
    reached = names.index(place.section) if place.section else -1
    for at, section in enumerate(sections):
        if at < reached or not set(section.statuses) & set(query.status):
            continue
        if not _may_have(query, *section.priorities):  # SQLite would read all of it
            continue
        if at > reached:
            today = f"${where.value(place.day)}" if section.day else ""
            yield section, section.holds(today)
        else:
            for rest in _rest(where, section, place):
                yield section, rest


def _rest(where: Conditions, section: Section, place: Place) -> Iterator[str]:
    """What is left of a section after `place`, in order: one stretch of the index for each key, so
    that both databases find where it begins. First the last key is greater and all others are
    equal, then the one before it is greater, and so on."""
    greater = "<" if section.descending else ">"
    bound = [f"${where.value(value)}" for value in place.values]
    for last in reversed(range(len(bound))):
        pairs = zip(section.keys[:last], bound[:last], strict=True)
        equal = [f"{key} = {value}" for key, value in pairs]
        # What is equal to the place, or after it in the last section of days, needs no other bound:
        # with two of them SQLite may take the wrong one.
        ends = last == 0 and section.day == "<="
        condition = section.holds(f"${where.value(place.day)}") if ends else section.condition
        yield " AND ".join([condition, *equal, f"{section.keys[last]} {greater} {bound[last]}"])
