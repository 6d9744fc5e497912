"""Commands of the user's that go before evictions: which pods each is for, and how it is written down.

A hook is run at least once for each drain of a node on which it names a pod; a process that resumes runs it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.model.fields import items, text
from migrate.model.pods import Pod

__all__ = ["Hook", "hook_of", "numbers"]


@dataclass(frozen=True, slots=True)
class Hook:
    """A command before the eviction of pods of one namespace; ``command`` is a program and its arguments, no shell's.

    ``selector`` holds equalities alone, all of which must hold: ``app=db,role!=replica,leader``.
    """

    namespace: str
    selector: str
    command: tuple[str, ...]

    def names(self, pod: Pod) -> bool:
        """Say whether the hook is for this pod; one without a namespace or a selector is for none."""
        if not self.selector or pod.namespace != self.namespace:
            return False
        return all(_equal(part, pod.labels) for part in self.selector.split(","))


def hook_of(data: Mapping[str, Any]) -> Hook:
    """Read a hook from a checked configuration."""
    return Hook(text(data, "namespace"), text(data, "selector"), tuple(map(str, items(data, "command"))))


def numbers(hooks: Sequence[Hook], pods: Iterable[Pod]) -> list[int]:
    """Give the hooks that are for one of these pods, by their place in the configuration, from 1 on."""
    there = list(pods)
    return [n for n, hook in enumerate(hooks, 1) if any(hook.names(pod) for pod in there)]


def _equal(part: str, labels: Mapping[str, str]) -> bool:
    key, negated, value = part.partition("!=")
    if negated:
        return labels.get(key.strip()) != value.strip()
    key, equals, value = part.replace("==", "=").partition("=")
    return labels.get(key.strip()) == value.strip() if equals else key.strip() in labels
