"""A type's fields say which columns they read, or read the one of their name."""

from typing import NamedTuple

import pytest
import strawberry

from gql_app.schema.columns import Columns, reads


class Row(NamedTuple):
    id: int
    word: str


class Other(NamedTuple):
    number: int


def test_a_field_reads_the_column_of_its_name_or_those_that_it_says() -> None:
    @strawberry.type
    class Shown:
        word: str

        @strawberry.field(metadata=reads("word", "id"))
        def both_of_them(self) -> str:
            return ""

        @strawberry.field(metadata=reads())
        def none(self) -> str:
            return ""

    @strawberry.type
    class Namesake:
        word: str = strawberry.field(metadata=reads("number"))

    columns = Columns([(Shown, Row)])
    assert columns.read_by(frozenset({"word", "none", "unknown"})) == {"word"}
    assert columns.read_by(frozenset({"bothOfThem"})) == {"word", "id"}
    for types in ([(Shown, Row), (Namesake, Other)], [(Namesake, Other), (Shown, Row)]):
        assert Columns(types).read_by(frozenset({"word"})) == {"word", "number"}


def test_a_field_that_does_not_say_what_it_reads_is_a_bug() -> None:
    @strawberry.type
    class Shown:
        @strawberry.field
        def made_up(self) -> str:
            return ""

    with pytest.raises(TypeError, match=r"made_up .* Row"):
        Columns([(Shown, Row)])


def test_a_field_that_reads_what_is_no_column_is_a_bug() -> None:
    @strawberry.type
    class Shown:
        @strawberry.field(metadata=reads("id", "number"))
        def word(self) -> str:
            return ""

    with pytest.raises(TypeError, match=r"word .* Row"):
        Columns([(Shown, Row)])
