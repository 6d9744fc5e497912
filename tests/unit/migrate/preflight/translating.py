"""Translates the policies of a case's cluster for real, so that rules read what the translator says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from migrate.engine.staging import staged
from migrate.engine.window import Pods
from migrate.engine.worlds import documents_of
from migrate.entrypoints.cli.acceptance import accepted
from migrate.model.draft import Policies
from migrate.model.snapshot import Snapshot
from migrate.preflight.views_policy import CLUSTER_POLICIES, policies_of
from translators import CiliumConfig, Options, translate
from translators.source import from_object

STAGED = ("stagednetworkpolicies", "stagedglobalnetworkpolicies", "stagedkubernetesnetworkpolicies")


def translated(snapshot: Snapshot, asked: Mapping[str, Any], *, bridged: bool) -> Policies:
    """Give what a plan would stage; ``config`` are keys of ``cilium-config``, ``accept`` acceptances, ``options``."""
    held = [*policies_of(snapshot), *snapshot.calico("tiers")]
    held += [r for resource in CLUSTER_POLICIES for r in snapshot.of(resource)]
    held += [r for kind in STAGED for r in snapshot.calico(kind)]
    documents = [from_object(r.data, "policies.yaml") for r in held]
    config = CiliumConfig.from_map(asked.get("config") or {})
    options = Options(cilium=config, **(asked.get("options") or {}))
    result = translate(documents, cluster=list(documents_of(snapshot)), options=options)
    result = replace(result, report=accepted(result.report, asked.get("accept") or ()))
    return staged(result, kept=documents, config=config, bridged=bridged, pods=Pods())
