"""Moments of a snapshot, as rules ask for them; the reading of times is ``migrate.model.calendar``'s."""

from __future__ import annotations

from migrate.model.calendar import moment, seconds_between

__all__ = ["moment", "seconds_between"]
