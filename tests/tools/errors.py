"""What the tools of the tests raise."""

from __future__ import annotations


class NotHereError(Exception):
    """A binary is not here and cannot be made; the text says what is missing and what brings it."""
