"""Writes numbers and texts so that clients cannot read them, and always in the same way.

A client that could read them would learn how many rows there are. They are written by the secret of
the open database, so that every process, and every copy of the database, writes the same.
"""

import hashlib
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import b2a_base64
from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from models.database import secret

NUMBER_LENGTH = 22
"""Characters of a number: 16 bytes in base64, for URLs and without padding."""

_BLOCK = struct.Struct(">8sQ")
_FOR_URLS = bytes.maketrans(b"+/", b"-_")


class _Writer:
    """Numbers are one block of AES each: a keyed permutation, of which nothing is known without the
    key. Half of the block says what kind of number it is, so what was made up is seen at once.
    Texts are written by AES-SIV, which needs no nonce."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        key = hashlib.sha256(b"numbers" + secret).digest()[:16]
        cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - one block, no message
        self.encrypt = cipher.encryptor().update
        self.decrypt = cipher.decryptor().update
        self.texts = AESSIV(hashlib.sha256(b"texts" + secret).digest())


_writer: _Writer | None = None


def _by() -> _Writer:
    """The writer of the database that is open."""
    global _writer  # noqa: PLW0603 - it is made of the secret, which is the process's
    current = secret()
    if _writer is None or _writer.secret is not current:
        _writer = _Writer(current)
    return _writer


def numbers(kind: str) -> Callable[[int], str]:
    """Make the function that writes the numbers of a kind. Lists call it for each row."""
    tag, pack = _tag(kind), _BLOCK.pack

    def written(number: int) -> str:
        block = _by().encrypt(pack(tag, number))
        return b2a_base64(block, newline=False).translate(_FOR_URLS, b"=").decode()

    return written


class Kinds:
    """Reads numbers of several kinds."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {_tag(name): name for name in names}

    def read(self, text: str) -> tuple[str, int] | None:
        """The kind and the number, None if they were not written here."""
        try:
            block = urlsafe_b64decode(f"{text}==")
        except ValueError:
            return None
        if len(block) != _BLOCK.size:
            return None
        tag, number = _BLOCK.unpack(_by().decrypt(block))
        name = self._names.get(tag)
        return None if name is None else (name, number)


def _tag(kind: str) -> bytes:
    return hashlib.sha256(kind.encode()).digest()[:8]


def hide(text: str, kind: str) -> str:
    """Write a text of a kind, such as what a cursor stands for."""
    return urlsafe_b64encode(_by().texts.encrypt(text.encode(), [kind.encode()])).decode()


def shown(text: str, kind: str) -> str | None:
    """What `hide` has written as `text`, None if it has not."""
    try:
        hidden = urlsafe_b64decode(text.encode("ascii"))
        return _by().texts.decrypt(hidden, [kind.encode()]).decode()
    except (ValueError, InvalidTag):
        return None
