"""A snapshot of 100,000 pods is read without being held twice, whatever form it has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PODS = 100_000
MOST_MB = 400
PROGRAM = """
import resource, sys
from migrate.adapters.files import load
loaded = load([sys.argv[1]])
print(len(loaded.documents), len(loaded.diagnostics), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def pods() -> Iterator[str]:
    for i in range(PODS):
        yield json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"p-{i}", "namespace": f"ns-{i % 50}", "labels": {"app": f"a{i % 300}", "tier": "x"},
                             "annotations": {"long": "b" * 200}},
                "spec": {"nodeName": f"n{i % 100}", "containers": [{"name": "c", "env": [{"name": "A", "value": "b" * 100}]}]},
                "status": {"phase": "Running", "podIPs": [{"ip": f"10.{100 + i // 65536}.{i // 256 % 256}.{i % 256}"}]},
            }
        )  # fmt: skip


@pytest.mark.parametrize("form", ["list", "lines"])
def test_a_large_snapshot_is_read_item_by_item(form: str, tmp_path: Path) -> None:
    path = tmp_path / ("pods.json" if form == "list" else "objects/core/pods.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        if form == "list":
            stream.write('{"apiVersion": "v1", "kind": "PodList", "items": [\n')
        for number, text in enumerate(pods()):
            stream.write(
                (",\n" if form == "list" and number else "") + text + ("\n" if form == "lines" else "")
            )
        if form == "list":
            stream.write("\n]}\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True
    )
    documents, findings, megabytes = map(int, done.stdout.split())
    assert (documents, findings) == (PODS, 0)
    assert megabytes < MOST_MB, f"{megabytes} MB for {path.stat().st_size // 2**20} MB of JSON"
