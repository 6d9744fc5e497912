"""Everything that the product reads, one row each: good documents, how to spoil them, and the command that reads one.

A new reader is a new row: nothing else changes. The commands are the user's own.
"""

from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.capabilities import ROOT, SHARED
from tests.robustness import made
from tests.robustness.mutations import spoil, spoil_archive
from translators import Translation, translate
from translators.report import to_json
from translators.source import read

EXAMPLES = ROOT / "examples"
SMALL = 6_000
NO_CLUSTER = 7
POLICY = """\
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec:
  selector: app == 'web'
  tier: default
  ingress: [{action: Allow, protocol: TCP, source: {selector: app == 'api'}, destination: {ports: [80]}}]
"""
TIERED = POLICY.replace("tier: default", "tier: front")
Spoil = Callable[[bytes, random.Random], tuple[str, bytes]]
Command = Callable[[Path, Path], list[str]]
"""Gives the arguments of ``c2c`` for a spoilt document; the second folder holds good documents to go with it."""


@dataclass(frozen=True)
class Reader:
    """One reader. ``share`` is its part of all documents, ``suffix`` the name's end of a spoilt one.

    ``has_lines``: its documents are text, so a refusal must name a line or a key, not only the file. ``judges``: the
    command is a comparison, which says with exit 3 that two sets differ, and not that a document is bad. ``sound``:
    what the command ends with besides 0 where the document is good, such as for want of a cluster. ``at_once``: how
    many documents one child reads.
    """

    name: str
    share: int
    suffix: str
    seeds: Callable[[], Sequence[bytes]]
    command: Command
    spoil: Spoil = spoil
    has_lines: bool = True
    judges: bool = False
    sound: frozenset[int] = frozenset()
    at_once: int = 500


def _small(paths: Sequence[Path]) -> list[bytes]:
    return [content for path in paths if len(content := path.read_bytes()) <= SMALL]


@cache
def policies() -> Sequence[bytes]:
    """Give policies of every kind: the examples, those of others, Cilium's and Kubernetes' own."""
    found = _small(sorted((EXAMPLES / "policies").glob("*.yaml")))
    found += _small(sorted((SHARED / "corpus").glob("*.yaml"))) if (SHARED / "corpus").is_dir() else []
    return [*found, POLICY.encode(), KUBERNETES.encode()]


@cache
def objects() -> Sequence[bytes]:
    """Give files of a snapshot, each cut down to a few objects."""
    found = []
    for path in sorted((EXAMPLES / "cluster").glob("*.json")):
        data = json.loads(path.read_bytes())
        if "items" in data:
            data["items"] = data["items"][:3]
        found.append(json.dumps(data).encode())
    return [*found, SETS.encode()]


@cache
def archives() -> Sequence[bytes]:
    """Give a snapshot as an archive, packed in two ways."""
    found = []
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz", format=form, compresslevel=1) as archive:
            for number, content in enumerate(objects()[:4]):
                member = tarfile.TarInfo(f"snapshot/{number}.json")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        found.append(stream.getvalue())
    return found


@cache
def translation(text: str) -> Translation:
    """Give what is written for policies, and the report on it."""
    return translate(read("all.yaml", text.encode()).documents)


def emitted() -> Sequence[bytes]:
    """Give manifests as they are written, and one of everything else that Cilium's kinds may hold."""
    return [*(file.text.encode() for file in translation(POLICY).files), CILIUM.encode(), GROUPS.encode()]


def reports() -> Sequence[bytes]:
    """Give the report that stands beside written manifests."""
    return [json.dumps(to_json(translation(ALL).report)).encode()]


def _beside_report(path: Path, good: Path) -> list[str]:
    """Put the manifests beside a spoilt report, as they were written with it."""
    folder = path.parent.parent
    for file in translation(ALL).files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text, encoding="utf-8")
    return ["verify", "--before", str(good / "all.yaml"), "--after", str(folder)]


def _run_of(path: Path, good: Path) -> list[str]:
    """Put the plan beside a spoilt journal."""
    (path.parent / "plan.json").write_bytes(made.plan())
    return ["status", "--state-dir", str(path.parent.parent)]


def _with_values(path: Path, good: Path) -> list[str]:
    """Name spoilt Helm values in a configuration."""
    settings = path.with_name("c2c.yaml")
    settings.write_text(made.SETTINGS.replace("cilium: {", f"cilium: {{values: {path}, "), encoding="utf-8")
    return ["preflight", "--cluster", str(good / "cluster"), "--config", str(settings)]


def word(content: bytes) -> str:
    """Give a command-line word: bytes that no shell could hand over are left out."""
    return content.decode("utf-8", "ignore").replace("\0", "")


def _text(*texts: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [text.encode() for text in texts]


def _translate(path: Path, good: Path) -> list[str]:
    return ["translate", str(path)]


KUBERNETES = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {}}, {ipBlock: {cidr: 203.0.113.0/24, except: [203.0.113.0/28]}}], ports: [{port: 5432}]}]
  egress: [{to: [{namespaceSelector: {matchExpressions: [{key: env, operator: In, values: [prod]}]}}]}]
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  ingress: [{action: Deny, from: [{namespaces: {matchLabels: {env: dev}}}], protocols: [{tcp: {destinationPort: {number: 22}}}]}]
"""
ALL = f"{POLICY}---\n{KUBERNETES}"
SETS = """\
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: bad, labels: {trust: "no"}}
spec: {nets: [203.0.113.0/24, "2001:db8::/32"]}
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: n1, labels: {role: node}}
spec: {node: n1, interfaceName: "*", expectedIPs: [10.0.0.11]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}, clusterIP: 10.96.0.10, ports: [{name: pg, port: 5432, targetPort: pg}]}
---
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: front}
spec: {order: 10, defaultAction: Pass}
"""
CILIUM = """\
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: web}
specs:
- endpointSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}
  ingress:
  - fromEndpoints: [{matchLabels: {app: api}, matchExpressions: [{key: io.kubernetes.pod.namespace, operator: Exists}]}]
    toPorts: [{ports: [{port: "80", protocol: TCP, endPort: 90}]}]
  - fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, {cidrGroupRef: bad}]
    icmps: [{fields: [{type: 8, family: IPv4}]}]
- endpointSelector: {}
  enableDefaultDeny: {egress: false}
  egressDeny: [{toEntities: [world], toPorts: [{ports: [{port: http, protocol: ANY}]}]}]
"""
GROUPS = """\
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: bad, labels: {trust: "no"}}
spec: {externalCIDRs: [203.0.113.0/24]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p, namespace: shop}
spec: {endpointSelector: {matchLabels: {app: db}}, ingress: [{fromCIDRSet: [{cidrGroupRef: bad}]}]}
"""
CONFIGURATION = """\
apiVersion: c2c/v1alpha1
kind: Config
calico:
  policies: [policies/]
cilium:
  version: "1.20"
addresses:
  pods: [10.244.0.0/16]
  nodes: [10.0.0.0/24]
  services: [10.96.0.0/12]
  apiServer: [10.0.0.1/32]
translate:
  failOn: stricter
  approximate: {default: stricter}
  kubernetesPolicies: native
  accept: [{id: CAL-L502, object: shop/probes, reason: "type 8 only", by: alice}]
"""
PLAN = "addresses:\n  pods: [10.244.0.0/16]\n  nodes: [10.0.0.0/24]\n  services: [10.96.0.0/12]\n  apiServer: [10.0.0.1/32]\n"
CILIUM_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data:
  enable-ipv4: "true"
  enable-ipv6: "false"
  policy-cidr-match-mode: "nodes"
  bpf-policy-map-max: "16384"
  labels: "k8s:app k8s:!job-name io.kubernetes.pod.namespace"
  enable-policy: default
  allow-localhost: auto
"""
FLOWS = "\n".join(
    json.dumps(item)
    for item in (
        {
            "id": 1,
            "src": {"pod": "shop/web-0"},
            "dst": {"pod": "shop/web-1"},
            "protocol": "TCP",
            "port": 5432,
        },
        {"id": "b", "src": {"ip": "203.0.113.9"}, "dst": {"ip": "10.244.1.2"}, "protocol": 17, "port": 53},
        {
            "src": {"ip": "10.0.0.11"},
            "dst": {"pod": "shop/db"},
            "protocol": "ICMP",
            "icmp_type": 8,
            "icmp_code": 0,
        },
        {
            "src": {"ip": "2001:db8::1"},
            "dst": {"ip": "2001:db8::2"},
            "protocol": "TCP",
            "port": 1,
            "src_port": 2,
            "family": 6,
        },
    )
)

EXPECTATIONS = """\
- {from: shop/app=web, to: shop/app=web, port: 80/TCP, expect: drop}
- {from: shop/web-0, to: 203.0.113.9, port: 443, expect: allow}
- from: world
  to: shop/app=web
  port: icmp/8
  expect: drop
"""
READERS: tuple[Reader, ...] = (
    Reader("policies", 40, ".yaml", policies, _translate),
    Reader("policies-of-a-folder", 4, "/x/p.yml", policies, lambda p, g: ["lint", str(p.parent.parent)]),
    Reader("pictured", 6, ".yaml", policies, lambda p, g: ["translate", str(p), "-o", "svg"]),
    Reader("compared", 6, ".yaml", policies, lambda p, g: ["diff", "--before", str(p), "--after", str(g / "policy.yaml")], judges=True),
    Reader("asked", 6, "/cluster/objects.yaml", lambda: [*policies(), *objects()],
           lambda p, g: ["explain", "--engine", "calico", "--cluster", str(p.parent), "--flows", str(g / "flows.jsonl")], judges=True),
    Reader(
        "snapshot", 14, "/cluster/objects.json", objects,
        lambda p, g: ["translate", str(g / "policy.yaml"), "--cluster", str(p.parent)],
    ),
    Reader(
        "archive", 8, ".tgz", archives,
        lambda p, g: ["translate", str(g / "policy.yaml"), "--cluster", str(p)],
        spoil_archive, has_lines=False,
    ),
    Reader("configuration", 8, ".yaml", _text(CONFIGURATION), lambda p, g: ["translate", str(g / "policy.yaml"), "--config", str(p)]),
    Reader("configuration-alone", 4, ".yaml", _text(CONFIGURATION), lambda p, g: ["config", "validate", str(p)]),
    Reader("address-plan", 5, ".yaml", _text(PLAN, PLAN.replace("addresses:\n", "").replace("  ", "")),
           lambda p, g: ["translate", str(g / "policy.yaml"), "--address-plan", str(p)]),
    Reader("cilium-config", 5, ".yaml", _text(CILIUM_CONFIG), lambda p, g: ["translate", str(g / "policy.yaml"), "--cilium-config", str(p)]),
    Reader("tier-option", 2, ".txt", _text("front=10", "front=10:Pass", "front=1.5:Deny"),
           lambda p, g: ["translate", str(g / "tiered.yaml"), f"--tier={word(p.read_bytes())}"], has_lines=False),
    Reader("flows", 6, ".jsonl", _text(FLOWS), lambda p, g: ["explain", "--engine", "calico", "--cluster", str(g / "cluster"), "--flows", str(p), "-o", "jsonl"]),
    Reader("expectations", 5, ".yaml", _text(EXPECTATIONS), lambda p, g: ["verify", "--before", str(g / "policy.yaml"), "--cluster", str(g / "cluster"), "--expect", str(p)], judges=True),
    Reader("snapshot-index", 2, "/cluster/snapshot.json", lambda: [(EXAMPLES / "cluster" / "snapshot.json").read_bytes()],
           lambda p, g: ["translate", str(g / "policy.yaml"), "--cluster", str(p.parent)], has_lines=False),
    Reader("flow-in-words", 2, ".txt", _text("shop/web-0 shop/web-1:80", "203.0.113.9 shop/app=web:80/TCP", "shop/web-0 10.0.0.11:53/UDP"),
           lambda p, g: ["explain", "--before", str(g / "policy.yaml"), "--cluster", str(g / "cluster"), "--", *word(p.read_bytes()).split(" ", 1)],
           has_lines=False, judges=True),
    Reader("cilium", 10, ".yaml", emitted, lambda p, g: ["verify", "--before", str(g / "policy.yaml"), "--after", str(p)], judges=True),
    Reader("saved-report", 2, ".json", lambda: [made.report(".json")], lambda p, g: ["report", "--from", str(p)], has_lines=False),
    Reader("saved-page", 2, ".html", lambda: [made.report(".html")], lambda p, g: ["report", "--from", str(p)], has_lines=False),
    Reader("preflight-snapshot", 1, "/cluster/objects.json", objects, lambda p, g: ["preflight", "--cluster", str(p.parent)], judges=True, at_once=100),
    Reader("helm-values", 1, ".yaml", _text(made.VALUES), _with_values, judges=True, has_lines=False, at_once=100),
    Reader("plan", 3, ".json", lambda: [made.plan()],
           lambda p, g: ["apply", str(p), "--yes", "--expect-cluster", "x", "--kubeconfig", str(g / "none")],
           has_lines=False, sound=frozenset({NO_CLUSTER})),
    Reader("journal", 3, "/runs/0123abcd/journal.jsonl", lambda: [made.journal()], _run_of, judges=True, has_lines=False),
    Reader("report", 2, "/out/.c2c/report.json", reports, _beside_report, has_lines=False, judges=True),
)  # fmt: skip
BY_NAME: Mapping[str, Reader] = {reader.name: reader for reader in READERS}


def lay_out(folder: Path) -> None:
    """Write the good documents that go with a spoilt one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "all.yaml").write_text(ALL, encoding="utf-8")
    (folder / "flows.jsonl").write_text(FLOWS, encoding="utf-8")
    (folder / "tiered.yaml").write_text(TIERED, encoding="utf-8")
    cluster = folder / "cluster"
    cluster.mkdir(exist_ok=True)
    for number, content in enumerate(objects()):
        suffix = "json" if content[:1] == b"{" else "yaml"
        (cluster / f"{number}.{suffix}").write_bytes(content)
    (cluster / "policies.yaml").write_text(POLICY, encoding="utf-8")


def document(reader: Reader, seed: int) -> tuple[str, bytes]:
    """Give the spoilt document of a number, and the way in which it is spoilt."""
    rng = random.Random(f"{reader.name}/{seed}")
    return reader.spoil(rng.choice(reader.seeds()), rng)
