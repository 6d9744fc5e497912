"""Since when something is so: what may be over in a moment is looked at again before it is told."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Lasting"]


@dataclass(slots=True)
class Lasting:
    """Remembers between looks; ``again`` is when to look again, never where all is well.

    What is not seen in one look begins anew; what was told begins anew too, so that it is told again while it lasts.
    """

    again: float = float("inf")
    _now: float = 0.0
    _since: dict[str, float] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def begin(self, now: float) -> None:
        """Begin a look."""
        self._now, self._seen, self.again = now, set(), float("inf")

    def lasts(self, what: str, limit_s: float) -> bool:
        """Say whether this is so for that long, over every look in between."""
        since = self._since.setdefault(what, self._now)
        self._seen.add(what)
        if self._now - since >= limit_s:
            self._since[what] = self._now
            return True
        self.again = min(self.again, since + limit_s)
        return False

    def end(self) -> None:
        """End a look: what was not seen in it is over."""
        self._since = {what: since for what, since in self._since.items() if what in self._seen}
