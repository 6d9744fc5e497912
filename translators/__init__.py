"""Translate Calico policies to Cilium policies, and prove that they mean the same: a library of pure functions.

``translate``, ``verify`` and ``explain`` take iterables of plain Kubernetes objects (or documents with positions)
and give frozen values; everything else is private to the package. No network, clock, thread or file is touched.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from translators.question import Explanation, explain
    from translators.settings import CiliumConfig, Limits, Options
    from translators.translation import Translation, translate
    from translators.verification import Verification, verify
    from translators.world import AddressPlan

__all__ = [
    "AddressPlan",
    "CiliumConfig",
    "Explanation",
    "Limits",
    "Options",
    "Translation",
    "Verification",
    "explain",
    "translate",
    "verify",
]

_HOMES = {
    "question": ("Explanation", "explain"),
    "settings": ("CiliumConfig", "Limits", "Options"),
    "translation": ("Translation", "translate"),
    "verification": ("Verification", "verify"),
    "world": ("AddressPlan",),
}


def __getattr__(name: str) -> object:
    """Load a public name when it is asked for: who translates does not wait for what only verifies."""
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{home}"), name)
