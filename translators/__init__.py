"""Translate Calico policies to Cilium policies, and prove that they mean the same: a library of pure functions.

``translate``, ``verify`` and ``explain`` take iterables of plain Kubernetes objects (or documents with positions)
and give frozen values; everything else is private to the package. No network, clock, thread or file is touched.
"""

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
