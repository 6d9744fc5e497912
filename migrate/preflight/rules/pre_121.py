"""PRE-121: while pods of Calico are left, the operator must not look for pods that are not Cilium's.

It deletes those that its selector finds (kube-dns) every 15 s, as they have no CiliumEndpoint: cluster DNS goes. Off is
an interval of zero, in the operator's configuration as in its flags; then the chart leaves the verb ``delete`` on
pods out of its ClusterRole, so the verb shows by itself that the value has not arrived.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import config_map_path, effective

__all__ = ["RULE"]

KEY = "unmanaged-pod-watcher-interval"
ZERO = re.compile(r"0+(?:[a-zµ]+)?\Z")


def check(case: Case) -> Iterator[Hit]:
    """Look at the interval that the operator of stage M reads, and at what it may do to pods."""
    value = effective(case, Stage.MIGRATION, operator=True).data.get(KEY, "")
    if not ZERO.match(value):
        evidence = {"key": KEY, "value": value or None}
        yield Hit(config_map_path(case), {"v": value or "on by default"}, evidence)
    rendered = (case.draft.rendered or {}).get(Stage.MIGRATION)
    verbs = rendered.operator_verbs.get("pods", ()) if rendered is not None else ()
    if "delete" in verbs:
        yield Hit("ClusterRole/cilium-operator", {"v": "may delete pods"}, {"verbs": list(verbs)})


RULE = Rule(
    number=121,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="Watcher of unmanaged pods is on",
    message="cilium-operator would delete kube-dns pods every 15 s ({v})",
    remedy="operator.unmanagedPodWatcher.restart=false, and no flag of the operator against it",
    check=check,
    failures=(2,),
)
