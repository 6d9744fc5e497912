"""What a machine may lack, by name: a test asks, and is skipped aloud, or fails where ``CI=true``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


def shared(*parts: str) -> Path:
    """Give a path of the shared material beside the checkout; without it the test cannot run here."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        message = f"NOT TESTED HERE: {'/'.join(parts)} is not beside the checkout (../shared)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def is_long() -> bool:
    """Say whether the larger counts are wanted (``make test-long``)."""
    return os.environ.get("C2C_LONG") == "1"
