"""Open files, folders, archives and standard input, and hand their bytes to ``translators.source``.

Archives are read in memory and never unpacked; written files are ours only if their first line says so.
"""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from migrate.errors import Failure
from translators.diagnostics import Diagnostic, Severity, diagnostic
from translators.frontends import is_policy
from translators.layout import MARK, OutputFile
from translators.source import Document, read_chunks
from translators.span import Span
from translators.yaml_reading import unreadable

__all__ = [
    "Loaded",
    "Opened",
    "contents",
    "differing_files",
    "kept_policies",
    "load",
    "replace_text",
    "report_in",
    "write_files",
    "write_text",
]

SUFFIXES = frozenset({".yaml", ".yml", ".json", ".jsonl"})
TEMPLATES = frozenset({".j2", ".tpl", ".tmpl", ".gotmpl"})
"""Behind one of the suffixes above they say that a file is a template: it is looked into, to be named."""
INDEXES = frozenset({"snapshot.json", "manifest.json"})
"""Files in which a snapshot says what it read; of any other kind they are read like every file."""
BESIDE = frozenset({"flows.jsonl", "baseline.json"})
"""What a snapshot holds besides objects: recorded flows, and in ``answers/`` and ``nodes/`` what only a live cluster says."""
ASKED = frozenset({
    "pods", "namespaces", "serviceaccounts", "nodes", "services", "endpointslices", "networkpolicies",
    "globalnetworkpolicies", "tiers", "networksets", "globalnetworksets", "hostendpoints", "profiles", "ippools",
    "clusternetworkpolicies", "adminnetworkpolicies", "baselineadminnetworkpolicies", "ciliumnetworkpolicies",
    "ciliumclusterwidenetworkpolicies", "ciliumcidrgroups", "stagednetworkpolicies", "stagedglobalnetworkpolicies",
})  # fmt: skip
"""Resources on which a translation hangs: of these an unread one is missing."""
ARCHIVES = (".tgz", ".tar.gz")
MAX_MEMBER = 2 * 1024**3
MAX_MEMBERS = 100_000
MAX_EXCERPTED = 8 * 1024**2
CHUNK = 2**20
AGAIN = "translate again with --out"
READ_PARTS = ("policies", "findings", "differences", "conditions")
Opened = Callable[[], Iterable[bytes]]


@dataclass(slots=True)
class Loaded:
    """Documents of all files in order of their names, findings, and kinds that a snapshot could not read.

    ``texts`` keeps the text of the files that hold policies, for the excerpts of a report.
    """

    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    others: int = 0
    files: int = 0
    unread: frozenset[str] = frozenset()
    texts: dict[str, str] = field(default_factory=dict)


def load(paths: Iterable[str], shown_as: str = "") -> Loaded:
    """Read every path: a file, a folder (with its sub-folders), an archive, or ``-``.

    ``shown_as`` stands for the path in the places of findings and sources: of a folder that is gone afterwards. Raises ``Failure`` for a path that cannot be opened at all.
    """
    loaded = Loaded()
    for path in paths:
        try:
            for name, opened in contents(path, _is_beside):
                _take_one(loaded, path, name.replace(path, shown_as, 1) if shown_as else name, opened)
        except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Failure(f"{path} cannot be read: {reason}", fix="check the path") from error
    return loaded


def _take_one(loaded: Loaded, path: str, name: str, opened: Opened) -> None:
    """Read one file; one of a folder that cannot be opened is a finding and hides no other."""
    before = len(loaded.diagnostics)
    try:
        _take(loaded, name, opened)
        if name in {path, "<stdin>"}:
            loaded.diagnostics[before:] = map(_named_itself, loaded.diagnostics[before:])
    except OSError as error:
        if name == path:
            raise
        loaded.diagnostics.append(unreadable(name, 0, 0, error.strerror or "it cannot be opened"))


def _named_itself(found: Diagnostic) -> Diagnostic:
    """A template that was asked for by its own name is refused, not passed over."""
    return replace(found, severity=Severity.ERROR) if found.code == "CAL-P117" else found


def _take(loaded: Loaded, name: str, opened: Opened) -> None:
    """Read one file into what is loaded."""
    place = Path(name.rpartition("!")[2]).name
    if place in INDEXES and (index := _index(opened)) is not None:
        unread = _unread(index)
        loaded.diagnostics += _missing(name, unread - loaded.unread)
        loaded.unread |= unread
        return
    if place == "snapshot.json":
        loaded.diagnostics.append(unreadable(name, 1, 1, "it is not the index of a snapshot"))
        return
    reading = read_chunks(name, opened)
    loaded.documents += reading.documents
    loaded.diagnostics += reading.diagnostics
    loaded.others += reading.others
    loaded.files += 1
    if any(is_policy(d) for d in reading.documents) and (text := _excerpted(opened)) is not None:
        loaded.texts[name] = text


def _excerpted(opened: Opened) -> str | None:
    """Give the text of a file that is small enough to be shown in part."""
    content = b""
    for piece in opened():
        content += piece
        if len(content) > MAX_EXCERPTED:
            return None
    return content.decode("utf-8-sig", errors="replace")


def contents(path: str, left: Callable[[Path], bool] = lambda _: False) -> Iterator[tuple[str, Opened]]:
    """Give the name of each file, and what gives its bytes from the beginning as often as it is asked.

    ``left`` says by its place inside a folder or archive whether a file is left out.
    """
    place = Path(path)
    if path == "-":
        content = sys.stdin.buffer.read()
        yield "<stdin>", lambda: [content]
    elif place.is_dir():
        for item in sorted(p for p in place.rglob("*") if _is_read(p) and p.is_file()):
            if ".c2c" not in item.parts and not left(item.relative_to(place)):
                yield str(item), partial(_pieces, item)
    elif path.endswith(ARCHIVES):
        yield from _members(place, left)
    elif place.is_file():
        yield path, partial(_pieces, place)
    else:
        content = place.read_bytes()  # a pipe gives its bytes once
        yield path, lambda: [content]


def _is_read(name: Path) -> bool:
    return name.suffix in SUFFIXES or (name.suffix in TEMPLATES and name.with_suffix("").suffix in SUFFIXES)


def _is_beside(inner: Path) -> bool:
    """Say whether a file of a snapshot holds no objects of the cluster: flows, answers, facts of nodes."""
    parts = [part for part in inner.parts[:-1] if part != "."]
    return inner.name in BESIDE or (inner.suffix == ".jsonl" and parts[-1:] == ["answers"])


def _pieces(place: Path) -> Iterator[bytes]:
    with place.open("rb") as stream:
        yield from iter(partial(stream.read, CHUNK), b"")


def _members(place: Path, left: Callable[[Path], bool]) -> Iterator[tuple[str, Opened]]:
    with tarfile.open(place, "r:*") as archive:
        for number, member in enumerate(archive):
            if number > MAX_MEMBERS or member.size > MAX_MEMBER:
                raise Failure(f"{place} holds more than a snapshot would", fix="unpack it yourself")
            inner = Path(member.name)
            if member.isfile() and _is_read(inner) and not left(inner):
                yield f"{place}!{member.name}", partial(_extracted, archive, member)
        _check_end(archive)


def _check_end(archive: tarfile.TarFile) -> None:
    """Read what stands behind the last member: there an archive says whether it is whole."""
    while archive.fileobj is not None and archive.fileobj.read(CHUNK):
        pass


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    stream = archive.extractfile(member)
    if stream is not None:
        yield from iter(partial(stream.read, CHUNK), b"")


def _index(opened: Opened) -> dict[str, Any] | None:
    """Give what a snapshot says of itself; None where the file is nothing of the sort."""
    try:
        found = json.loads(b"".join(opened()))
    except (ValueError, RecursionError):
        return None
    is_index = isinstance(found, dict) and (found.get("kind") == "Snapshot" or "kinds" in found)
    kinds = found.get("kinds", {}) if is_index else None
    whole = isinstance(kinds, dict) and all(isinstance(said, dict) for said in kinds.values())
    return found if whole else None


def _unread(index: Mapping[str, Any]) -> frozenset[str]:
    """Give the resources of which a snapshot says that they could not be read, as far as anything hangs on them."""
    found: set[str] = set()
    for key in ("kinds", "resources", "reads"):
        listed = index.get(key)
        for name, said in listed.items() if isinstance(listed, dict) else ():
            if isinstance(said, dict) and (
                "error" in said or said.get("state") in {"forbidden", "unavailable"}
            ):
                found.add(str(name))
    return frozenset(name for name in found if name.partition(".")[0].lower() in ASKED)


def _missing(name: str, unread: frozenset[str]) -> list[Diagnostic]:
    """Say which kinds are not known: of those no object can be taken as absent (CAL-P115)."""
    return [
        diagnostic(
            "CAL-P115", Span(name), about=f"snapshot {name}", object=f"every {kind}", path="its policies"
        )
        for kind in sorted(unread)
    ]


def report_in(folder: str) -> dict[str, Any] | None:
    """Give the report that ``translate --out`` left in a folder, None where there is none.

    Raises ``Failure`` for one that is damaged: what it keeps would count as gone.
    """
    path = Path(folder) / ".c2c" / "report.json"
    try:
        report = json.loads(path.read_bytes())
    except OSError:
        return None
    except (ValueError, RecursionError) as error:
        raise Failure(f"{path}: the report is damaged", why=str(error), fix=AGAIN) from error
    if not isinstance(report, dict) or not all(_is_list_of_maps(report.get(name, [])) for name in READ_PARTS):
        raise Failure(f"{path}: the report is damaged", fix=AGAIN)
    return report


def _is_list_of_maps(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def kept_policies(folder: str) -> frozenset[tuple[str, str, str]]:
    """Give (kind, namespace, name) of what the report in a folder of ours keeps as it is; empty without one.

    Raises ``Failure`` for a report that does not say it.
    """
    report = report_in(folder)
    try:
        entries = [p for p in report["policies"] if p["disposition"] == "kept"] if report is not None else []
        return frozenset((str(p["kind"]), str(p["namespace"] or ""), str(p["name"])) for p in entries)
    except (KeyError, TypeError) as error:
        raise Failure(f"{folder}/.c2c/report.json: the report is damaged", fix=AGAIN) from error


def write_files(folder: str, files: Iterable[OutputFile], report: str) -> int:
    """Write the manifests and ``.c2c/report.json``; give the number of files.

    A file that is not ours (its first line is not ``# c2c``) is never replaced; files of ours that are no
    longer wanted are removed. Raises ``Failure`` before anything is written.
    """
    root, wanted = Path(folder), list(files)
    for item in wanted:
        target = root / item.path
        if not target.resolve().is_relative_to(root.resolve()):
            raise Failure(f"{item.path} would leave {folder}", fix="correct the namespace or the name")
        if target.exists() and not _is_ours(target):
            raise Failure(
                f"{target} was not written by c2c and is in the way",
                why="files of others are never replaced",
                fix="move it, or choose another --out",
            )
    stale = [p for p in root.rglob("*.yaml") if _is_ours(p)] if root.is_dir() else []
    for item in wanted:
        _write(root / item.path, item.text)
    keep = {root / item.path for item in wanted}
    for path in stale:
        if path not in keep:
            path.unlink()
    _write(root / ".c2c" / "report.json", report)
    return len(wanted)


def differing_files(folder: str, files: Iterable[OutputFile]) -> list[str]:
    """Give the paths whose text on disk is not what would be written, or that are there without need."""
    root, wanted = Path(folder), {item.path: item.text for item in files}
    found = {
        str(p.relative_to(root)): p.read_text(encoding="utf-8")
        for p in (root.rglob("*.yaml") if root.is_dir() else [])
        if _is_ours(p)
    }
    return sorted(k for k in {*wanted, *found} if wanted.get(k) != found.get(k))


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.readline() == MARK
    except OSError:
        return False


def _write(path: Path, text: str) -> None:
    """Write beside the target and rename, so that a half-written file is never seen."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, delete=False, encoding="utf-8", prefix=".c2c-"
        ) as stream:
            stream.write(text)
        Path(stream.name).replace(path)
    except OSError as error:
        raise Failure(
            f"{path} cannot be written: {error.strerror}", fix="check the folder's rights"
        ) from error


def write_text(path: str, text: str) -> None:
    """Write one report file."""
    _write(Path(path), text)


def replace_text(path: str, text: str) -> None:
    """Replace the text of a file of somebody else's: byte for byte, with its rights, never half-written."""
    place = Path(path).resolve()
    try:
        with tempfile.NamedTemporaryFile("wb", dir=place.parent, delete=False, prefix=".c2c-") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
        shutil.copymode(place, stream.name)
        Path(stream.name).replace(place)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}", fix="check its rights") from error
