"""Read a snapshot: a folder or archive that ``c2c snapshot`` wrote, or any folder of files that kubectl wrote.

Objects go straight from the file into the model, which keeps of each what somebody asks for; no file is held, and none
is unpacked. A header (``snapshot.json``, or ``manifest.json`` of the other layout, ``state.md`` §12) says what was read;
without one, a kind of which no object is there has none. What cannot be read makes its kind *unavailable* and is named.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from migrate.adapters.files import Opened, contents
from migrate.adapters.objects import Problem, read_objects
from migrate.errors import Failure
from migrate.model.facts import NodeFacts
from migrate.model.fields import items, mapping, number, text, truth
from migrate.model.kinds import RESOURCES
from migrate.model.resources import resource_of
from migrate.model.snapshot import Answers, Identity, Read, ReadState, Snapshot, SnapshotBuilder

__all__ = ["DISCARDED", "HEADERS", "LoadedSnapshot", "read_snapshot", "server_version"]

HEADERS = frozenset({"snapshot.json", "manifest.json"})
DISCARDED = frozenset({"Event", "Endpoints", "ControllerRevision", "PodMetrics", "NodeMetrics"})
"""Kinds that a dump of a cluster is full of and that nobody asks for."""


@dataclass(frozen=True, slots=True)
class LoadedSnapshot:
    """A snapshot, and what of its files could not be read."""

    snapshot: Snapshot
    problems: tuple[Problem, ...] = ()


def read_snapshot(path: str) -> LoadedSnapshot:
    """Read a snapshot; raises ``Failure`` where the path or the archive itself cannot be read."""
    reader = _Reader()
    try:
        for name, opened in contents(path):
            reader.take_file(name, opened)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Failure(
            f"{path} is damaged: {error}",
            why="an archive is read to its end or not at all",
            fix="copy it again",
        ) from error
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror or error}", fix="check the path") from error
    return reader.loaded()


@dataclass(slots=True)
class _Reader:
    """Gathers what the files of one snapshot hold."""

    builder: SnapshotBuilder = field(default_factory=SnapshotBuilder)
    damaged: dict[str, str] = field(default_factory=dict)
    obscure: bool = False
    header: Mapping[str, Any] | None = None
    version: str = ""
    facts: dict[str, NodeFacts] = field(default_factory=dict)
    answers: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    flows: list[Mapping[str, Any]] | None = None
    baseline: Mapping[str, Any] | None = None
    problems: list[Problem] = field(default_factory=list)

    def take_file(self, name: str, opened: Opened) -> None:
        """Read one file; its name and folder say what lies in it besides objects."""
        place = PurePosixPath(name.partition("!")[2] or name)
        seen: set[str] = set()
        found = read_objects(name, opened, self._taker(place, seen))
        if not found:
            return
        self.problems += found
        told = place.stem if place.stem in RESOURCES else ""
        self.obscure = self.obscure or not told
        for resource in seen | ({told} if told else set()):
            self.damaged[resource] = found[0].what

    def _taker(self, place: PurePosixPath, seen: set[str]) -> Callable[[Mapping[str, Any]], None]:
        match (place.parent.name, place.name):
            case (_, name) if name in HEADERS:
                return lambda data: self._take_header(data, place, seen)
            case (_, "flows.jsonl"):
                self.flows = self.flows or []
                return self.flows.append
            case (_, "baseline.json"):
                return self._take_baseline
            case ("answers", _):
                return self.answers.setdefault(place.stem, []).append
            case ("nodes", _):
                return lambda data: self._take_facts(data, place.stem, seen)
        return lambda data: self._take_object(data, str(place), seen)

    def _take_header(self, data: Mapping[str, Any], place: PurePosixPath, seen: set[str]) -> None:
        if data.get("kind") == "Snapshot":
            self.header = data
        else:
            self._take_object(data, str(place), seen)

    def _take_baseline(self, data: Mapping[str, Any]) -> None:
        self.baseline = data

    def _take_facts(self, data: Mapping[str, Any], node: str, seen: set[str]) -> None:
        """Tell what a collector saw from a Node, which other tools keep in folders of this name."""
        if "kind" in data and "apiVersion" in data:
            self._take_object(data, f"nodes/{node}", seen)
        else:
            self.facts[node] = NodeFacts(node, data)

    def _take_object(self, data: Mapping[str, Any], place: str, seen: set[str]) -> None:
        kind = text(data, "kind")
        if not kind:
            self.version = server_version(data) or self.version
        if not kind or kind in DISCARDED:
            return
        resource = resource_of(text(data, "apiVersion"), kind)
        seen.add(resource)
        try:
            self.builder.add(_reduced(data))
        except (TypeError, ValueError, AttributeError) as error:
            name = text(data, "metadata", "name")
            self.problems.append(Problem(place, 0, f"{kind} {name} makes no sense: {error}"))
            self.damaged[resource] = f"{kind} {name} makes no sense"

    def loaded(self) -> LoadedSnapshot:
        """Give the snapshot."""
        header = self.header or {}
        reads, counts = dict(_reads(header)), self.builder.counts
        if self.problems:
            reads = {**{r: Read(ReadState.READ, count) for r, count in counts.items()}, **reads}
        for resource, why in self.damaged.items():
            reads[resource] = Read(ReadState.UNAVAILABLE, counts.get(resource, 0), reason=why)
        told = mapping(header, "cluster")
        identity = Identity(
            text(told, "uid") or self.builder.uid, text(told, "context") or text(told, "name"),
            text(told, "server"), text(told, "version") or self.version,
        )  # fmt: skip
        snapshot = self.builder.snapshot(
            identity=identity,
            reads=reads,
            facts=[fact for _, fact in sorted(self.facts.items())],
            answers=_answers(self.answers),
            observed=(self.flows, self.baseline),
            taken=text(header, "taken"),
            complete=truth(header, "complete") if self.header is not None else not self.obscure,
        )
        return LoadedSnapshot(snapshot, tuple(self.problems))


def server_version(data: Mapping[str, Any]) -> str:
    """Give the API server's version where a file is what ``kubectl version -o json`` prints; else nothing."""
    return text(data, "serverVersion", "gitVersion")


def _reduced(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let go of what is large or secret and never asked for: it must not live as long as the snapshot."""
    kind, metadata = text(data, "kind"), mapping(data, "metadata")
    notes = mapping(metadata, "annotations")
    dropped = {"kubectl.kubernetes.io/last-applied-configuration"} & set(notes)
    if notes.get("meta.helm.sh/release-name") != "cilium" and "managedFields" in metadata:
        metadata = {k: v for k, v in metadata.items() if k != "managedFields"}
    if dropped:
        metadata = {**metadata, "annotations": {k: v for k, v in notes.items() if k not in dropped}}
    found = {**data, "metadata": metadata} if metadata else dict(data)
    match kind:
        case "Secret":
            return {k: v for k, v in found.items() if k not in {"data", "stringData"}}
        case "CustomResourceDefinition":
            versions = [
                {k: v for k, v in mapping({"v": v}, "v").items() if k != "schema"}
                for v in items(data, "spec", "versions")
            ]
            return {**found, "spec": {**mapping(data, "spec"), "versions": versions}}
    return found


def _reads(header: Mapping[str, Any]) -> Iterator[tuple[str, Read]]:
    """Give what a header says of each resource: its state, or by the words of ``snapshot.json`` an error."""
    for resource, said in (mapping(header, "kinds") or mapping(header, "resources")).items():
        if not isinstance(said, Mapping):
            continue
        reason = text(said, "error") or text(said, "reason")
        known = {state.value for state in ReadState}
        state = text(said, "state") or text(said, "read")
        if state not in known:
            state = ReadState.READ if not reason else _failed(reason)
        yield resource, Read(ReadState(state), number(said, "count"), text(said, "resourceVersion"), reason)


def _failed(reason: str) -> ReadState:
    return ReadState.FORBIDDEN if "forbidden" in reason.lower() else ReadState.UNAVAILABLE


def _answers(found: Mapping[str, list[Mapping[str, Any]]]) -> Answers:
    """Give what only a live server could say; None for what nobody asked."""

    def pairs(name: str, key: str) -> Mapping[str, tuple[int, str]] | None:
        if name not in found:
            return None
        return {text(a, key): (number(a, "status"), text(a, "message")) for a in found[name]}

    access = {
        (text(a, "verb"), text(a, "resource"), text(a, "namespace")): truth(a, "allowed")
        for a in found.get("access", ())
    }
    return Answers(
        access=access if "access" in found else None,
        evictions=pairs("evictions", "pod"),
        creations=pairs("creations", "object"),
        release=found["release"][0] if found.get("release") else ({} if "release" in found else None),
        controller=found["controller"][0] if found.get("controller") else None,
        health={text(a, "check"): truth(a, "ok") for a in found["health"]} if "health" in found else None,
    )
