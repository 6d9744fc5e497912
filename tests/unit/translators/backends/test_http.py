from __future__ import annotations

from typing import Any

import yaml

from translators import Options, translate

ENFORCE = Options(http="enforce")


def _policy(*rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": "app == 'web'", "ingress": [{"action": "Allow", **rule} for rule in rules]},
    }


def _from(app: str, port: int = 80, **more: object) -> dict[str, Any]:
    return {
        "protocol": "TCP",
        "source": {"selector": f"app == '{app}'"},
        "destination": {"ports": [port]},
        **more,
    }


GET = {"methods": ["GET"], "paths": [{"exact": "/a.b"}, {"prefix": "/v1/"}]}


def _ports(policy: dict[str, Any], options: Options = ENFORCE) -> tuple[list[dict[str, Any]], set[str]]:
    result = translate([policy], options=options)
    assert result.report.method.open_obligations == 0
    assert result.report.policies[0].grade == "S0"
    (written,) = [d for d in yaml.safe_load_all(result.files[0].text) if d]
    entries = [entry for element in written["spec"]["ingress"] for entry in element.get("toPorts", [])]
    return entries, {f.code for f in result.report.findings}


def test_methods_and_paths_become_requests() -> None:
    ((entry,), codes) = _ports(_policy(_from("client", http=GET)))
    assert entry["rules"] == {
        "http": [{"method": "GET", "path": "/a\\.b"}, {"method": "GET", "path": "/v1/.*"}]
    }
    assert "CAL-L513" not in codes


def test_without_the_option_layer_4_is_all_and_the_code_says_so() -> None:
    ((entry,), codes) = _ports(_policy(_from("client", http=GET)), Options())
    assert "rules" not in entry
    assert "CAL-L513" in codes


def test_all_ports_become_a_range_since_layer_7_knows_no_port_0() -> None:
    rule = {"protocol": "TCP", "source": {"selector": "app == 'client'"}, "http": {"methods": ["GET"]}}
    ((entry,), _) = _ports(_policy(rule))
    assert entry["ports"] == [{"port": "1", "endPort": 65535, "protocol": "TCP"}]


def test_what_a_plain_rule_allows_is_not_limited() -> None:
    entries, _ = _ports(_policy(_from("client", http=GET), _from("client")))
    assert entries == [{"ports": [{"port": "80", "protocol": "TCP"}]}]
    entries, _ = _ports(_policy(_from("client", http=GET), _from("client", 81)))
    assert sorted(str("rules" in entry) for entry in entries) == ["False", "True"]


def test_a_rule_of_more_than_tcp_cannot_be_limited_and_keeps_its_code() -> None:
    rule = {"source": {"selector": "app == 'client'"}, "http": {"methods": ["GET"]}}
    entries, codes = _ports(_policy(rule))
    assert entries == []
    assert "CAL-L513" in codes


def test_a_path_that_is_neither_exact_nor_a_prefix_is_refused() -> None:
    result = translate([_policy(_from("client", http={"paths": [{}]}))])
    assert result.report.policies[0].disposition == "refused"
