"""Reads the cases of the preflight rules: each is a change of the healthy cluster, and what a rule must say of it.

A file ``tests/fixtures/preflight/pre-NNN.yaml`` holds ``cases``; keys of a case:

- ``name``: a sentence; ``raises``: the objects of the findings, exactly (``[]``: silent); ``message``, ``remedy``,
  ``severity``: what the (first) finding must contain or be; ``outcome``: ok, found, unknown, deferred
- changes of the cluster: ``add`` (objects; one of the same kind, namespace and name is replaced), ``remove`` and
  ``patch`` (by ``Kind/namespace/name`` or ``Kind/name``; a patch is merged, lists are replaced, null removes a key)
- ``unread``: resources that could not be read; ``facts``: by node (``"*"``: all), merged; null: the part is missing
- ``answers``: fields of ``Answers``; ``access: all`` allows every right but those in ``denied`` (``create pods/exec in
  kube-system``); ``settings``: merged into the configuration; ``draft``: fields of the draft that replace what the planner
  made (``rendered``: by stage, fields of ``Rendered``); ``now``: RFC 3339
- ``policies``: fields of ``Policies``; ``accepted``: id to reason; ``own_node``; ``identity``: fields of ``Identity``;
  ``taken``: when the snapshot was taken; ``values``: the user's Helm values
- ``chart``: a chart is at hand, and renders the plan's values as the measured ones do, but for what stands here by
  stage: ``config`` (null: the key is missing) and other fields of ``Rendered``
- ``baseline``, ``flows``: what an observer recorded
- ``translate``: the policies of the cluster are translated: ``config`` (keys of ``cilium-config``), ``accept``,
  ``options``; ``policies`` then replaces fields of the result
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from migrate.engine.drafting import draft
from migrate.model.draft import Draft, Policies, Rendered, Stage
from migrate.model.facts import NodeFacts
from migrate.model.resources import Resource, resource_of
from migrate.model.rights import rights_for
from migrate.model.settings import Settings
from migrate.model.snapshot import Answers, Identity, Read, ReadState, Snapshot, SnapshotBuilder
from migrate.preflight.rule import Case
from tests import clusters
from tests.charts import default_config
from tests.unit.migrate.preflight.translating import translated

FOLDER = Path(__file__).resolve().parents[3] / "fixtures" / "preflight"
KEYS = {
    "name", "raises", "message", "remedy", "severity", "outcome", "add", "remove", "patch", "unread", "facts",
    "answers", "settings", "draft", "now", "policies", "accepted", "own_node", "identity", "taken", "values",
    "chart", "baseline", "flows", "translate",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Example:
    """One case of one rule."""

    rule: str
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        return f"{self.rule}: {self.data['name']}"


def examples() -> Iterator[Example]:
    """Give every case of every file."""
    for path in sorted(FOLDER.glob("pre-*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for data in content["cases"]:
            unknown = set(data) - KEYS
            assert not unknown, f"{path.name}: {unknown} is no key of a case"
            yield Example(path.stem.upper(), data)


def case_of(data: Mapping[str, Any]) -> Case:
    """Give what the rule is asked."""
    snapshot = _snapshot(data)
    configuration = _merged(clusters.settings(), data.get("settings") or {})
    settings = Settings.from_mapping(configuration, data.get("values"))
    policies = Policies(**(data.get("policies") or {}))
    if "translate" in data:
        bridged = settings.policy_in_window == "bridged"
        made_of_policies = translated(snapshot, data["translate"] or {}, bridged=bridged)
        policies = replace(made_of_policies, **(data.get("policies") or {}))
    made = draft(snapshot, settings, policies, own_node=data.get("own_node", ""))
    if "chart" in data:
        made = replace(made, rendered={stage: _rendered(made, stage, data["chart"] or {}) for stage in Stage})
    return Case(snapshot, _changed(made, data.get("draft") or {}), data.get("now", ""))


def _rendered(made: Draft, stage: Stage, changes: Mapping[str, Any]) -> Rendered:
    fields = dict(changes.get(stage.value) or {})
    default = default_config(made.settings.cilium.minor)
    config = {**default, **made.meant[stage], **fields.pop("config", {})}
    watched = not str(config["unmanaged-pod-watcher-interval"] or "").startswith("0")
    verbs = ("delete", "get", "list", "watch") if watched else ("get", "list", "watch")
    return Rendered(
        config={k: v for k, v in config.items() if v is not None},
        default=default,
        **{"operator_verbs": {"pods": verbs}, **fields},
    )


def _changed(made: Draft, changes: Mapping[str, Any]) -> Draft:
    fields = dict(changes)
    if "rendered" in fields:
        fields["rendered"] = {Stage(stage): Rendered(**parts) for stage, parts in fields["rendered"].items()}
    if "meant" in fields:
        merged = {Stage(s): {**made.meant[Stage(s)], **keys} for s, keys in fields["meant"].items()}
        fields["meant"] = {**made.meant, **merged}
    return replace(made, **fields)


def _snapshot(data: Mapping[str, Any]) -> Snapshot:
    objects = {_path(o): o for o in clusters.healthy()}
    objects |= {_path(o): o for o in data.get("add") or ()}
    for path in data.get("remove") or ():
        assert path in objects, f"{path} is not in the cluster"
        del objects[path]
    for path, patch in (data.get("patch") or {}).items():
        assert path in objects, f"{path} is not in the cluster"
        objects[path] = _merged(objects[path], patch)
    builder = SnapshotBuilder()
    for item in objects.values():
        builder.add(item)
    made = builder.snapshot(
        identity=Identity(**data["identity"]) if "identity" in data else None,
        reads=_reads(objects, data.get("unread") or ()),
        facts=_facts(objects, data),
        answers=_answers(data),
        taken=data.get("taken", ""),
    )
    flows = data.get("flows")
    return replace(made, baseline=data.get("baseline"), flows=None if flows is None else tuple(flows))


def _reads(objects: Mapping[str, Any], unread: Any) -> dict[str, Read]:
    """Everything was read; what is not there is absent."""
    if not unread:
        return {}
    found = {resource_of(o["apiVersion"], o["kind"]): Read(ReadState.READ) for o in objects.values()}
    return {**found, **{resource: Read(ReadState.FORBIDDEN, reason="forbidden") for resource in unread}}


def _facts(objects: Mapping[str, Any], data: Mapping[str, Any]) -> list[NodeFacts]:
    changes = data.get("facts") or {}
    found = []
    for name in (o["metadata"]["name"] for o in objects.values() if o["kind"] == "Node"):
        merged = _merged(clusters.facts(name), changes.get("*") or {})
        found.append(NodeFacts(name, _merged(merged, changes.get(name) or {})))
    return found


def _answers(data: Mapping[str, Any]) -> Answers:
    fields = dict(data.get("answers") or {})
    denied = {_right(words): False for words in fields.pop("denied", ())}
    if fields.get("access") == "all":
        fields["access"] = {a: True for right in rights_for(["apply"]) for a in right.asked} | denied
    elif "access" in fields:
        fields["access"] = {_right(words): allowed for words, allowed in fields["access"].items()}
    if "evictions" in fields:
        fields["evictions"] = {pod: tuple(answer) for pod, answer in fields["evictions"].items()}
    if "creations" in fields:
        fields["creations"] = {thing: tuple(answer) for thing, answer in fields["creations"].items()}
    return Answers(**fields)


def _right(words: str) -> tuple[str, str, str]:
    """Read ``create pods/exec in kube-system``."""
    said, _, namespace = words.partition(" in ")
    verb, _, resource = said.partition(" ")
    return verb, resource, namespace


def _path(item: Mapping[str, Any]) -> str:
    return Resource.from_dict(item).path


def _merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    found = {k: v for k, v in below.items() if k not in above or above[k] is not None}
    return found | {k: _merged(below.get(k), v) for k, v in above.items() if v is not None}
