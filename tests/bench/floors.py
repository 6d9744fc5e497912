"""What the fastest thing that could work would cost: run as ``python -m tests.bench.floors NAME PATH…``.

``yaml-c-loader`` composes every YAML document and decodes every JSON list, and does nothing with them;
``flows-decoded`` decodes every line and throws it away.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def yaml_c_loader(paths: list[str]) -> int:
    """Read policies and a snapshot with the C loaders alone."""
    import yaml  # noqa: PLC0415  # the other floor does not pay for it

    count = 0
    for path in paths:
        files = sorted(Path(path).rglob("*.json")) if Path(path).is_dir() else [Path(path)]
        for file in files:
            data = file.read_bytes()
            if file.suffix == ".json":
                count += len(json.loads(data).get("items", ()))
            else:
                count += sum(1 for _ in yaml.compose_all(data, Loader=yaml.CSafeLoader))
    return count


def flows_decoded(paths: list[str]) -> int:
    """Read flows and do nothing with them."""
    with Path(paths[-1]).open(encoding="utf-8") as stream:
        return sum(1 for line in stream if json.loads(line))


FLOORS = {"yaml-c-loader": yaml_c_loader, "flows-decoded": flows_decoded}

if __name__ == "__main__":
    FLOORS[sys.argv[1]](sys.argv[2:])
