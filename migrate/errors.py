"""The one error that a face shows: what happened, why, what to do, and the exit code that goes with it."""

from __future__ import annotations

from migrate.exitcodes import ExitCode

__all__ = ["Failure"]


class Failure(Exception):  # what a user sees is a failure, not an "error"
    """Raised where it is known, rendered in one place, never with a traceback."""

    def __init__(self, what: str, *, why: str = "", fix: str = "", code: ExitCode = ExitCode.USAGE) -> None:
        """Keep the parts; ``what`` is one sentence in the present tense."""
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix
        self.code = code
