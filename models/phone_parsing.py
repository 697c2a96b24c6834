"""How people write telephone numbers, and whether a text is one number and nothing else."""

import re
import unicodedata

_SCHEME = re.compile(r"(?i)^'?\s*(?:tel|phone|callto|telefon|telephone)?\s*[.:]*\s*(?=[+(\[0-9])")

_EXTENSION = re.compile(
    r"""(?xi) (?P<number> .*? [0-9)\]]) [\s,;]*
    (?: ext(?:ension|n)? | x | \# | durchwahl | dw | nst | app(?:arat)? | poste | anexo | ramal
    | int(?:erno)? | доб ) [\s.:=-]* (?P<extension> [0-9]{1,10}) \s*""",
)

# Digits in groups, in whichever grouping; a plus only in front.
_NUMBER = re.compile(r"[(\[]?\+?[ (\[]*[0-9][0-9 ./()\[\]-]*(?<=[0-9)\]])")

_DATE = re.compile(
    r"(?P<a>[0-9]{1,2})\ ?[./-]\ ?(?P<b>[0-9]{1,2})\ ?[./-]\ ?(?:[0-9]{2}|(?:19|20)[0-9]{2})"
    r"|(?:19|20)[0-9]{2}\ ?[./-]\ ?(?P<c>[0-9]{1,2})\ ?[./-]\ ?(?P<d>[0-9]{1,2})"
)

# 301234567.0, 2.175550123, 2.175.550.123: a number as a spreadsheet shows it.
_COUNTED = re.compile(
    r"[0-9]{7,}\.[0-9]+ | [0-9]+\.0+ | [0-9.]+\.0 | [0-9]\.[0-9]{4,} | [1-9](?:\.[0-9]{3}){2,}",
    re.VERBOSE,
)

_LATE_BRACKET = re.compile(r"(?:[^0-9]*[0-9]){6,}[^0-9]*[(\[]")
_RANGE = re.compile(r"([0-9]{3,}) +-+ +([0-9]{3,})$")


def plain(text: str) -> str:
    """Return the text with ASCII digits, blanks and hyphens, and without invisible characters."""
    if text.isascii():
        return text
    return "".join(map(_plain_character, unicodedata.normalize("NFKC", text)))


def _plain_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character == "\u2212":
        return "-"
    if category == "Zs":
        return " "
    return "" if category == "Cf" else character


def split_extension(text: str) -> tuple[str, str | None]:
    """Return the number, and its extension if there is one."""
    text = _SCHEME.sub("", text)
    if not re.search(r"[^\W\d_]|\#", text):
        return text, None
    found = _EXTENSION.fullmatch(text)
    return (found["number"], found["extension"]) if found else (text, None)


def is_one_number(text: str) -> bool:
    """Whether the text can only be one number. phonenumbers would take the digits of any text."""
    if not _NUMBER.fullmatch(text) or _COUNTED.fullmatch(text) or _is_date(text):
        return False
    if text.count("(") != text.count(")") or text.count("[") != text.count("]"):
        return False
    if _LATE_BRACKET.match(text):
        return False
    if between := _RANGE.search(text):  # 2312 - 2313, but 2312 - 45 is a desk's number
        first, last = between.groups()
        if len(first) == len(last) and first[: len(first) // 2] == last[: len(last) // 2]:
            return False
    return "/" not in text or _is_behind_area_code(text)


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if not found:
        return False
    parts = sorted(int(part) for part in found.groups() if part)
    return 1 <= parts[0] <= 12 and parts[1] <= 31


def _is_behind_area_code(text: str) -> bool:
    """Whether the part before the slash is only an area code, as in 030/23125001. In 2312/2313 and
    030 2312 / 13 it is a number by itself."""
    text = re.sub(r"^(\+ ?[0-9]{1,3}) ?/", r"\1 ", text)
    before, _, after = text.partition("/")
    if "/" in after:
        return False
    area, number = digits_of(before), digits_of(after)
    is_marked = bool(re.match(r"[(\[+0]", before))
    if len(number) < 5:
        return is_marked and len(area) <= (6 if "+" in before else 5) and len(number) > 2
    return len(area) <= (9 if "+" in before or area.startswith("00") else 6 if is_marked else 4)


def digits_of(text: str) -> str:
    """Return the digits in a text of any script, as ASCII digits."""
    return re.sub("[^0-9]", "", plain(text))
