"""Who speaks to the API server of a test, and what each may do.

The admin plants worlds and checks them. The simulated parts (kwok, the node agent) have roles of their own, so that a
right that the product lacks is not lent to it by the world. The product itself runs as a ServiceAccount.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.client import Api, Object

ADMIN = "admin"
MANAGER, SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
KWOK, AGENT = "sim:kwok", "sim:agent"
GROUPS = {ADMIN: "system:masters", MANAGER: "", SCHEDULER: "", KWOK: "", AGENT: ""}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a ClusterRole, the groups and resources as blank-separated words."""

    groups: str
    resources: str
    verbs: str

    def as_object(self) -> Object:
        groups = ["" if group == "core" else group for group in self.groups.split()]
        return {"apiGroups": groups, "resources": self.resources.split(), "verbs": self.verbs.split()}


_READ, _WRITE = "get list watch", "create update patch delete"
ROLES: dict[str, tuple[Rule, ...]] = {
    KWOK: (
        Rule("core", "nodes pods namespaces", f"{_READ} update patch delete"),
        Rule("core", "nodes/status pods/status", "get update patch"),
        Rule("core events.k8s.io", "events", "create patch update"),
        Rule("coordination.k8s.io", "leases", f"{_READ} {_WRITE}"),
        Rule("kwok.x-k8s.io", "*", f"{_READ} update patch"),
        Rule("storage.k8s.io", "csinodes volumeattachments", _READ),
    ),
    AGENT: (
        Rule("core", "nodes pods", f"{_READ} patch delete"),
        Rule("core", "nodes/status pods/status", "patch"),
        Rule("core", "configmaps namespaces", _READ),
        Rule("core", "serviceaccounts/token", "create"),
        Rule("cilium.io crd.projectcalico.org projectcalico.org", "*", f"{_READ} {_WRITE}"),
        Rule("kwok.x-k8s.io", "*", f"{_READ} {_WRITE}"),
    ),
}


def write_tokens(path: Path) -> dict[str, str]:
    """Write the token file of the API server, and give the token of each user."""
    tokens = {user: secrets.token_hex(16) for user in GROUPS}
    lines = [f'{tokens[user]},{user},{number},"{GROUPS[user]}"' for number, user in enumerate(GROUPS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tokens


def write_kubeconfig(path: Path, url: str, token: str, ca_file: Path) -> Path:
    """Write a kubeconfig of one user with one context."""
    cluster = {"server": url, "certificate-authority": str(ca_file)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
        "current-context": "test",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")
    return path


def grant(api: Api, name: str, rules: tuple[Rule, ...], subject: Object) -> None:
    """Give a subject a ClusterRole of its own with exactly these rules."""
    role = name.replace(":", "-")
    metadata = {"name": role}
    api.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": metadata,
            "rules": [rule.as_object() for rule in rules],
        }
    )
    api.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        }
    )


def grant_simulation(api: Api) -> None:
    """Give kwok and the node agent their roles."""
    for user, rules in ROLES.items():
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
        grant(api, user, rules, subject)


def service_account_token(api: Api, namespace: str, name: str, seconds: int = 7200) -> str:
    """Ask for a token of a ServiceAccount, as a pod would have it mounted."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds},
    }
    return str(api.expect("POST", path, request)["status"]["token"])
