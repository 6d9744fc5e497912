"""What a machine may lack, by name: a test asks, and is skipped aloud, or fails where ``CI=true``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from tests.tools import binaries

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


def shared(*parts: str) -> Path:
    """Give a path of the shared material beside the checkout; without it the test cannot run here."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        missing(f"{'/'.join(parts)} is not beside the checkout (../shared)")
    return path


def binary(name: str) -> Path:
    """Give a binary that ``make tools`` builds; without it the test cannot run here."""
    try:
        return binaries.find(name).path
    except binaries.NotHereError as error:
        return missing(f"{error}")


def missing(what: str) -> NoReturn:
    """Leave a test out aloud, or fail it where nothing may be left out."""
    message = f"NOT TESTED HERE: {what}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def is_long() -> bool:
    """Say whether the larger counts are wanted (``make test-long``)."""
    return os.environ.get("C2C_LONG") == "1"
