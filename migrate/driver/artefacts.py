"""Evidence as files of the run: JSON that is written with its sum and read again."""

from __future__ import annotations

import json
from typing import Any

from migrate.driver.deeds import Workshop
from migrate.model.plan import canonical

__all__ = ["artefact", "read_json"]


def artefact(work: Workshop, name: str, data: object) -> str:
    """Write JSON evidence and give its SHA-256."""
    return work.ports.store.write(name, canonical(data) + b"\n")


def read_json(work: Workshop, name: str) -> Any:  # noqa: ANN401  # whatever was written
    """Give what was written under a name; None where nothing was."""
    content = work.ports.store.read(name)
    return None if content is None else json.loads(content)
