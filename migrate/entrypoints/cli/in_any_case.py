"""JUnit files of verbs that drive a run are there in any case: also where the verb fails, crashes or is killed.

A file that says that the run came to no end is written first; the verb's own replaces it at the end. A pipeline that
collects it is red then, where it would else show nothing or, worse, the file of an earlier run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

from migrate.adapters.files import write_text
from migrate.entrypoints.cli.output import files_of
from migrate.errors import Failure
from migrate.render.junit import ERROR, Case, suite

__all__ = ["junit_in_any_case"]

NO_END = "the process ended before it could say how: c2c status"


def junit_in_any_case[F: Callable[..., int]](verb: F) -> F:
    """Give a verb that leaves its JUnit files whatever happens; what it hands over to another process has none."""

    @wraps(verb)
    def kept(*args: Any, **said: Any) -> int:  # noqa: ANN401  # options
        files, first = files_of(said["outputs"], "junit"), _unfinished(NO_END)
        _write(files, first)
        try:
            code = verb(*args, **said)
        except BaseException as error:
            _write(_still(files, first), _unfinished(_words(error)))
            raise
        for path in _still(files, first):
            Path(path).unlink()
        return code

    return kept  # type: ignore[return-value]  # the same signature


def _unfinished(why: str) -> str:
    return suite("c2c", [Case("run", "run", ERROR, why)], {})


def _words(error: BaseException) -> str:
    if isinstance(error, Failure):
        return "\n".join(part for part in (error.what, error.why, error.fix) if part)
    return f"internal error: {type(error).__name__}" if isinstance(error, Exception) else "interrupted"


def _write(files: Iterable[str], text: str) -> None:
    for path in files:
        write_text(path, text)


def _still(files: Iterable[str], first: str) -> list[str]:
    """Give the files that hold what was written first: nobody has written since."""
    return [f for f in files if Path(f).is_file() and Path(f).read_text(encoding="utf-8") == first]
