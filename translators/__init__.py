"""Translate Calico policies to Cilium policies, and prove that they mean the same: a library of pure functions.

``translate`` and ``verify`` take iterables of plain Kubernetes objects (or documents with positions) and give files to
apply and a report; everything else is private to the package. No network, clock, thread or file is touched.
"""

from translators.settings import CiliumConfig, Limits, Options
from translators.translation import Translation, translate
from translators.verification import Verification, verify

__all__ = [
    "CiliumConfig",
    "Limits",
    "Options",
    "Translation",
    "Verification",
    "translate",
    "verify",
]
