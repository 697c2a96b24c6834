"""The table that the attacks print."""

from benchmarks.attacks.rows import Row, at_most, expected, shown


def test_a_figure_at_its_limit_is_held() -> None:
    assert at_most("headers", 1.0, 1, "MB").held
    assert not at_most("headers", 1.01, 1, "MB").held
    assert not expected("headers", 200, 431).held


def test_the_columns_of_the_table_are_aligned() -> None:
    rows = [Row("short", "1 MB", "1 MB", True), Row("a longer name", "12 MB", "1 MB", False)]
    assert shown(rows).splitlines() == [
        "attack         figure  at most  held",
        "short          1 MB    1 MB     yes",
        "a longer name  12 MB   1 MB     NO",
    ]
