"""What keys, and the tokens of sessions, links and invitations, look like; what is stored of them.

How a token begins says what it is good for, and its digest covers that: a session is no key and a
link is no session. The practice stands in each, so that even the first look-up is by practice.

A key reads `callboard_key_<practice>_<secret><checksum>`: 43 and 6 characters of 0-9, A-Z, a-z. The
prefix and the checksum let a scanner of secrets find a key that was published by mistake, and know
without asking anybody that it is one. Older keys, `cb_<practice>_<secret>`, have no checksum and
stay valid. A secret has 256 random bits, so a plain SHA-256 digest is enough to store.
"""

import hashlib
import secrets
import string
import zlib

KEY, OLD_KEY = "callboard_key", "cb"
SESSION = "cs"
LINK = "cl"
INVITE = "ci"
_VISIT = "cv"

MAX_TOKEN_LENGTH = 200
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_LENGTH = 43
"""Characters that hold 256 bits."""
CHECKSUM_LENGTH = 6


def new_key(practice_id: int) -> str:
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    key = f"{KEY}_{practice_id}_{secret}"
    return key + checksum(key)


def new_token(kind: str, practice_id: int) -> str:
    """A token of a session, a link or an invitation."""
    return f"{kind}_{practice_id}_{secrets.token_urlsafe(32)}"


def checksum(text: str) -> str:
    """The CRC-32 of a text in base 62, as six characters."""
    number, digits = zlib.crc32(text.encode()), []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def looks_like_key(text: str) -> bool:
    """Whether a text begins as keys do."""
    return text.startswith((f"{KEY}_", f"{OLD_KEY}_"))


def practice_of(token: str, kind: str) -> int | None:
    """The practice that stands in a token, None if it is not one of that kind."""
    if len(token) > MAX_TOKEN_LENGTH:
        return None
    if kind == KEY and token.startswith(f"{OLD_KEY}_"):
        kind = OLD_KEY
    elif kind == KEY and checksum(token[:-CHECKSUM_LENGTH]) != token[-CHECKSUM_LENGTH:]:
        return None
    begin = f"{kind}_"
    practice, _, secret = token.removeprefix(begin).partition("_")
    is_number = practice.isascii() and practice.isdigit()
    # Bounded, because it is compared with a 64-bit column.
    if not (token.startswith(begin) and is_number and len(practice) <= 18 and secret):
        return None
    return int(practice)


def visit_of(session: str, practice_id: int) -> str:
    """What a session's token stands for in another practice. Nobody else is told it: whoever has
    the session makes it of that, and it is stored as its digest, as all tokens are."""
    return f"{_VISIT}_{practice_id}_{session}"


def digest(token: str) -> str:
    """A token as it is stored: its SHA-256 in hex, 64 characters."""
    return hashlib.sha256(token.encode()).hexdigest()
