"""The structured log: JSON lines to a file, words to the terminal with ``-v``; losing it loses nothing.

Configured on first use by verbs that run; event names are ``noun.verb``, keys are ``run wave node step code``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import structlog

from migrate.model.run import Run
from migrate.redaction import redacted

__all__ = ["LogReporter", "configure"]


def _hide(logger: Any, name: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:  # noqa: ANN401  # structlog's shape
    del logger, name
    found: Mapping[str, Any] = redacted(event)
    return found


def configure(path: str | None, *, verbose: bool = False) -> structlog.typing.FilteringBoundLogger:
    """Give the logger: to a file where one is named, to stderr with ``verbose``, else nowhere."""
    stream: TextIO | None = None
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        stream = Path(path).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115  # open as long as the process
    elif verbose:
        stream = sys.stderr
    last: Any = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if path
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _hide,
            last,
        ],
        logger_factory=structlog.WriteLoggerFactory(stream)
        if stream is not None
        else structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


class LogReporter:
    """Writes every record of a journal into the log."""

    def __init__(self, logger: structlog.typing.FilteringBoundLogger) -> None:
        self._logger = logger

    def event(self, record: Mapping[str, Any]) -> None:
        """Log one record under its kind."""
        known = {
            k: record[k] for k in ("run", "node", "phase", "text", "rows", "key", "seq") if record.get(k)
        }
        event = record.get("event") or {}
        told = {k: event[k] for k in ("gate", "outcome", "failure", "by", "text") if event.get(k)}
        self._logger.info("record.written", kind=record["kind"], **{**told, **known})

    def beat(self, run: Run, waits: Sequence[tuple[str, float]]) -> None:
        """Waiting is not logged."""
