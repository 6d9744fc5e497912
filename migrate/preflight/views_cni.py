"""Questions about the files of CNIs on nodes, and about which pods lean on their plugins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from migrate.model.facts import NodeFacts
from migrate.model.fields import items, maps, text
from migrate.model.installs import CONF_FILES
from migrate.model.pods import Pod
from migrate.preflight.rule import Case

__all__ = ["CILIUM_FILE", "conf_files", "is_calicos", "plugins", "with_host_ports"]

CILIUM_FILE = "05-cilium.conflist"
SUFFIXES = (".conf", ".conflist", ".json")


def conf_files(facts: NodeFacts) -> Iterator[Mapping[str, Any]]:
    """Give the files that the runtime would load, sorted as it does (by bytes)."""
    files = [f for f in maps(facts.data, "cni", "files") if text(f, "name").endswith(SUFFIXES)]
    return iter(sorted(files, key=lambda f: text(f, "name").encode()))


def plugins(file: Mapping[str, Any]) -> list[str]:
    """Give the plugins of a file, in the order of the chain."""
    return [str(p) for p in items(file, "plugins")]


def is_calicos(file: Mapping[str, Any]) -> bool:
    """Say whether a file is Calico's: by its name, or by the plugin that its chain begins with."""
    return text(file, "name") in CONF_FILES or plugins(file)[:1] == ["calico"]


def with_host_ports(case: Case) -> list[Pod]:
    """Give the pods whose ports somebody must map on the node; a hostNetwork pod listens there itself."""
    return [p for p in case.snapshot.pods if p.host_ports and not p.host_network and not p.finished]
