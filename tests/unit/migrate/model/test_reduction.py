"""No secret leaves, whatever form it has; and what rules read stays readable."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from migrate.model.reduction import reduced
from migrate.redaction import HIDDEN, redacted_text

CANARY = "c4nary-d0-n0t-l3ak"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\nMIIEow\n-----END RSA PRIVATE KEY-----"


def thing(kind: str, name: str = "x", **rest: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **rest}


def with_container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", **fields}]}}


PLANTED: dict[str, dict[str, Any]] = {
    "Secret data": thing("Secret", data={"password": CANARY}, stringData={"a": CANARY}, type="Opaque"),
    "Secret's last applied": thing("Secret") | {"metadata": {"name": "x", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": CANARY}}},
    "environment": thing("Pod", **with_container(env=[{"name": "DB_PASSWORD", "value": CANARY}, {"name": "PLAIN", "value": CANARY}])),
    "environment of an init container": thing("Pod", spec={"initContainers": [{"env": [{"name": "X", "value": CANARY}]}]}),
    "environment of a template": thing("Deployment", spec={"template": with_container(env=[{"name": "X", "value": CANARY}])}),
    "environment of a CronJob": thing("CronJob", spec={"jobTemplate": {"spec": {"template": with_container(env=[{"name": "X", "value": CANARY}])}}}),
    "environment of a custom resource": thing("Kafka", spec={"kafka": {"template": {"env": [{"name": "X", "value": CANARY}]}}}),
    "Felix' secret": thing("DaemonSet", "calico-node", spec={"template": with_container(env=[{"name": "FELIX_TYPHAKEYSECRET", "value": CANARY}])}),
    "command": thing("Pod", **with_container(command=["run", "--password", CANARY])),
    "args": thing("StatefulSet", spec={"template": with_container(args=[f"--token={CANARY}"])}),
    "args of one that is read": thing("DaemonSet", "kube-proxy", spec={"template": with_container(args=[f"--password={CANARY}"])}),
    "ConfigMap of anybody": thing("ConfigMap", data={"app.properties": f"x={CANARY}", "note": f"the word is {CANARY}"}),
    "ConfigMap's binary data": thing("ConfigMap", binaryData={"a": CANARY}),
    "ConfigMap that is read": thing("ConfigMap", "kube-proxy", data={"kubeconfig.conf": f"token: {CANARY}", "x": f"password = '{CANARY}'"}),
    "key of a ConfigMap that is read": thing("ConfigMap", "coredns", data={"api-key": CANARY}),
    "private key": thing("FelixConfiguration", spec={"text": PEM}),
    "cut private key": thing("FelixConfiguration", spec={"text": PEM[:60] + CANARY}),
    "bearer": thing("Installation", spec={"header": f"Authorization: Bearer {CANARY}"}),
    "basic": thing("Installation", spec={"x": f"basic {CANARY}"}),
    "password in an address": thing("Installation", spec={"url": f"https://user:{CANARY}@registry.example/x"}),
    "field named password": thing("BGPPeer", spec={"password": CANARY}),
    "field named clientSecret": thing("OIDC", spec={"auth": {"clientSecret": CANARY}}),
    "field in capitals": thing("X", spec={"API_KEY": CANARY}),
    "annotation": thing("Service") | {"metadata": {"name": "x", "annotations": {"example.com/token": CANARY, "b": f"secret={CANARY}"}}},
    "last applied": thing("Service") | {"metadata": {"name": "x", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": CANARY}}},
    "managed fields": thing("Service") | {"metadata": {"name": "x", "managedFields": [{"fieldsV1": {CANARY: {}}}]}},
    "Helm values": thing("HelmChart", spec={"valuesContent": f"auth:\n  password: {CANARY}\n"}),
    "json inside": thing("Installation", spec={"text": '{"password": "' + CANARY + '"}'}),
    "schema": thing("CustomResourceDefinition", spec={"versions": [{"name": "v1", "schema": {"default": CANARY}}]}),
    "header of a probe": thing("Pod", **with_container(livenessProbe={"httpGet": {"httpHeaders": [{"name": "X-Shared", "value": CANARY}]}})),
    "command of a probe": thing("Pod", **with_container(readinessProbe={"exec": {"command": ["mysql", f"-p{CANARY}"]}})),
    "command of a hook": thing("Pod", **with_container(lifecycle={"preStop": {"exec": {"command": ["curl", CANARY]}}})),
    "name and value": thing("X", spec={"settings": [{"name": "DB_PASSWORD", "value": CANARY}, {"key": "apiKey", "value": CANARY}]}),
    "short word": thing("X", spec={"text": f"user=bob pwd={CANARY}"}),
    "flex volume's options": thing("PersistentVolume", spec={"flexVolume": {"options": {"password": CANARY}}}),
    "kubeconfig": thing("X", spec={"kubeconfig": CANARY}),
}  # fmt: skip


@pytest.mark.parametrize("what", PLANTED)
def test_a_canary_does_not_leave(what: str) -> None:
    planted = copy.deepcopy(PLANTED[what])
    text = json.dumps(reduced(planted))
    assert CANARY not in text, what
    assert planted == PLANTED[what], "the input is not changed"


@pytest.mark.parametrize(
    "token", [JWT, "AKIAABCDEFGHIJKLMNOP", "ghp_abcdefghijklmnopqrstuvwxyz0123", "xoxb-1234567890-abcdef"]
)
def test_tokens_of_known_shapes_do_not_leave_anywhere(token: str) -> None:
    assert token not in redacted_text(f"some text {token} and more")
    assert token not in json.dumps(reduced(thing("Service", spec={"x": token})))


@pytest.mark.parametrize(
    "text",
    [
        "https://registry.example:5000/shop/web:1.2",
        "secretName: shop-tls",
        "role: tokenreview",
        "10.244.0.0/16",
        "app == 'web' && has(secret)",
        "--cluster-cidr=10.244.0.0/16",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted_text(text) == text


def test_names_labels_and_structure_stay() -> None:
    pod = thing(
        "Pod",
        "web",
        spec={
            "nodeName": "wrk-1",
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"ports": [{"hostPort": 80}]}],
        },
    )
    pod["metadata"]["labels"] = {"app": "web", "secret-of": "nobody"}
    assert reduced(pod) == pod


def test_a_secret_keeps_its_name_and_type() -> None:
    found = reduced(
        thing("Secret", "sh.helm.release.v1.cilium.v3", type="helm.sh/release.v1", data={"release": "x"})
    )
    assert found == {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {"name": "sh.helm.release.v1.cilium.v3", "namespace": "shop"},
    }


def test_the_environment_that_rules_read_stays() -> None:
    env = [
        {"name": "IP_AUTODETECTION_METHOD", "value": "interface=eth0"},
        {"name": "FELIX_VXLANPORT", "value": "4789"},
        {"name": "CALICO_IPV4POOL_CIDR", "value": "10.244.0.0/16"},
        {"name": "NODENAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]
    found = reduced(thing("DaemonSet", "calico-node", spec={"template": with_container(env=env)}))
    assert found["spec"]["template"]["spec"]["containers"][0]["env"] == env


def test_the_command_lines_that_rules_read_stay() -> None:
    found = reduced(
        thing(
            "DaemonSet",
            "kube-proxy",
            spec={"template": with_container(command=["kube-proxy", "--proxy-mode=ipvs"])},
        )
    )
    assert found["spec"]["template"]["spec"]["containers"][0]["command"] == [
        "kube-proxy",
        "--proxy-mode=ipvs",
    ]


def test_of_a_strange_config_map_addresses_and_words_of_calico_stay() -> None:
    text = f"allow 10.244.0.0/16, fd00::/64 and 192.168.1.7; pw {CANARY}; alert: felix_active > 0 on cali.* projectcalico"
    found = reduced(thing("ConfigMap", data={"pg_hba.conf": text}))
    assert found["data"] == {
        "pg_hba.conf": "10.244.0.0/16 fd00::/64 192.168.1.7 felix_active cali. projectcalico"
    }


def test_a_config_map_that_is_read_stays_but_for_what_looks_like_a_secret() -> None:
    found = reduced(thing("ConfigMap", "kube-proxy", data={"config.conf": f"mode: ipvs\ntoken: {CANARY}\n"}))
    assert found["data"]["config.conf"] == f"mode: ipvs\ntoken: {HIDDEN}\n"


def test_a_definition_keeps_names_versions_and_conditions() -> None:
    spec = {
        "group": "cilium.io",
        "names": {"kind": "X"},
        "versions": [{"name": "v2", "served": True, "storage": True, "schema": {}}],
    }
    found = reduced(thing("CustomResourceDefinition", spec=spec, status={"conditions": []}))
    assert found["spec"]["versions"] == [{"name": "v2", "served": True, "storage": True}]
    assert found["status"] == {"conditions": []}


def test_managed_fields_stay_for_the_release_of_cilium_alone() -> None:
    item = thing("Deployment") | {
        "metadata": {
            "name": "x",
            "annotations": {"meta.helm.sh/release-name": "cilium"},
            "managedFields": [{"manager": "helm"}],
        }
    }
    assert reduced(item)["metadata"]["managedFields"] == [{"manager": "helm"}]


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"kind": "Secret", "metadata": 7},
        {"kind": "ConfigMap", "data": ["x"]},
        {"kind": "Pod", "spec": {"containers": [{"env": ["x", {"value": CANARY}]}]}},
    ],
)
def test_odd_objects_are_no_way_round(odd: dict[str, Any]) -> None:
    assert CANARY not in json.dumps(reduced(odd))
