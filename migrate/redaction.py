"""Takes secrets out of what leaves the process: logs, snapshots, bundles, messages of errors (``cli.md`` §11).

One function, by key and by shape; what it does not know it leaves, so whoever writes something new plants a canary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["HIDDEN", "names_a_secret", "pairs_a_secret", "redacted", "redacted_text"]

HIDDEN = "<redacted>"
_KEYS = re.compile(
    r"(?:^|[./_-])(?:pass(?:word|wd|phrase)?|pwd|secret|token|auth(?:orization)?|bearer|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|client[_-]?key|client[_-]?(?:key|certificate)[_-]?data|psk|credential|kubeconfig)s?\Z",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SHAPES = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?i)(?P<kept>authorization:\s*(?:bearer|basic)\s+)\S+"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"),
    re.compile(r"(?i)\b(?P<kept>(?:bearer|basic)\s+)[A-Za-z0-9._~+/-]{12,}=*"),
    re.compile(r"(?P<kept>://[^/\s:@]+:)[^@\s/]+(?=@)"),
    re.compile(
        r"(?i)(?<![A-Za-z])(?P<kept>(?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|private[_-]?key"
        r"|client-key-data|psk|pwd?)[\"']?\s*[=:]\s*[\"']?)(?![\s\"'{\[<])[^\s\"',}]+"
    ),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}"),
)
"""How secrets look in a text; what a shape calls ``kept`` stays before what is hidden."""


def redacted_text(text: str) -> str:
    """Give a text without keys, tokens and passwords of known shapes; a text without one is given back as it is."""
    for shape in _SHAPES:
        text = shape.sub(lambda m: (m.groupdict().get("kept") or "") + HIDDEN, text)
    return text


def names_a_secret(key: str) -> bool:
    """Say whether what stands under a key is a secret by the key's name: ``password``, ``clientSecret``, ``API_KEY``."""
    return bool(_KEYS.search(_CAMEL.sub("_", key)))


def pairs_a_secret(data: Mapping[Any, Any]) -> bool:
    """Say whether a map is a name and a value, as of a header or a variable, and the name is a secret's."""
    return "value" in data and any(names_a_secret(str(data.get(k, ""))) for k in ("name", "key", "header"))


def redacted(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Give a value without what its keys or shapes say is secret; the data of Secrets goes as a whole."""
    if isinstance(value, Mapping):
        secret, pair = value.get("kind") == "Secret", pairs_a_secret(value)
        return {
            k: HIDDEN
            if isinstance(k, str) and ((pair and k == "value") or _is_secret(k, v, of_secret=secret))
            else redacted(v)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return redacted_text(value) if isinstance(value, str) else value


def _is_secret(key: str, value: object, *, of_secret: bool) -> bool:
    if of_secret and key in {"data", "stringData"}:
        return True
    return names_a_secret(key) and isinstance(value, str | bytes | int) and not isinstance(value, bool)
