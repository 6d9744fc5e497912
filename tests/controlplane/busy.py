"""What makes drains hard, all in one cluster: budgets, sets, a local volume, bare pods, DaemonSets, webhooks.

``ACCEPTED`` names the findings of preflight that a person has to consent to before such a cluster may be moved, each
with the reason that this person would give.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.controlplane import workloads
from tests.controlplane.client import Object

ACCEPTED: Mapping[str, str] = {
    "CP2034:shop/debug": "a leftover of a search for a fault",
    "CP2039:base/store-0": "it may wait while its node is switched",
}


def busy(webhook: Mapping[str, str]) -> list[Object]:
    """Give the workloads; ``webhook`` is how one that answers is reached, without which no pod of ``base`` is made."""
    return [
        workloads.namespace("shop"),
        workloads.namespace("base"),
        workloads.dead_webhook("ignored", "shop", policy="Ignore", timeout_s=1),
        answering("answered", "base", webhook),
        *shop(),
        *base(),
    ]


def answering(name: str, where: str, webhook: Mapping[str, str]) -> Object:
    """Give a webhook over the pods of a namespace and their evictions, whose backend answers."""
    made = workloads.dead_webhook(name, where)
    made["webhooks"][0]["clientConfig"] = dict(webhook)
    return made


def shop() -> list[Object]:
    """Give stateless workloads, each with a budget of another form."""
    return [
        workloads.deployment("shop", "web", 8),
        workloads.budget("shop", "web", "web", minAvailable=6),
        workloads.deployment("shop", "api", 5),
        workloads.budget("shop", "api", "api", maxUnavailable="20%"),
        workloads.deployment("shop", "single", 1),
        workloads.daemon_set("shop", "collector"),
        workloads.bare_pod("shop", "debug", "wrk-02"),
    ]


def base() -> list[Object]:
    """Give stateful workloads: a quorum of three, and one whose volume lies on a node."""
    return [
        workloads.stateful_set("base", "queue", 3),
        workloads.budget("base", "queue", "queue", maxUnavailable=1),
        *workloads.local_volume("base", "store", "wrk-04"),
        workloads.daemon_set("base", "shipper", host=True),
    ]
