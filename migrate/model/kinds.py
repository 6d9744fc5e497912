"""Which kinds of objects a snapshot holds: what some rule, the planner, the translator or the rehearsal reads.

Everything else of a cluster is nobody's business here and is left where it is. A test compares the table with what the
code asks for.
"""

from __future__ import annotations

__all__ = ["GROUPS", "RESOURCES", "is_wanted"]

GROUPS = frozenset(
    {
        "crd.projectcalico.org",
        "projectcalico.org",
        "operator.tigera.io",
        "cilium.io",
        "policy.networking.k8s.io",
        "metallb.io",
    }
)
"""API groups of which every kind is wanted."""
RESOURCES = frozenset(
    {
        "nodes", "namespaces", "pods", "services", "configmaps", "secrets", "serviceaccounts", "resourcequotas",
        "limitranges", "persistentvolumes", "persistentvolumeclaims", "replicationcontrollers", "endpoints",
        "deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps", "jobs.batch", "cronjobs.batch",
        "poddisruptionbudgets.policy", "horizontalpodautoscalers.autoscaling",
        "servicecidrs.networking.k8s.io", "endpointslices.discovery.k8s.io", "ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io",
        "storageclasses.storage.k8s.io", "csinodes.storage.k8s.io", "csidrivers.storage.k8s.io",
        "volumeattachments.storage.k8s.io", "leases.coordination.k8s.io", "priorityclasses.scheduling.k8s.io",
        "apiservices.apiregistration.k8s.io", "customresourcedefinitions.apiextensions.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io",
        "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
        "helmcharts.helm.cattle.io", "helmchartconfigs.helm.cattle.io", "plans.upgrade.cattle.io",
        "applications.argoproj.io", "kustomizations.kustomize.toolkit.fluxcd.io",
        "helmreleases.helm.toolkit.fluxcd.io", "nodepools.karpenter.sh", "nodepools.eks.amazonaws.com",
        "nodeclaims.karpenter.sh", "bottlerocketshadows.brupop.bottlerocket.aws", "clusterversions.config.openshift.io",
        "machineconfigpools.machineconfiguration.openshift.io",
        "network-attachment-definitions.k8s.cni.cncf.io", "networkattachmentdefinitions.k8s.cni.cncf.io",
        "prometheusrules.monitoring.coreos.com", "servicemonitors.monitoring.coreos.com",
        "gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io",
    }
)  # fmt: skip


def is_wanted(resource: str) -> bool:
    """Say whether a snapshot holds objects of this resource."""
    return resource in RESOURCES or resource.partition(".")[2] in GROUPS
