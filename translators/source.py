"""Bytes in, documents with positions out: YAML and JSON as a cluster reads them, nothing guessed.

Reading never raises for any input: what is wrong is a diagnostic. Of a pod only what policies can ask is kept, and
JSON is read item by item, so that a snapshot of any size is never held as a whole.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from translators.diagnostics import Diagnostic
from translators.json_reading import Envelope, Item, values
from translators.span import Span
from translators.yaml_reading import (
    MAX_DEPTH,
    child,
    composed,
    documents,
    is_plain,
    template_in,
    unreadable,
)

__all__ = ["Document", "Reading", "from_object", "iterate", "read", "read_chunks"]

_PLACED = ("Policy", "Tier", "NetworkSet", "HostEndpoint", "Profile", "CIDRGroup", "Config")
"""Kinds of which positions inside are asked; of all others, pods above all, the nodes are let go."""
_BOM = b"\xef\xbb\xbf"
_OF_PODS: Mapping[str, tuple[str, ...]] = {
    "metadata": ("name", "namespace", "labels", "resourceVersion"),
    "spec": ("serviceAccountName", "nodeName", "hostNetwork", "containers"),
    "status": ("phase", "podIP", "podIPs"),
}
"""What is kept of a pod; of its containers the ports."""


@dataclass(frozen=True, slots=True)
class Document:
    """One Kubernetes object: plain data, and where each of its values stands.

    ``node`` is the YAML node that positions are looked up in; None where the object came without a text. Its
    positions count from ``origin``, the (line, column) that stand before them, both from 0.
    """

    data: Mapping[str, Any]
    span: Span
    node: Any = field(default=None, repr=False, compare=False)
    origin: tuple[int, int] = field(default=(0, 0), repr=False, compare=False)

    @property
    def kind(self) -> str:
        """Give ``kind``, or an empty text."""
        return str(self.data.get("kind") or "")

    @property
    def api_version(self) -> str:
        """Give ``apiVersion``, or an empty text."""
        return str(self.data.get("apiVersion") or "")

    @property
    def group(self) -> str:
        """Give the API group, empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Give ``metadata``, or an empty map."""
        found = self.data.get("metadata")
        return found if isinstance(found, Mapping) else {}

    @property
    def name(self) -> str:
        """Give ``metadata.name``, or an empty text."""
        return str(self.metadata.get("name") or "")

    @property
    def namespace(self) -> str:
        """Give ``metadata.namespace``, or an empty text."""
        return str(self.metadata.get("namespace") or "")

    def at(self, *path: str | int) -> Span:
        """Give the place of the value at ``path``, or of its nearest ancestor that is there."""
        node, found = self.node, self.span
        for step in path:
            node = child(node, step)
            if node is None:
                break
            mark = node.start_mark
            before = 0 if mark.line else self.origin[1]
            found = Span(self.span.file, self.origin[0] + mark.line + 1, before + mark.column + 1)
        return found

    def written_plain(self, *path: str | int) -> bool:
        """Say whether the value at ``path`` is a scalar that was written without quotes."""
        node = self.node
        for step in path:
            node = child(node, step)
        return is_plain(node)


@dataclass(slots=True)
class Reading:
    """What one file gave: documents in order, findings, and how many documents were no Kubernetes objects."""

    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    others: int = 0


def from_object(data: Mapping[str, Any], name: str = "<object>") -> Document:
    """Give a document for an object that came without a text; every position is the object itself."""
    return Document(data, Span(name))


def read(name: str, content: bytes) -> Reading:
    """Read every Kubernetes object of one file; ``List`` kinds are flattened."""
    return read_chunks(name, lambda: (content,))


def read_chunks(name: str, opened: Callable[[], Iterable[bytes]]) -> Reading:
    """Read a file that comes in pieces; ``opened`` gives them from the beginning, and may be called twice.

    JSON is not held as a whole. A file that is neither plain JSON nor YAML is read as far as it goes.
    """
    pieces, begin = iter(opened()), b""
    while not begin.strip() and (piece := next(pieces, None)) is not None:
        begin += piece
    if begin.removeprefix(_BOM).lstrip()[:1] in {b"{", b"["}:
        if (found := _from_json(name, chain([begin], pieces))) is not None:
            return found
        return _from_yaml(name, b"".join(opened()))
    return _from_yaml(name, b"".join([begin, *pieces]))


def _from_json(name: str, chunks: Iterable[bytes]) -> Reading | None:
    """Read plain JSON, item by item; None where it is something else."""
    reading = Reading()
    try:
        for value in values(chunks, _kept, _is_placed):
            _collect_json(reading, name, value)
    except (ValueError, RecursionError):
        return None
    return reading


def _from_yaml(name: str, content: bytes) -> Reading:
    reading = Reading()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reading.diagnostics.append(unreadable(name, line, 1, "it is not UTF-8"))
        return reading
    for found in documents(name, text):
        if isinstance(found, Diagnostic):
            reading.diagnostics.append(found)
        else:
            _collect(reading, name, *found)
    marked = template_in(name, text)
    if marked is not None and any(map(_is_marked, reading.documents)):
        return Reading([], [d for d in reading.diagnostics if d.code != marked.code] + [marked])
    return reading


def _is_marked(document: Document) -> bool:
    """Say whether what decides of an object that decides something is still to be filled in."""
    data = document.data
    said = [document.name, document.namespace, document.metadata.get("labels"), data.get("spec")]
    return _is_placed(data) and template_in("", json.dumps(said, default=str)) is not None


def _is_placed(data: object) -> bool:
    return isinstance(data, dict) and str(data.get("kind")).endswith(_PLACED)


def _kept(data: object, outer: Mapping[str, Any]) -> object:
    """Give what is needed of a value of a file, or of a list of which ``outer`` is known; refuses runaway depth."""
    typed = _typed(data, outer)
    needed = _needed(typed)
    if needed is typed:
        _check_depth(needed, 0)
    return needed


def _needed(data: Any) -> Any:  # noqa: ANN401  # plain data of any type
    """Give what is needed of an object: of a pod a small part, of any other all."""
    return _of_pod(data) if isinstance(data, dict) and data.get("kind") == "Pod" else data


def _check_depth(data: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(data, dict | list):
        for item in data.values() if isinstance(data, dict) else data:
            if isinstance(item, dict | list):
                _check_depth(item, depth + 1)


def _of_pod(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a pod what no policy can ask; what is odd stays, to be named by whoever meets it."""
    kept: dict[str, Any] = {k: data[k] for k in ("apiVersion", "kind") if k in data}
    for part, names in _OF_PODS.items():
        found = data.get(part)
        if isinstance(found, dict):
            kept[part] = {name: found[name] for name in names if name in found}
        elif part in data:
            kept[part] = found
    metadata, spec = kept.get("metadata"), kept.get("spec")
    if isinstance(metadata, dict) and isinstance(labels := metadata.get("labels"), dict):
        metadata["labels"] = {_once(key): _once(value) for key, value in labels.items()}
    if isinstance(spec, dict) and isinstance(containers := spec.get("containers"), list):
        spec["containers"] = [_ports_of(container) for container in containers]
    return kept


def _ports_of(container: object) -> object:
    if not isinstance(container, dict):
        return container
    return {"ports": container["ports"]} if "ports" in container else {}


def _once(value: Any) -> Any:  # noqa: ANN401  # a label as written
    """Hold equal texts once: labels repeat from pod to pod."""
    return sys.intern(value) if type(value) is str else value


def _collect_json(reading: Reading, name: str, value: Item | Envelope) -> None:
    if isinstance(value, Item):
        _collect_item(reading, name, value)
        return
    outer = value.data
    if outer is None:
        for item in value.items:
            _collect_item(reading, name, item)
    elif not _is_object(outer):
        reading.others += 1
    elif not outer["kind"].endswith("List"):
        whole = {**outer, "items": [item.data for item in value.items]}
        reading.documents.append(Document(whole, Span(name)))
    else:
        for item in value.items:
            typed = _typed(item.data, outer)
            told = item if typed is item.data else replace(item, data=_needed(typed))
            _collect_item(reading, name, told)


def _collect_item(reading: Reading, name: str, item: Item) -> None:
    """File one value; a list inside the file's own list was read as a whole, and has no places of its own."""
    node = composed(item.text) if item.text is not None else None
    place = (item.line, item.column)
    if isinstance(item.data, list) or (_is_object(item.data) and isinstance(item.data.get("items"), list)):
        _collect(reading, name, item.data, None)
    elif _is_object(item.data):
        origin = (item.line - 1, item.column - 1)
        reading.documents.append(Document(item.data, Span(name, *place), node, origin))
    elif item.data is not None:
        reading.others += 1


def _is_object(data: Any) -> bool:  # noqa: ANN401  # plain data of any type
    """A policy counts as one without ``apiVersion`` too: it is named, not passed over."""
    if not isinstance(data, dict) or not isinstance(kind := data.get("kind"), str):
        return False
    return "apiVersion" in data or kind.endswith("Policy")


def _typed(item: object, outer: Mapping[str, Any]) -> object:
    """Give an item of a list the kind that the list's own kind says it has."""
    if not isinstance(item, dict) or "kind" in item or not _is_object(outer):
        return item
    kind = outer["kind"].removesuffix("List")
    return {"apiVersion": outer["apiVersion"], "kind": kind, **item} if kind else item


def _collect(reading: Reading, name: str, data: Any, node: Any) -> None:  # noqa: ANN401  # data, YAML node
    if data is None:
        return
    if isinstance(data, list):
        for index, item in enumerate(data):
            _collect(reading, name, item, child(node, index))
        return
    if not _is_object(data):
        reading.others += 1
        return
    if data["kind"].endswith("List") and isinstance(data.get("items"), list):
        items = child(node, "items")
        for index, item in enumerate(data["items"]):
            _collect(reading, name, _typed(item, data), child(items, index))
        return
    mark = node.start_mark if node is not None else None
    span = Span(name, mark.line + 1, mark.column + 1) if mark else Span(name)
    placed = node if _is_placed(data) else None
    reading.documents.append(Document(_needed(data), span, placed))


def iterate(documents_or_objects: Iterable[Document | Mapping[str, Any]]) -> Iterator[Document]:
    """Give documents for what may be plain objects: the form that the public functions take."""
    for item in documents_or_objects:
        yield item if isinstance(item, Document) else from_object(item)
