"""Cilium's genuine CRDs, as a program of the tools prints them: for tests that need the kinds without the operator."""

from __future__ import annotations

import subprocess
from functools import cache

import yaml

from tests import capabilities
from tests.controlplane import crds
from tests.controlplane.client import Api, Object


@cache
def definitions() -> tuple[Object, ...]:
    """Give all 22 CRDs."""
    program = str(capabilities.binary("cilium-crds"))
    text = subprocess.run([program], capture_output=True, check=True).stdout
    return tuple(crd for crd in yaml.load_all(text, Loader=yaml.CSafeLoader) if crd)


def install(api: Api, *kinds: str) -> None:
    """Install all CRDs, or those of the kinds named, and wait until each is Established."""
    wanted = [crd for crd in definitions() if not kinds or crd["spec"]["names"]["kind"] in kinds]
    crds.establish(api, wanted)
