"""Whatever a text holds, a terminal only shows it."""

import pytest

from gql_app.terminal import note, say, shown

INERT = [
    ("Zoë 李 सीता 👩\u200d⚕️", "Zoë 李 सीता 👩\u200d⚕️"),
    ("a\x1b[2Jb", r"a\x1b[2Jb"),
    ("a\x9b2Jb", r"a\x9b2Jb"),
    ("a\r\nb\tc\x07\x7f", r"a\r\nb\tc\x07\x7f"),
    ("a\u202egpj.exe\u2066", r"a\u202egpj.exe\u2066"),
    ("a\u2028b\ufeff\u200b", r"a\u2028b\ufeff\u200b"),
    ("a\udce9\ud83d", r"a\udce9\ud83d"),
    ("a\U000e0041", r"a\U000e0041"),
]


@pytest.mark.parametrize(("text", "seen"), INERT)
def test_a_text_is_shown_inert(text: str, seen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(text) == seen
    say(1, text)
    note(text)
    out, err = capsys.readouterr()
    assert (out, err) == (f"1\t{seen}\n", f"{seen}\n")
