"""Writes numbers and texts so that clients cannot read them, and always in the same way.

A client that could read them would learn how many rows there are. They are written by the secret of
the open database, so that every process, and every copy of the database, writes the same.
"""

import hashlib
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from models.database import tell_of_secret

_BLOCK = struct.Struct(">8sQ")
_HEX = re.compile(r"[0-9a-f]{32}")


class _Writer:
    """Numbers are one block of AES each: a keyed permutation, of which nothing is known without the
    key. Half of the block says what kind of number it is, so what was made up is seen at once.
    Texts are written by AES-SIV, which needs no nonce."""

    def __init__(self, secret: bytes) -> None:
        key = hashlib.sha256(b"numbers" + secret).digest()[:16]
        cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - one block, no message
        self.encrypt = cipher.encryptor().update
        self.decrypt = cipher.decryptor().update
        self.texts = AESSIV(hashlib.sha256(b"texts" + secret).digest())


class _NoSecret:
    """Stands for a writer while no secret is known."""

    def encrypt(self, _: bytes) -> bytes:
        raise RuntimeError("the secret of the database has not been read")

    decrypt = encrypt

    @property
    def texts(self) -> AESSIV:
        raise RuntimeError("the secret of the database has not been read")


_writer: _Writer | _NoSecret
_encrypt: Callable[[bytes], bytes]
"""The writer's, at hand: a page calls it for each of its ids."""


def _use(secret: bytes | None) -> None:
    global _writer, _encrypt  # noqa: PLW0603 - they are made of the secret, which is the process's
    _writer = _NoSecret() if secret is None else _Writer(secret)
    _encrypt = _writer.encrypt


tell_of_secret(_use)


def numbers(kind: str) -> Callable[[int], str]:
    """Make the function that writes the numbers of a kind. Lists call it for each row."""
    tag, pack = _tag(kind), _BLOCK.pack
    return lambda number: _encrypt(pack(tag, number)).hex()


class Kinds:
    """Reads numbers of several kinds."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {_tag(name): name for name in names}

    def read(self, text: str) -> tuple[str, int] | None:
        """The kind and the number, None if they were not written here."""
        if not _HEX.fullmatch(text):
            return None
        tag, number = _BLOCK.unpack(_writer.decrypt(bytes.fromhex(text)))
        name = self._names.get(tag)
        return None if name is None else (name, number)


def _tag(kind: str) -> bytes:
    return hashlib.sha256(kind.encode()).digest()[:8]


def hide(text: str, kind: str) -> str:
    """Write a text of a kind, such as what a cursor stands for."""
    return urlsafe_b64encode(_writer.texts.encrypt(text.encode(), [kind.encode()])).decode()


def shown(text: str, kind: str) -> str | None:
    """What `hide` has written as `text`, None if it has not."""
    try:
        hidden = urlsafe_b64decode(text.encode("ascii"))
        return _writer.texts.decrypt(hidden, [kind.encode()]).decode()
    except (ValueError, InvalidTag):
        return None
