"""Write a snapshot: the objects that somebody asks for, redacted, one file a kind, and a header that says what was read.

Objects are spooled as they come and sorted by their place in the spool, so that a cluster of any size needs little
memory. The same input gives the same bytes: nothing in a snapshot depends on when or where it was written. Files are
for their owner alone.
"""

from __future__ import annotations

import gzip
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from migrate import __version__
from migrate.adapters.files import contents
from migrate.adapters.objects import Problem, read_objects
from migrate.adapters.snapshots import DISCARDED, HEADERS, server_version
from migrate.errors import Failure
from migrate.model.fields import mapping, text
from migrate.model.kinds import RESOURCES, is_wanted
from migrate.model.pseudonyms import Pseudonyms, is_system
from migrate.model.reduction import reduced
from migrate.model.resources import resource_of
from migrate.redaction import redacted, redacted_text

__all__ = ["ARCHIVES", "Wishes", "Written", "write_snapshot"]

ARCHIVES = (".tgz", ".tar.gz")
SCHEMA = "1.0"
HEADER = "snapshot.json"
SPOOLED = 2**22
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to write: with other names, and which kinds' texts to leave whole but for what looks like a secret.

    ``whole`` holds kinds in lower case.
    """

    pseudonyms: bool = False
    whole: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: objects by resource, kinds that nobody asks for by resource, and what could not be read."""

    counts: Mapping[str, int]
    left_out: Mapping[str, int]
    problems: tuple[Problem, ...]


def write_snapshot(source: str, target: str | IO[bytes], wishes: Wishes) -> Written:
    """Write the files of a folder as a snapshot: to an archive, a folder, or a stream.

    Raises ``Failure`` where the source cannot be read, or the target is a folder that is not ours.
    """
    if isinstance(target, str) and not target.endswith(ARCHIVES):
        _check_folder(Path(target))
    with tempfile.TemporaryFile() as spool:
        taken = _Taken(spool, wishes)
        taken.read(source)
        files = dict(taken.files())
        if isinstance(target, str):
            _to_path(target, files)
        else:
            _to_archive(target, files)
        return Written(taken.counts(), taken.left_out, tuple(taken.problems))


def _check_folder(folder: Path) -> None:
    if folder.exists() and not (folder / HEADER).is_file() and any(folder.iterdir()):
        raise Failure(
            f"{folder} holds files that are no snapshot of ours",
            why="files of others are never replaced",
            fix="name another folder, or an archive: -o prod.tgz",
        )


@dataclass(slots=True)
class _Taken:
    """The redacted objects of a source, in a spool; ``index`` holds their places by resource."""

    spool: IO[bytes]
    wishes: Wishes
    index: dict[str, dict[tuple[str, str], tuple[int, int]]] = field(default_factory=dict)
    extras: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    uid: str = ""
    version: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)

    def read(self, source: str) -> None:
        """Take in every object of a folder or archive."""
        try:
            for name, opened in contents(source):
                self._read_file(name, opened)
        except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Failure(f"{source} cannot be read: {reason}", fix="check the path") from error

    def _read_file(self, name: str, opened: Callable[[], Any]) -> None:
        place = Path(name.partition("!")[2] or name)
        seen: set[str] = set()
        found = read_objects(name, opened, lambda data: self._take(data, place, seen))
        self.problems += found
        for resource in (seen | ({place.stem} & RESOURCES)) if found else ():
            self.damaged[resource] = found[0].what

    def _take(self, data: Mapping[str, Any], place: Path, seen: set[str]) -> None:
        kind = text(data, "kind")
        if place.name in HEADERS and kind == "Snapshot":
            self.header = data
        elif not kind or "apiVersion" not in data:
            self.version = server_version(data) or self.version
            self._take_extra(data, place)
        elif kind not in DISCARDED and text(data, "metadata", "name"):
            self._take_object(data, seen)

    def _take_extra(self, data: Mapping[str, Any], place: Path) -> None:
        """Take what is no object and that snapshots hold: facts of nodes, answers of a server, flows, a baseline."""
        folder = place.parent.name if place.parent.name in {"nodes", "answers"} else ""
        if folder or place.name in {"flows.jsonl", "baseline.json"}:
            name = f"{folder}/{place.name}" if folder else place.name
            self.extras.setdefault(name, []).append(self._put(reduced(data)))

    def _take_object(self, data: Mapping[str, Any], seen: set[str]) -> None:
        resource = resource_of(text(data, "apiVersion"), text(data, "kind"))
        if not is_wanted(resource):
            self.left_out[resource] = self.left_out.get(resource, 0) + 1
            return
        seen.add(resource)
        key = text(data, "metadata", "namespace"), text(data, "metadata", "name")
        if (resource, key) == ("namespaces", ("", "kube-system")):
            self.uid = text(data, "metadata", "uid")
        whole = text(data, "kind").casefold() in self.wishes.whole
        kept = redacted(data) if whole else reduced(data)
        self.index.setdefault(resource, {})[key] = self._put(kept)

    def _put(self, data: Mapping[str, Any]) -> tuple[int, int]:
        line = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        self.spool.seek(0, os.SEEK_END)
        begin = self.spool.tell()
        self.spool.write(line)
        return begin, len(line)

    def counts(self) -> dict[str, int]:
        """Give the number of objects by resource."""
        return {resource: len(found) for resource, found in sorted(self.index.items())}

    def files(self) -> Iterator[tuple[str, Callable[[], Iterator[bytes]]]]:
        """Give every file's name and what gives its bytes, by name, the header last."""
        names = self._pseudonyms()
        for resource in sorted(self.index):
            yield f"{resource}.json", partial(self._listed, resource, names)
        for name in sorted(self.extras):
            yield _extra_name(name, names), partial(self._rows, name, names)
        yield HEADER, lambda: iter((self._header(),))

    def _pseudonyms(self) -> Pseudonyms | None:
        if not self.wishes.pseudonyms:
            return None
        spaces = [name for _, name in self.index.get("namespaces", {}) if not is_system(name)]
        objects = [
            name for found in self.index.values() for space, name in found if space and not is_system(space)
        ]
        volumes = [name for _, name in self.index.get("persistentvolumes", {})]
        return Pseudonyms((name for _, name in self.index.get("nodes", {})), spaces, [*objects, *volumes])

    def _listed(self, resource: str, names: Pseudonyms | None) -> Iterator[bytes]:
        yield b'{"apiVersion":"v1","kind":"List","items":[\n'
        for number, (_, place) in enumerate(sorted(self.index[resource].items())):
            yield (b",\n" if number else b"") + self._line(place, names)
        yield b"\n]}\n"

    def _rows(self, name: str, names: Pseudonyms | None) -> Iterator[bytes]:
        for place in self.extras[name]:
            yield self._line(place, names) + b"\n"

    def _line(self, place: tuple[int, int], names: Pseudonyms | None) -> bytes:
        self.spool.seek(place[0])
        line = self.spool.read(place[1])
        if names is None:
            return line
        data = names.renamed(json.loads(line))
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

    def _header(self) -> bytes:
        told = mapping(self.header, "cluster")
        cluster = {
            **told, "uid": text(told, "uid") or self.uid, "version": text(told, "version") or self.version,
        }  # fmt: skip
        before = mapping(self.header, "kinds")
        kinds: dict[str, Any] = {
            r: said for r, said in before.items() if isinstance(said, Mapping) and "error" in said
        }
        kinds |= {r: {"count": count} for r, count in self.counts().items()}
        kinds |= {r: {"count": len(self.index.get(r, ())), "error": why} for r, why in self.damaged.items()}
        header = {
            "schemaVersion": SCHEMA,
            "kind": "Snapshot",
            "tool": {"name": "c2c", "version": __version__},
            "cluster": {k: redacted_text(v) for k, v in sorted(cluster.items()) if isinstance(v, str)},
            "taken": text(self.header, "taken"),
            "complete": bool(self.header.get("complete", not self.header)) and not self._obscure(),
            "pseudonyms": self.wishes.pseudonyms,
            "kinds": dict(sorted(kinds.items())),
        }
        return (json.dumps(header, ensure_ascii=False, indent=1) + "\n").encode()

    def _obscure(self) -> bool:
        """Say whether a file was damaged whose name does not say what it held."""
        return any(Path(p.file.partition("!")[2] or p.file).stem not in RESOURCES for p in self.problems)


def _extra_name(name: str, names: Pseudonyms | None) -> str:
    folder, _, file = name.rpartition("/")
    if names is None or folder != "nodes":
        return name
    return f"nodes/{names.name(Path(file).stem)}{Path(file).suffix}"


Files = Mapping[str, Callable[[], Iterator[bytes]]]


def _to_path(target: str, files: Files) -> None:
    """Write beside the target and rename: half a snapshot is never seen, and none is left behind."""
    path = Path(target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".c2c-") as beside:
            made = Path(beside) / "made"
            if target.endswith(ARCHIVES):
                with _private(made) as stream:
                    _to_archive(stream, files)
            else:
                _to_folder(made, files)
                if path.exists():
                    path.rename(Path(beside) / "before")
            made.rename(path)
    except OSError as error:
        raise Failure(
            f"{target} cannot be written: {error.strerror}", fix="check the folder's rights"
        ) from error


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb")


def _to_folder(folder: Path, files: Files) -> None:
    folder.mkdir(mode=PRIVATE_FOLDER)
    for name, pieces in files.items():
        place = folder / name
        place.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        with _private(place) as stream:
            stream.writelines(pieces())


def _to_archive(stream: IO[bytes], files: Files) -> None:
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, pieces in files.items():
            with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as body:
                body.writelines(pieces())
                member = tarfile.TarInfo(name)
                member.size, member.mode = body.tell(), PRIVATE_FILE
                body.seek(0)
                archive.addfile(member, body)
