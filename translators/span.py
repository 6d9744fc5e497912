"""Where something stands in the input: one value, used by every diagnostic and every trace."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["NOWHERE", "Span"]


class Span(NamedTuple):
    """A place in a file; ``line`` and ``column`` count from 1, 0 means "the file as a whole"."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Give ``file:line:column`` as editors and compilers print it."""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Span("<none>")
