"""How names are found: folded into words that are the same however somebody types them.

Capitals, accents, strokes, ligatures and apostrophes make no difference. Marks that belong to the
spelling of a word do, such as the vowels of Devanagari and Thai.
"""

import re
import unicodedata

MAX_WORD = 64
"""How many characters of a word are compared."""

# Taken out before compatibility forms are taken apart: that makes a blank and an accent of some.
_APOSTROPHES = dict.fromkeys(
    map(
        ord,
        "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u0374\u055a\u05f3\u05f4"
        "\u07f4\u07f5\u1fbd\u1fbf\u1fef\u1ffd\u1ffe\u2018\u2019\u201b\u2032\u2035\ua78b\ua78c"
        "\uff07\uff40",
    )
)

# Letters and marks that Unicode does not take apart, in lower case, and what is typed for them.
_TYPED = str.maketrans(
    dict(
        pair.split("=")
        for pair in (  # noqa: SIM905 - a table is easier to read and to add to
            "ł=l ø=o đ=d ð=d þ=th æ=ae œ=oe ı=i ŋ=n ħ=h ŧ=t ƒ=f ĸ=k ƙ=k ɓ=b ɖ=d ɗ=d ɛ=e ə=e ǝ=e"  # noqa: RUF001
            " ɔ=o ɣ=g ɨ=i ʉ=u ƶ=z ƴ=y ɲ=n ʋ=v ɩ=i"  # noqa: RUF001
            " \u0491=\u0433"  # Ukrainian ghe with upturn
            # Arabic: the tatweel, which only stretches, and letters that are typed for each other.
            " \u0640= \u0671=\u0627 \u0649=\u064a \u06cc=\u064a \u06a9=\u0643 \u0629=\u0647"
            " \u06c1=\u0647 \u06be=\u0647 \u06d5=\u0647"
            # Devanagari and Gurmukhi: the dot of borrowed sounds; candrabindu as anusvara.
            " \u093c= \u0a3c= \u0901=\u0902"
            # Malayalam: consonants without a vowel, which have two spellings.
            " \u0d7a=\u0d23\u0d4d \u0d7b=\u0d28\u0d4d \u0d7c=\u0d30\u0d4d \u0d7d=\u0d32\u0d4d"
            " \u0d7e=\u0d33\u0d4d \u0d7f=\u0d15\u0d4d"
        ).split(" ")
    )
)

# Of these, words are spelled without their marks; of all other scripts, with them.
_ACCENTS = (
    "COMBINING",
    "HEBREW",
    "ARABIC",
    "SYRIAC",
    "VARIATION SELECTOR",
    "MONGOLIAN FREE VARIATION SELECTOR",
)
_VOICED = re.compile(".[\u3099\u309a]")  # kana: ga is not ka with an accent

_ONE_IS_A_WORD = ("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "YI SYLLABLE")


def name_words(name: str) -> list[str]:
    """Return the words of a name as they are compared: O'Brien is one word, Smith-Jones is two."""
    if name.isascii():
        plain = name.lower().replace("'", "").replace("`", "")
        return [word[:MAX_WORD] for word in re.findall("[a-z0-9]+", plain)]
    apart = unicodedata.normalize("NFKD", name.translate(_APOSTROPHES)).casefold()
    apart = unicodedata.normalize("NFKD", apart).translate(_TYPED).replace("l\u00b7l", "ll")
    kept = _VOICED.sub(
        lambda kana: unicodedata.normalize("NFC", kana[0]), "".join(map(_kept, apart))
    )
    return [word[:MAX_WORD] for word in kept.split()]


def says_enough(words: list[str]) -> bool:
    """Whether these words are enough to look for a patient: two characters, or one that is a word
    by itself, as in Chinese, Japanese and Korean."""
    return sum(map(len, words)) > 1 or any(
        unicodedata.name(word[0], "").startswith(_ONE_IS_A_WORD) for word in words
    )


def _kept(character: str) -> str:
    """Return what is compared of a character: a blank if it stands between words."""
    category = unicodedata.category(character)
    if category[0] == "L":
        return character
    if category[0] == "N":
        return str(unicodedata.digit(character, character))
    if category[0] == "M":
        name = unicodedata.name(character, "")
        is_accent = name.startswith(_ACCENTS) and "KATAKANA" not in name
        return "" if is_accent else character
    return "" if category == "Cf" else " "  # a joiner does not end a word
