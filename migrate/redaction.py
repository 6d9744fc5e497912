"""Takes secrets out of what leaves the process: logs, snapshots, bundles, messages of errors (``cli.md`` §11).

One function, by key and by shape; what it does not know it leaves, so whoever writes something new plants a canary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["HIDDEN", "redacted", "redacted_text"]

HIDDEN = "<redacted>"
KEYS = re.compile(r"(?i)(^|[_.-])(pass(word|wd)?|secret|token|authorization|bearer|private[_-]?key|api[_-]?key|psk|"
                  r"credential[s]?|client[_-]?(key|certificate)[_-]?data)$")  # fmt: skip
SHAPES = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?i)(authorization:\s*(?:bearer|basic)\s+)\S+"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/-]{12,}=*"),
    re.compile(r"(https?://[^/\s:@]+:)[^@\s/]+(?=@)"),
)


def redacted_text(text: str) -> str:
    """Give a text without private keys, bearer tokens, JSON web tokens and passwords of URLs."""
    for shape in SHAPES:
        text = shape.sub(
            lambda m: (m[1] if m.lastindex and not m[0].startswith("-----") else "") + HIDDEN, text
        )
    return text


def redacted(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Give a value without what its keys or shapes say is secret; the data of Secrets goes as a whole."""
    if isinstance(value, Mapping):
        secret = value.get("kind") == "Secret"
        return {
            k: HIDDEN if isinstance(k, str) and _is_secret(k, v, of_secret=secret) else redacted(v)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return redacted_text(value) if isinstance(value, str) else value


def _is_secret(key: str, value: object, *, of_secret: bool) -> bool:
    if of_secret and key in {"data", "stringData"}:
        return True
    return bool(KEYS.search(key)) and isinstance(value, str | bytes | int) and not isinstance(value, bool)
