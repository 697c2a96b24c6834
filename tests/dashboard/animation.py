"""Pictures of several pages side by side, put together to an animated WebP.

Chromium draws the pictures and packs them, each as the rectangle in which it differs from the one
before; here they are strung together as the WebP container specification says (RIFF chunks VP8X,
ANIM and ANMF). No other program is needed.
"""

import struct
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

STAGE = Path(__file__).with_name("stage.js")


@dataclass
class Frame:
    """A rectangle of the picture that is other from here on, for so many milliseconds."""

    left: int
    top: int
    width: int
    height: int
    webp: str
    ms: int = 0


class Animation:
    """Takes pictures of pages of one size, side by side; a pointer is drawn into the first."""

    def __init__(self, stage: Page, pages: dict[str, Page]) -> None:
        self._stage = stage
        self._pages = pages
        self._frames: list[Frame] = []
        self.pointer = (0.0, 0.0)

    async def begin(self) -> None:
        size = next(iter(self._pages.values())).viewport_size
        assert size is not None
        await self._stage.add_script_tag(path=STAGE)
        await self._stage.evaluate("(form) => begin(form)", {**size, "titles": [*self._pages]})

    async def show(self, ms: int, *, is_pressed: bool = False) -> None:
        """Show the pages as they are now for `ms` milliseconds."""
        taken = [await page.screenshot(animations="disabled") for page in self._pages.values()]
        form = {
            "pages": [b64encode(png).decode() for png in taken],
            "pointer": self.pointer,
            "isPressed": is_pressed,
        }
        drawn = await self._stage.evaluate("(form) => draw(form)", form)
        if drawn is not None:
            self._frames.append(Frame(**drawn))
        self._frames[-1].ms += ms

    async def finish(self) -> bytes:
        """The animation as a file, after Chromium has shown it."""
        made = self._made()
        await self._stage.evaluate("(webp) => shown(webp)", b64encode(made).decode())
        return made

    def _made(self) -> bytes:
        whole = self._frames[0]
        canvas = _three(whole.width - 1) + _three(whole.height - 1)
        chunks = [
            _chunk(b"VP8X", bytes([0b10, 0, 0, 0]) + canvas),
            _chunk(b"ANIM", bytes(4) + struct.pack("<H", 0)),  # without end
            *map(_animation_frame, self._frames),
        ]
        return _chunk(b"RIFF", b"WEBP" + b"".join(chunks))


def _animation_frame(frame: Frame) -> bytes:
    image = _picture(b64decode(frame.webp))
    place = _three(frame.left // 2) + _three(frame.top // 2)
    size = _three(frame.width - 1) + _three(frame.height - 1)
    kept_before = bytes([0b10])  # drawn over what is there, not blended with it
    return _chunk(b"ANMF", place + size + _three(frame.ms) + kept_before + image)


def _picture(still: bytes) -> bytes:
    """The picture in a still WebP, without what stands around it: its header and color profile."""
    at, kept = len(b"RIFF....WEBP"), b""
    while at < len(still):
        name, size = struct.unpack_from("<4sI", still, at)
        end = at + 8 + size + size % 2
        if name in {b"VP8L", b"VP8 ", b"ALPH"}:
            kept += still[at:end]
        at = end
    return kept


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
