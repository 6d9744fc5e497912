"""What an input may hold beside sound policies: each defect is named where it stands, and hides nothing else."""

from __future__ import annotations

import pytest

from translators import translate
from translators.source import read

TIER = "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: sec}\nspec: {order: 10}\n"
IN_TIER = """\
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: sec.p}
spec: {tier: sec, namespaceSelector: all(), types: [Ingress], ingress: [{action: Allow, protocol: TCP}]}
"""
SET = """\
apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: bad, labels: {role: bad}}
spec: {nets: [203.0.113.0/24]}
"""
PLAIN = """\
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: p, namespace: a}
spec: {selector: app == 'web', types: [Ingress]}
"""


def report(*documents):
    reading = read("in.yaml", "---\n".join(documents).encode())
    return translate(reading.documents, diagnostics=reading.diagnostics).report


def by_code(found):
    return {f.code: f for f in found.findings}


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("{order: first}", "CAL-P119"),
        ("{order: 10, defaultAction: Drop}", "CAL-P105"),
        ("{order: 10, defaultaction: Pass}", "CAL-P103"),
    ],
)
def test_policies_of_a_tier_that_cannot_be_read_wait_for_it(spec, code):
    found = report(TIER.replace("{order: 10}", spec), IN_TIER, PLAIN)
    assert [(p.name, p.grade) for p in found.policies] == [("sec.p", "X"), ("p", "S0")]
    assert code in by_code(found)
    assert "A Tier sec that can be read" in by_code(found)["CAL-P115"].text


def test_of_two_objects_of_one_name_none_is_taken_for_the_true_one():
    found = report(PLAIN, PLAIN.replace("web", "db"), PLAIN.replace("name: p", "name: q"))
    assert [(p.name, p.disposition) for p in sorted(found.policies, key=lambda p: p.source)] == [
        ("p", "refused"),
        ("p", "refused"),
        ("q", "translated"),
    ]


def test_two_tiers_of_one_name_leave_their_policies_undecided():
    found = report(TIER, TIER.replace("10", "20"), IN_TIER)
    assert [p.grade for p in found.policies] == ["X"]
    assert {"CAL-P121", "CAL-P115"} <= by_code(found).keys()


def test_two_sets_of_one_name_leave_every_policy_of_calico_undecided():
    found = report(SET, SET.replace("203.0.113.0", "198.51.100.0"), PLAIN)
    assert [(p.grade, p.codes) for p in found.policies] == [("X", ("CAL-P121",))]


def test_equal_objects_count_once():
    found = report(TIER, TIER, SET, SET, IN_TIER, IN_TIER)
    assert [p.grade for p in found.policies] == ["S0"]
    assert not [f for f in found.findings if f.severity == "error"]


def test_a_tier_among_the_files_takes_the_place_of_the_clusters():
    cluster = read("cluster.yaml", TIER.replace("10", "20").encode()).documents
    found = translate(read("in.yaml", (TIER + "---\n" + IN_TIER).encode()).documents, cluster=cluster).report
    assert "CAL-P121" not in by_code(found)
    assert [p.grade for p in found.policies] == ["S0"]


def test_a_field_of_a_set_that_means_nothing_here_is_named_and_no_policy_before_it_pays_for_it():
    found = report(PLAIN, SET.replace("{nets:", "{allowedEgressDomains: [a.com], nets:"))
    assert [p.grade for p in found.policies] == ["S0"]
    finding = by_code(found)["CAL-P103"]
    assert (finding.object, finding.severity, finding.span.line) == ("GlobalNetworkSet bad", "error", 9)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: p", "name: Bad_Name"),
        ("name: p", f"name: {'x' * 254}"),
        ("namespace: a", "namespace: a.b"),
        ("namespace: a", "namespace: ' a'"),
    ],
)
def test_a_name_that_no_cluster_holds_is_refused(old, new):
    found = report(PLAIN.replace(old, new))
    assert [p.disposition for p in found.policies] == ["refused"]
    assert by_code(found).keys() >= {"CAL-P105"}


@pytest.mark.parametrize(
    "version", ["projectcalico.org/v4", "extensions/v1beta1", "networking.k8s.io/v1beta1", ""]
)
def test_a_policy_of_a_version_that_is_not_read_is_named(version):
    line = f"apiVersion: {version}\n" if version else ""
    found = report(PLAIN.replace("apiVersion: projectcalico.org/v3\n", line))
    assert [(p.disposition, p.codes) for p in found.policies] == [("refused", ("CAL-P102",))]


def test_a_type_that_is_none_is_refused_and_not_left_out():
    spec = "{podSelector: {}, policyTypes: [ingress]}"
    native = f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: n, namespace: a}}\nspec: {spec}\n"
    assert [p.disposition for p in report(native).policies] == ["refused"]


def test_a_port_name_that_no_cluster_takes_is_refused():
    spec = '{podSelector: {}, ingress: [{ports: [{port: "a\'"}]}]}'
    native = f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: n, namespace: a}}\nspec: {spec}\n"
    found = report(native)
    assert [p.disposition for p in found.policies] == ["refused"]
    assert "no name of a port" in found.findings[0].text


@pytest.mark.parametrize(
    "selector",
    ["{matchLabels: {env: '::/0'}}", "{matchExpressions: [{key: env, operator: In, values: [a b]}]}"],
)
def test_a_value_that_no_label_has_is_refused(selector):
    spec = f"{{podSelector: {selector}}}"
    native = f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: n, namespace: a}}\nspec: {spec}\n"
    found = report(native)
    assert [p.disposition for p in found.policies] == ["refused"]
    assert "no value of a label" in found.findings[0].text


@pytest.mark.parametrize("where", ["name: p", "namespace: a", "app == 'web'"])
def test_a_template_that_happens_to_be_yaml_is_not_read(where):
    marked = '"{{ .Values.x }}"'
    old, new = (where, f"{where.split(': ')[0]}: {marked}") if ": " in where else (where, marked)
    reading = read("np.yaml", PLAIN.replace(old, new).encode())
    assert not reading.documents
    assert [d.code for d in reading.diagnostics] == ["CAL-P117"]


def test_marks_in_what_decides_nothing_are_no_template():
    text = PLAIN.replace("namespace: a", 'namespace: a, annotations: {summary: "{{ $labels.pod }}"}')
    reading = read(
        "np.yaml", (text + "---\napiVersion: v1\nkind: ConfigMap\ndata: {a: '{{ b }}'}\n").encode()
    )
    assert [d.kind for d in reading.documents] == ["NetworkPolicy", "ConfigMap"]
