"""The real engine, started once for all tests that ask for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import capabilities
from tests.oracles.engine import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Give Cilium's policy engine; skipped aloud where it is not built."""
    with Engine(capabilities.binary("cilium-engine")) as running:
        yield running
