"""PRE-007: whoever owns Calico or kube-proxy must have stopped before we take them over, or he puts them back.

An owner is seen by the marks that it leaves on objects. Helm alone is none: a release changes when somebody calls it.
*Frozen* is what can be read: Flux suspended, an Argo application without automated sync, a HelmChart marked unmanaged.
kubespray, kops, k0s, MicroK8s and the add-on manager show no such state; their finding is accepted once the setting is
made. The tool never writes into another's objects to stop it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migrate.model.fields import Labels, at, truth
from migrate.model.findings import Severity
from migrate.model.installs import calico_node
from migrate.model.snapshot import Snapshot
from migrate.preflight.rule import Case, Group, Hit, Repeat, Rule

__all__ = ["RULE"]

NAMES = frozenset(
    {
        "calico-node", "calico-typha", "calico-kube-controllers", "calico-apiserver", "tigera-operator", "canal",
        "rke2-canal", "kube-proxy", "goldmane", "whisker",
    }
)  # fmt: skip
KINDS = ("ippools", "felixconfigurations", "bgpconfigurations", "kubecontrollersconfigurations")
CONFIG_MAPS = frozenset({"calico-config", "canal-config", "kube-proxy"})
TOOLS_OF_A_MOMENT = frozenset({"Helm", "kustomize", "kubectl", "tigera-operator", "c2c"})
RKE2_REMEDY = (
    "kubectl -n kube-system annotate helmchart {name} helmcharts.helm.cattle.io/unmanaged=true, and set cni: none in "
    "/etc/rancher/rke2/config.yaml on every server before it restarts"
)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who owns an object, and the setting that stops it."""

    name: str
    setting: str


def check(case: Case) -> Iterator[Hit]:
    """Look for marks of an owner on what is Calico's and kube-proxy's, then for owners that leave none there."""
    snapshot = case.snapshot
    for path, labels, notes in _objects(snapshot):
        for owner in _owners(snapshot, labels, notes):
            yield _hit(owner, path, {"labels": dict(labels), "annotations": dict(notes)})
    yield from _charts(snapshot)
    agent = calico_node(snapshot)
    path = f"DaemonSet/{agent.label}" if agent is not None else "cluster/calico"
    if case.draft.variant.install == "kubespray":
        setting = "in the inventory: kube_network_plugin: cni; run no play until the migration is over"
        yield _hit(_Owner("kubespray", setting), path, {"install": "kubespray"})
    if case.draft.variant.distribution == "microk8s":
        setting = "snap refresh --hold microk8s on every node; a refresh applies cni.yaml again"
        yield _hit(_Owner("the snap microk8s", setting), path, {"distribution": "microk8s"})


def _objects(snapshot: Snapshot) -> Iterator[tuple[str, Labels, Labels]]:
    for workload in snapshot.workloads:
        if workload.name in NAMES and workload.kind in {"DaemonSet", "Deployment"}:
            yield f"{workload.kind}/{workload.label}", workload.labels, workload.annotations
    items = [
        *snapshot.of("installations.operator.tigera.io"),
        *(item for kind in KINDS for item in snapshot.calico(kind)),
        *(c for c in snapshot.of("configmaps") if c.name in CONFIG_MAPS),
    ]
    for item in items:
        yield item.path, item.labels, item.annotations


def _owners(snapshot: Snapshot, labels: Labels, annotations: Labels) -> Iterator[_Owner]:
    yield from _argo(snapshot, labels, annotations)
    yield from _flux(snapshot, labels)
    mode = labels.get("addonmanager.kubernetes.io/mode", "")
    if mode in {"Reconcile", "EnsureExists"}:
        setting = "move its manifest out of /etc/kubernetes/addons on every control-plane node"
        yield _Owner(f"the add-on manager ({mode})", setting)
    if stack := labels.get("k0s.k0sproject.io/stack"):
        setting = "in k0s.yaml: spec.network.provider: custom, before a controller restarts"
        yield _Owner(f"k0s (stack {stack})", setting)
    if addon := labels.get("addon.kops.k8s.io/name"):
        yield _Owner(
            f"kops (addon {addon})", "in the cluster's spec: networking: cni, and no kops update until then"
        )
    elif (by := labels.get("app.kubernetes.io/managed-by", "")) and by not in TOOLS_OF_A_MOMENT:
        yield _Owner(by, f"stop {by} from reconciling it")
    if kind := annotations.get("objectset.rio.cattle.io/owner-gvk"):
        name = annotations.get("objectset.rio.cattle.io/owner-name", "")
        owner = f"{kind.rpartition('Kind=')[2]} {name}".strip()
        yield _Owner(owner, f"remove or disable the manifest of {owner} on every server")


def _argo(snapshot: Snapshot, labels: Labels, annotations: Labels) -> Iterator[_Owner]:
    app = annotations.get("argocd.argoproj.io/tracking-id", "").partition(":")[0]
    app = app or labels.get("argocd.argoproj.io/instance", "")
    known = {a.name: a for a in snapshot.of("applications.argoproj.io")}
    instance = labels.get("app.kubernetes.io/instance", "")
    app = app or (instance if instance in known else "")
    if not app:
        return
    item = known.get(app)
    if item is not None:
        automated = item.at("spec", "syncPolicy", "automated")
        skipped = item.annotations.get("argocd.argoproj.io/skip-reconcile") == "true"
        off = not isinstance(automated, Mapping) or automated.get("enabled") is False
        if skipped or off:
            return
    yield _Owner(f"Argo CD application {app}", f"argocd app set {app} --sync-policy none")


def _flux(snapshot: Snapshot, labels: Labels) -> Iterator[_Owner]:
    for group, kind, word in (
        ("kustomize.toolkit.fluxcd.io", "kustomizations", "kustomization"),
        ("helm.toolkit.fluxcd.io", "helmreleases", "helmrelease"),
    ):
        name, namespace = labels.get(f"{group}/name"), labels.get(f"{group}/namespace", "")
        if not name:
            continue
        held = [o for o in snapshot.of(f"{kind}.{group}") if (o.name, o.namespace) == (name, namespace)]
        if not any(truth(o.data, "spec", "suspend") for o in held):
            yield _Owner(f"Flux {word} {namespace}/{name}", f"flux suspend {word} {name} -n {namespace}")


def _charts(snapshot: Snapshot) -> Iterator[Hit]:
    """Look at charts of a helm-controller that hold Calico."""
    for chart in snapshot.of("helmcharts.helm.cattle.io"):
        name = str(at(chart.data, "spec", "chart") or chart.name)
        if not any(word in f"{name} {chart.name}" for word in ("calico", "canal", "tigera-operator")):
            continue
        if chart.annotations.get("helmcharts.helm.cattle.io/unmanaged") != "true":
            setting = RKE2_REMEDY.replace("{name}", chart.name)
            yield _hit(_Owner("the helm-controller", setting), chart.path, {"chart": name})


def _hit(owner: _Owner, path: str, evidence: Mapping[str, object]) -> Hit:
    proxy = path.endswith("/kube-proxy")
    message = "{owner} will put kube-proxy's settings back: {object}" if proxy else ""
    fills = {"owner": owner.name, "object": path, "setting": owner.setting}
    return Hit(path, fills, evidence, message=message)


RULE = Rule(
    number=7,
    group=Group.IDENTITY,
    severity=Severity.BLOCK,
    title="Somebody owns Calico",
    message="{owner} will put Calico back: {object}",
    remedy="{setting}",
    check=check,
    failures=(33,),
    reads=("daemonsets.apps", "deployments.apps", "configmaps"),
    repeat=frozenset({Repeat.NO_RETURN}),
)
