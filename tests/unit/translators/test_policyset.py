from __future__ import annotations

import pytest
import yaml

from translators.errors import InputError
from translators.policyset import CALICO, CILIUM, Around, engine_of, read_set
from translators.settings import Options
from translators.source import Document, from_object

NOTHING = Around(None, None, Options())


def _documents(text: str) -> list[Document]:
    return [from_object(item) for item in yaml.safe_load_all(text)]


CALICOS = _documents(
    "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: net.p}, spec: {tier: net, types: [Ingress]}}"
)
CILIUMS = _documents(
    "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p, namespace: a}, spec: {endpointSelector: {}, ingress: []}}"
)
NATIVES = _documents(
    "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: a}, spec: {podSelector: {}}}"
)


@pytest.mark.parametrize(
    ("documents", "otherwise", "engine"),
    [
        (CALICOS, CILIUM, CALICO),
        (CILIUMS, CALICO, CILIUM),
        ([*CALICOS, *NATIVES], CILIUM, CALICO),
        (NATIVES, CALICO, CALICO),
        (NATIVES, CILIUM, CILIUM),
        ([], CILIUM, CILIUM),
    ],
)
def test_the_kinds_choose_the_engine(documents, otherwise, engine) -> None:
    assert engine_of(documents, otherwise) == engine


def test_a_side_with_both_is_no_side() -> None:
    with pytest.raises(InputError, match="of Calico and of Cilium"):
        engine_of([*CALICOS, *CILIUMS], CALICO)


def test_a_tier_that_is_only_named_is_taken_as_translate_takes_it() -> None:
    found = read_set(CALICOS, CALICO, NOTHING)
    assert [t.name for t in found.calico().tiers] == ["net"]
    assert not found.calico().tiers[0].passes


def test_the_tiers_of_the_cluster_count() -> None:
    tier = _documents(
        "{apiVersion: projectcalico.org/v3, kind: Tier, metadata: {name: net}, spec: {order: 5, defaultAction: Pass}}"
    )
    assert read_set(CALICOS, CALICO, Around(tier, None, Options())).calico().tiers[0].passes


def test_what_no_pods_policy_decides_is_left_out_by_name() -> None:
    special = _documents(
        "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: nat}, spec: {preDNAT: true, applyOnForward: true, types: [Ingress]}}"
    )
    found = read_set([*CALICOS, *special], CALICO, NOTHING)
    assert found.left_out == ("GlobalNetworkPolicy nat",)
    assert [d.name for d in found.documents if d.kind == "GlobalNetworkPolicy"] == ["net.p"]


def test_what_cannot_be_read_is_a_diagnostic() -> None:
    broken = _documents(
        "{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: p, namespace: a}, spec: {selector: 'a = b'}}"
    )
    assert [d.code for d in read_set(broken, CALICO, NOTHING).diagnostics] == ["CAL-S201"]


def test_an_object_that_cilium_would_refuse_is_named_with_the_reason() -> None:
    ((_, name, reason),) = read_set(CILIUMS, CILIUM, NOTHING).refused()
    assert name == "CiliumNetworkPolicy p"
    assert reason
    assert read_set(CALICOS, CALICO, NOTHING).refused() == ()
