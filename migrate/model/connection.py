"""How a user says that a cluster is reached, as kubectl's options say it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Connection"]

DEFAULT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Connection:
    """Empty fields are what kubectl takes by itself: the kubeconfig that counts, its current context, its user."""

    kubeconfig: str = ""
    context: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
    timeout_s: float = DEFAULT_TIMEOUT_S
