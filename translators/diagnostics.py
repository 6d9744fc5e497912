"""Diagnostics: a code with its place, its sentence and its remedy; never an exception, never a print.

The registry ``CODES`` is the whole vocabulary; a code that is not in it cannot be raised. Severity follows
from the class of the code, as ``reports.md`` §1 says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from translators.codes import ROWS
from translators.span import NOWHERE, Span

__all__ = ["CODES", "CodeInfo", "Diagnostic", "Severity", "diagnostic"]

_FILL = re.compile(r"\{(\w+)\}")
MAX_FILL = 256


class Severity(StrEnum):
    """How grave a finding is, gravest first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class CodeInfo:
    """One row of the registry; ``cls`` is the class as specified: refuse, stop, warn, info, or a grade."""

    code: str
    title: str
    cls: str
    text: str
    remedy: str

    @property
    def refuses(self) -> bool:
        """Say whether the object or its subjects get no output: class refuse or stop."""
        return self.cls in {"refuse", "stop"}

    @property
    def severity(self) -> Severity:
        """Give the severity that the class implies where no flow is known to open."""
        if self.refuses:
            return Severity.ERROR
        first = re.split(r"[ ;]", self.cls)[0]
        if first in {"S1", "info", "S0"}:
            return Severity.NOTE
        return Severity.WARNING


CODES: Mapping[str, CodeInfo] = {row[0]: CodeInfo(*row) for row in ROWS}


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: ``object`` names what it is about (``NetworkPolicy shop/web``), ``path`` the field."""

    code: str
    span: Span
    message: str
    remedy: str
    severity: Severity
    object: str = ""
    path: str = ""

    @property
    def refuses(self) -> bool:
        """Say whether its code refuses or stops the object."""
        return CODES[self.code].refuses


def diagnostic(
    code: str, span: Span | None, *, about: str = "", path: str = "", **fills: object
) -> Diagnostic:
    """Give the diagnostic with ``{name}`` filled in; raises ``KeyError`` for an unknown code.

    A value longer than 256 characters is cut; a name that is not given is printed as an ellipsis.
    """
    info = CODES[code]
    fills.setdefault("path", path)

    def fill(match: re.Match[str]) -> str:
        text = str(fills.get(match[1], "…"))
        return text if len(text) <= MAX_FILL else text[: MAX_FILL - 1] + "…"

    return Diagnostic(
        code,
        span or NOWHERE,
        _FILL.sub(fill, info.text),
        _FILL.sub(fill, info.remedy),
        info.severity,
        about,
        path,
    )
