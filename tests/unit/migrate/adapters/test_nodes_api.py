"""The configuration that an agent runs with, read by the very script that is run in its pod."""

from __future__ import annotations

import subprocess
from pathlib import Path

from migrate.adapters.nodes_api import CONFIG, READ_ALL, _files_of

KEYS = {
    "custom-cni-conf": "true",
    "enable-policy": "",
    "cluster-pool-ipv4-cidr": "10.245.0.0/16 10.246.0.0/16",
    "hubble-metrics": "dns:labelsContext=a,b\ndrop\n\ntcp",
    "fd00": "fd00::/104",
}


def read(folder: Path) -> dict[str, str]:
    script = READ_ALL.replace(CONFIG, str(folder))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return _files_of(done.stdout)


def test_every_key_is_read_as_it_was_written(tmp_path: Path) -> None:
    for ending in ("", "\n"):
        for key, value in KEYS.items():
            (tmp_path / key).write_text(value + (ending if value else ""), encoding="utf-8")
        assert read(tmp_path) == KEYS


def test_an_only_key_has_its_name_and_an_empty_one_is_there(tmp_path: Path) -> None:
    (tmp_path / "only").write_text("", encoding="utf-8")
    assert read(tmp_path) == {"only": ""}
    (tmp_path / "only").write_text("a:b", encoding="utf-8")
    assert read(tmp_path) == {"only": "a:b"}
