"""One message between a front end and the worker: a JSON-RPC 2.0 object, and bytes beside it.

A message is one ASCII line, `relamp <n> <m>`, then n bytes of UTF-8 JSON (a JSON-RPC 2.0 request, response or notification)
and m bytes of attachment. What is no message is refused and skipped up to the next line that begins one, so that neither side can
be stopped by noise. Standard library only: this module runs inside other people's Pythons.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, BinaryIO

from .. import plain_json

PROTOCOL = 1
_MAGIC = b"relamp"
_LONGEST_LINE = 64  # bytes
_LARGEST_JSON = 1 << 26
_LARGEST_ATTACHMENT = 1 << 31


class BadMessageError(Exception):
    """Bytes that are no message. They are read past; the next message can be read."""


@dataclass(frozen=True)
class Message:
    """One JSON-RPC object and its attachment."""

    body: dict[str, Any]
    attachment: bytes = b""


def write_message(stream: BinaryIO, body: dict[str, Any], attachment: bytes = b"") -> None:
    """Write one message, whole, and flush. Raises `OSError` when the other side is gone."""
    text = json.dumps({"jsonrpc": "2.0", **body}, separators=(",", ":")).encode()
    stream.write(b"%s %d %d\n%s" % (_MAGIC, len(text), len(attachment), text))
    if attachment:
        stream.write(attachment)
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """Read one message; None at the end of the stream. Raises `BadMessageError`."""
    line = stream.readline(_LONGEST_LINE)
    if not line:
        return None
    lengths = _lengths(line)
    if lengths is None:
        raise BadMessageError(f"expected a line 'relamp <n> <m>'; got {line!r}")
    try:
        text, attachment = stream.read(lengths[0]), stream.read(lengths[1])
    except MemoryError:
        raise BadMessageError(f"a message of {sum(lengths)} bytes does not fit into the memory") from None
    if len(text) < lengths[0] or len(attachment) < lengths[1]:
        return None
    try:
        body = plain_json.loads(text)
    except ValueError as error:
        raise BadMessageError(f"the message is not JSON ({error})") from None
    if not isinstance(body, dict):
        raise BadMessageError(f"a message is a JSON object; got {type(body).__name__}")
    return Message(body, attachment)


def _lengths(line: bytes) -> tuple[int, int] | None:
    words = line.split(b" ")
    if len(words) != 3 or words[0] != _MAGIC or not line.endswith(b"\n"):
        return None
    numbers = [word.strip() for word in words[1:]]
    if not all(number.isdigit() for number in numbers):
        return None
    json_bytes, attachment_bytes = (int(number) for number in numbers)
    return (json_bytes, attachment_bytes) if _fits(json_bytes, attachment_bytes) else None


def _fits(json_bytes: int, attachment_bytes: int) -> bool:
    return json_bytes <= _LARGEST_JSON and attachment_bytes <= _LARGEST_ATTACHMENT
