"""PRE-044: the primary of a database, or a voter of a quorum, should hand over before it is evicted.

Known by the labels that operators put on their pods; which of a quorum's members leads is not always to be seen, so each
voter is named. A hook that names the pod is taken to switch over; the run carries it
out before the drain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from migrate.model.findings import Severity
from migrate.model.pods import Pod
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_eviction import evicted, hooked

__all__ = ["RULE"]


@dataclass(frozen=True, slots=True)
class _Sign:
    """How an operator marks a pod: labels that must be there, the label that names the cluster, and what the pod is."""

    operator: str
    labels: Mapping[str, tuple[str, ...]]
    cluster: str
    role: str = "primary"
    owners: frozenset[str] = field(default_factory=frozenset)


SIGNS = (
    _Sign("CloudNativePG", {"cnpg.io/instanceRole": ("primary",)}, "cnpg.io/cluster"),
    _Sign("CloudNativePG", {"cnpg.io/cluster": (), "role": ("primary",)}, "cnpg.io/cluster"),
    _Sign("Patroni", {"spilo-role": ("master", "primary")}, "cluster-name"),
    _Sign(
        "Crunchy PGO",
        {"postgres-operator.crunchydata.com/role": ("master", "primary")},
        "postgres-operator.crunchydata.com/cluster",
    ),
    _Sign(
        "StackGres",
        {"stackgres.io/cluster-name": (), "role": ("master", "primary")},
        "stackgres.io/cluster-name",
    ),
    _Sign("Patroni", {"application": ("patroni", "spilo"), "role": ("master", "primary")}, "cluster-name"),
    _Sign("MySQL operator", {"mysql.oracle.com/cluster-role": ("PRIMARY",)}, "mysql.oracle.com/cluster"),
    _Sign("MariaDB operator", {"k8s.mariadb.com/role": ("primary",)}, "app.kubernetes.io/instance"),
    _Sign(
        "Percona XtraDB", {"app.kubernetes.io/component": ("pxc",)}, "app.kubernetes.io/instance", "member"
    ),
    _Sign("Redis operator", {"redisfailovers-role": ("master",)}, "app.kubernetes.io/name"),
    _Sign("Vault", {"vault-active": ("true",)}, "app.kubernetes.io/instance", "leader"),
    _Sign("Strimzi", {"strimzi.io/controller-role": ("true",)}, "strimzi.io/cluster", "quorum member"),
    _Sign("Strimzi", {"strimzi.io/broker-role": ("true",)}, "strimzi.io/cluster", "broker"),
    _Sign(
        "Strimzi",
        {"strimzi.io/component-type": ("zookeeper", "kafka")},
        "strimzi.io/cluster",
        "quorum member",
    ),
    _Sign(
        "Elastic",
        {"elasticsearch.k8s.elastic.co/node-master": ("true",)},
        "elasticsearch.k8s.elastic.co/cluster-name",
        "quorum member",
    ),
    _Sign("Rook", {"app": ("rook-ceph-mon",)}, "rook_cluster", "quorum member"),
    _Sign(
        "RabbitMQ", {"app.kubernetes.io/component": ("rabbitmq",)}, "app.kubernetes.io/name", "quorum member"
    ),
    _Sign("etcd", {"app.kubernetes.io/name": ("etcd",)}, "app.kubernetes.io/instance", "quorum member"),
    _Sign("etcd", {"app": ("etcd",)}, "etcd_cluster", "quorum member"),
    _Sign(
        "ZooKeeper", {"app.kubernetes.io/name": ("zookeeper",)}, "app.kubernetes.io/instance", "quorum member"
    ),
    _Sign("Consul", {"app": ("consul",), "component": ("server",)}, "release", "quorum member"),
    _Sign("NATS", {"app.kubernetes.io/name": ("nats",)}, "app.kubernetes.io/instance", "quorum member"),
    _Sign(
        "CockroachDB",
        {"app.kubernetes.io/name": ("cockroachdb",)},
        "app.kubernetes.io/instance",
        "quorum member",
    ),
)
"""The most telling first; a pod is named by the first that fits."""


def check(case: Case) -> Iterator[Hit]:
    """Look for the marks of operators on every pod that the run evicts."""
    for pod in evicted(case):
        sign = next((s for s in SIGNS if _fits(s, pod)), None)
        if sign is not None and not hooked(case, pod):
            cluster = pod.labels.get(sign.cluster) or (pod.owner.name if pod.owner else pod.name)
            fills = {"p": pod.label, "role": sign.role, "c": f"{pod.namespace}/{cluster}"}
            evidence = {"operator": sign.operator, **{k: pod.labels[k] for k in sign.labels}}
            yield Hit(f"Pod/{pod.label}", fills, evidence, pod.node)


def _fits(sign: _Sign, pod: Pod) -> bool:
    return all(
        key in pod.labels and (not values or pod.labels[key] in values) for key, values in sign.labels.items()
    )


RULE = Rule(
    number=44,
    group=Group.EVICTION,
    severity=Severity.WARN,
    title="Primary or quorum member",
    message="{p} is {role} of {c}",
    remedy="a hook that switches over before the drain (nodes.hooks, by namespace and selector)",
    check=check,
    failures=(19,),
    reads=("pods",),
)
