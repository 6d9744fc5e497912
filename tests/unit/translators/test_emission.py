"""Policy maps: listed ICMP types, the short form where it is needed and may be used, and where nothing helps."""

from __future__ import annotations

from typing import Any

import pytest

from translators import CiliumConfig, Options, translate
from translators.report import Report
from translators.world import AddressPlan

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"env": "prod"}}}
PLAN = AddressPlan(stated=True)


def pods(count: int) -> list[dict[str, Any]]:
    """Give pods of distinct labels, hence of distinct identities."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"p{n}", "namespace": "a", "labels": {"app": str(n)}},
            "spec": {"containers": []},
            "status": {"phase": "Running"},
        }
        for n in range(count)
    ]


def policy(*ingress: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"namespaceSelector": "all()", "selector": "app == '0'", "ingress": list(ingress)},
    }


def report(count: int, rule: dict[str, Any], options: Options | None = None) -> tuple[Report, str]:
    done = translate([policy(rule)], cluster=[NAMESPACE, *pods(count)], options=options, plan=PLAN)
    return done.report, "".join(f.text for f in done.files)


PINGS = {"action": "Allow", "protocol": "ICMP", "source": {"namespaceSelector": "all()"}}


def test_all_icmp_is_listed_while_the_map_holds_it() -> None:
    found, text = report(40, PINGS)
    assert found.policies[0].grade == "S0"
    assert text.count("type:") == 256
    assert found.method.sizes["map_entries"] == 40 * 256 + 6


def test_all_icmp_takes_its_short_form_where_the_map_would_overflow() -> None:
    found, text = report(106, PINGS)
    assert (found.policies[0].grade, found.policies[0].codes) == ("S1", ("CAL-L503",))
    assert found.policies[0].conditions == ("Cilium 1.20",)
    assert text.count("type: 0") == 1
    assert found.method.sizes["map_entries"] == 112
    assert not found.differences


@pytest.mark.parametrize("limit", [100, 16384])
def test_a_pod_whose_map_overflows_gets_no_policy(limit: int) -> None:
    options = Options(cilium_version=(1, 19), cilium=CiliumConfig(policy_map_max=limit))
    found, text = report(106, PINGS, options)
    assert "CAL-V802" in found.policies[0].codes
    assert (found.policies[0].disposition, text) == ("refused", "")
    (finding,) = [f for f in found.findings if f.code == "CAL-V802"]
    assert finding.text == f"27,142 entries estimated for a/p0, limit {limit:,}; denies could get lost."


def test_a_larger_map_holds_the_list_again() -> None:
    found, _ = report(106, PINGS, Options(cilium=CiliumConfig(policy_map_max=65536)))
    assert found.policies[0].grade == "S0"


def test_a_hole_in_the_ports_costs_19_entries_a_peer() -> None:
    rule = {**PINGS, "protocol": "TCP", "destination": {"notPorts": [25]}}
    found, _ = report(106, rule)
    assert found.method.sizes["map_entries"] == 2020


def test_the_one_to_one_translation_is_measured_beside_the_right_one() -> None:
    found, _ = report(40, PINGS)
    sizes = found.method.sizes
    assert (sizes["elements"], sizes["naive_elements"]) == (1, 1)
    assert sizes["naive_map_entries"] == sizes["map_entries"]


def test_a_cluster_without_a_pod_that_cilium_polices_has_no_policy_map() -> None:
    on_host = {**pods(1)[0], "spec": {"hostNetwork": True, "containers": []}}
    done = translate([policy({"action": "Allow"})], cluster=[NAMESPACE, on_host], plan=PLAN)
    assert "map_entries" not in done.report.method.sizes
    assert done.report.method.sizes["naive_elements"] == 1
