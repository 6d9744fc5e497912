"""Moments of a snapshot: RFC 3339 texts as times, and the seconds between two of them."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["moment", "seconds_between"]


def moment(text: str) -> datetime | None:
    """Read an RFC 3339 time; one without a zone is UTC; None where there is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def seconds_between(start: str, end: str) -> float | None:
    """Give the seconds from one time to another; None where either is no time."""
    first, last = moment(start), moment(end)
    return (last - first).total_seconds() if first is not None and last is not None else None
