"""The text of the functions that complete objects, and the values that their names stand for.

They are text because a loop over closures takes three times as long. Nothing that a client sends
becomes part of the text: the names in the answer are values, as everything else is.
"""

from functools import cached_property
from typing import Any

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLString,
    Undefined,
)
from strawberry.types.field import StrawberryField

from gql_app.execution.runs import Complete, LinkedField, NotPlain

_IS_NO_TEXT = "type({0}) is not str"
_NEEDS_COERCION: dict[Any, str] = {
    GraphQLString: _IS_NO_TEXT,
    GraphQLID: _IS_NO_TEXT,
    GraphQLInt: f"type({{0}}) is not int or not {GRAPHQL_MIN_INT} <= {{0}} <= {GRAPHQL_MAX_INT}",
    GraphQLBoolean: "{0} is not True and {0} is not False",
}
"""The test for values of a scalar that cannot be shown as they are."""

NAME_BYTES = 700
"""What a plan is taken to need for each of its names, code included. It is an estimate: what all
takes together is measured by benchmarks/attacks/documents.py."""

Lines = list[str]


class Plan:
    """How an object is completed from its row, and how all objects of a list are. Most plans need
    only one of the two, so each is compiled on first use."""

    def __init__(self, scope: dict[str, Any], before: Lines, row: str, lines: Lines, answer: str):
        self._scope = scope
        self._before = before
        self._row = row
        self._lines = lines
        self._answer = answer
        self.own_weight = self.weight = len(scope) * NAME_BYTES

    @cached_property
    def one(self) -> Complete:
        """Complete one row."""
        return self._compiled(self.text_of_one())

    @cached_property
    def all(self) -> Complete:
        """Complete a list of rows."""
        return self._compiled(self.text_of_all())

    def text_of_one(self) -> str:
        """The function for one row."""
        lines = [
            f"def complete({self._row}, run):",
            *indented([*self._before, *self._lines]),
            f"    return {self._answer}",
        ]
        return "\n".join(lines)

    def text_of_all(self) -> str:
        """The function for a list of rows."""
        lines = [
            "def complete(rows, run):",
            *indented(self._before),
            "    answers = []",
            f"    for {self._row} in rows:",
            *indented(indented(self._lines)),
            f"        answers.append({self._answer})",
            "    return answers",
        ]
        return "\n".join(lines)

    def _compiled(self, text: str) -> Complete:
        exec(text, self._scope)  # noqa: S102 - made of nothing but the schema's own names
        complete: Complete = self._scope["complete"]
        return complete


class Source:
    """Collects the lines of a function. They may use `run` and all names that were bound."""

    def __init__(self) -> None:
        self._scope: dict[str, Any] = {"NotPlain": NotPlain, "Undefined": Undefined}
        self._before: Lines = []

    def bind(self, kind: str, value: Any = None) -> str:
        """A new name for `value`, or for a variable."""
        name = f"{kind}_{len(self._scope)}"
        self._scope[name] = value
        return name

    def info(self, definition: StrawberryField) -> str:
        """The name of what a resolver of the field gets."""
        info, field = self.bind("info"), self.bind("field", definition)
        self._before.append(f"{info} = run.info_for({field})")
        return info

    def checked(self, row: str, object_type: GraphQLObjectType) -> Lines:
        """Check that the row is one of the type."""
        if object_type.is_type_of is None:
            return [f"if {row} is None:", "    raise NotPlain"]
        # The class of a row decides its type, so each class is asked about once.
        passed, is_type_of = self.bind("passed", set()), self.bind("is", object_type.is_type_of)
        return [
            f"if type({row}) not in {passed}:",
            f"    if not {is_type_of}({row}, run.info):",
            "        raise NotPlain",
            f"    {passed}.add(type({row}))",
        ]

    def leaf(self, value: str, output_type: Any) -> Lines:
        """Coerce a value that is not null, if it needs it."""
        coerce = self.bind("coerce", output_type.coerce_output_value)
        coerced = [
            f"{value} = {coerce}({value})",
            f"if {value} is None or {value} is Undefined:",
            "    raise NotPlain",
        ]
        if isinstance(output_type, GraphQLEnumType):
            names = self.bind("names", {v.value: k for k, v in output_type.values.items()})
            found = self.bind("found")
            return [
                f"{found} = {names}.get({value})",
                f"if {found} is None:",
                *indented(coerced),
                "else:",
                f"    {value} = {found}",
            ]
        if needs_coercion := _NEEDS_COERCION.get(output_type):
            return [f"if {needs_coercion.format(value)}:", *indented(coerced)]
        return coerced

    def link(
        self, row: str, answer: str, linked_field: LinkedField, show: Lines, shown: str
    ) -> Lines:
        """Show another row. If it has been read already, the lines `show` complete the row in the
        variable `linked` and leave the object in `shown`. If not, it is wanted."""
        known, bound = self.bind("known"), self.bind("linked_field", linked_field)
        name = self.bind("name", linked_field.name)
        complete = self.bind("complete", linked_field.complete)
        self._before.append(f"{known} = run.known({bound})")
        return [
            f"key = {_key(row, linked_field.link.by)}",
            f"linked = None if key is None else {known}.get(key)",
            "if linked is not None:",
            *indented(show),
            f"    {answer}[{name}] = {shown}",
            "elif key is None:",
            f"    {answer}[{name}] = {complete}(None, run)",
            "else:",
            f"    run.wanted[{bound}].append((key, {answer}))",
        ]

    def plan(self, row: str, lines: Lines, answer: str) -> Plan:
        """The plan whose lines turn the row in `row` into the object in `answer`."""
        return Plan(self._scope, self._before, row, lines, answer)


def _key(row: str, by: tuple[str, ...]) -> str:
    """The expression for the key of the linked row. The attributes are named by the schema."""
    first, *others = (f"{row}.{name}" for name in by)
    return f"None if {first} is None else ({', '.join([first, *others])})" if others else first


def indented(lines: Lines) -> Lines:
    return [f"    {line}" for line in lines]
