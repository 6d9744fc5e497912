"""Put manifests into files, in the layout that the user chose; a file's first line marks it as ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from translators.backends.objects import Manifest

__all__ = ["MARK", "OutputFile", "files"]

MARK = "# c2c\n"


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One file: relative path, text, and the objects in it by (kind, namespace, name) with their line."""

    path: str
    text: str
    objects: tuple[tuple[tuple[str, str | None, str], int], ...]


def files(manifests: Sequence[Manifest], layout: str) -> list[OutputFile]:
    """Give the files by path; in a file objects stand by kind, then name."""
    grouped: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        grouped.setdefault(_path(manifest, layout), []).append(manifest)
    return [_file(path, items) for path, items in sorted(grouped.items())]


def _path(manifest: Manifest, layout: str) -> str:
    match layout:
        case "single":
            return "policies.yaml"
        case "policy":
            place = f".{manifest.namespace}" if manifest.namespace else ""
            return f"{manifest.kind}{place}.{manifest.name}.yaml".lower()
    if manifest.kind == "CiliumCIDRGroup":
        return "_groups.yaml"
    return f"{manifest.namespace}.yaml" if manifest.namespace else "_cluster.yaml"


def _file(path: str, items: Sequence[Manifest]) -> OutputFile:
    parts, line, objects = [MARK], MARK.count("\n") + 1, []
    for manifest in sorted(items, key=lambda m: (m.kind, m.namespace or "", m.name)):
        text = manifest.text()
        objects.append(((manifest.kind, manifest.namespace, manifest.name), line + 1))
        parts += ["---\n", text]
        line += 1 + text.count("\n")
    return OutputFile(path, "".join(parts), tuple(objects))
