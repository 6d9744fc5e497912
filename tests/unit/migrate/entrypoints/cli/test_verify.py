from __future__ import annotations

import json

import pytest

from migrate.entrypoints.cli.main import main
from migrate.exitcodes import ExitCode
from tests.unit.migrate.entrypoints.cli.test_translate import EXACT, STRICTER

WIDER = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: web}}]
    toPorts: [{ports: [{port: "5432", endPort: 5433, protocol: TCP}]}]
"""
EQUAL = WIDER.replace("endPort: 5433, ", "")


@pytest.fixture
def sides(tmp_path):
    def write(after: str) -> list[str]:
        (tmp_path / "before.yaml").write_text(EXACT)
        (tmp_path / "after.yaml").write_text(after)
        return ["--before", str(tmp_path / "before.yaml"), "--after", str(tmp_path / "after.yaml")]

    return write


def test_a_hand_written_set_that_means_the_same_is_proved(sides, capsys):
    assert main(["verify", *sides(EQUAL)]) == ExitCode.DONE
    assert "same verdicts" in capsys.readouterr().out


def test_a_wider_port_range_is_a_counterexample_with_both_places(sides, capsys):
    assert main(["verify", *sides(WIDER), "-o", "json"]) == ExitCode.BLOCKED
    report = json.loads(capsys.readouterr().out)
    (found,) = report["differences"]
    assert found["effect"] == "opens"
    assert "5433" in found["packets"]
    assert found["before"]["verdict"] == "deny"
    assert "after.yaml:" in found["after"]["place"]
    assert report["engines"] == {"before": "calico", "after": "cilium"}
    assert report["reason"] == "ProofFailed"
    assert [f["id"] for f in report["findings"]] == [found["finding"]]


@pytest.mark.parametrize(
    ("more", "code"), [([], ExitCode.DONE), (["--detailed-exitcode"], ExitCode.DIFFERENCES)]
)
def test_diff_informs_and_fails_only_if_asked(sides, capsys, more, code):
    assert main(["diff", *sides(WIDER), *more]) == code
    assert "Cilium allows what Calico drops" in capsys.readouterr().out


def test_diff_of_equal_sets_is_silent_about_flows(sides, capsys):
    assert main(["diff", *sides(EQUAL), "--detailed-exitcode"]) == ExitCode.DONE


def test_exchanged_sides_are_named(sides, capsys):
    before, after = sides(EQUAL)[1::2]
    assert main(["verify", "--before", after, "--after", before]) == ExitCode.USAGE
    assert "exchange" in capsys.readouterr().err


def test_a_side_that_mixes_the_engines_is_refused(sides, tmp_path, capsys):
    sides(EQUAL)
    assert main(["verify", "--before", str(tmp_path), "--after", str(tmp_path)]) == ExitCode.USAGE
    assert "Calico and of Cilium" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["verify", "diff"])
def test_two_calico_sets_are_compared_before_and_after_an_edit(tmp_path, capsys, verb):
    (tmp_path / "old.yaml").write_text(EXACT)
    (tmp_path / "new.yaml").write_text(
        EXACT.replace("5432]", "5432, 5433]").replace("order: 10", "order: 20")
    )
    code = main([verb, "--before", str(tmp_path / "old.yaml"), "--after", str(tmp_path / "new.yaml")])
    assert code == (ExitCode.BLOCKED if verb == "verify" else ExitCode.DONE)
    told = capsys.readouterr().out
    assert "1 policy is not the same" in told
    assert (
        "The new set allows what the old set drops: any pod app=web in shop → any pod app=db in shop, TCP 5433."
        in " ".join(told.split())
    )


def test_an_edit_that_keeps_every_verdict_is_proved(tmp_path, capsys):
    (tmp_path / "old.yaml").write_text(EXACT)
    dead = (
        "  - {action: Allow, protocol: TCP, source: {selector: app == 'web'}, destination: {ports: [5432]}}\n"
    )
    (tmp_path / "new.yaml").write_text(EXACT + dead)
    assert (
        main(["verify", "--before", str(tmp_path / "old.yaml"), "--after", str(tmp_path / "new.yaml")]) == 0
    )
    assert "The two sets give the same verdicts" in capsys.readouterr().out


def test_a_policy_that_cannot_be_judged_is_inconclusive_and_named(sides, tmp_path, capsys):
    arguments = sides(EQUAL)
    (tmp_path / "before.yaml").write_text(
        EXACT + "---\n" + EXACT.replace("name: db", "name: odd").replace("app == 'db'", "app = 'db'")
    )
    assert main(["verify", *arguments, "-o", "json"]) == ExitCode.INCONCLUSIVE
    report = json.loads(capsys.readouterr().out)
    assert report["reason"] == "InputIncomplete"
    assert [f["code"] for f in report["findings"]] == ["CAL-S201"]


def test_an_unreadable_side_is_a_usage_error_with_its_place(sides, tmp_path, capsys):
    arguments = sides(EQUAL)
    (tmp_path / "after.yaml").write_text("a: [")
    assert main(["verify", *arguments]) == ExitCode.USAGE
    assert "after.yaml:" in capsys.readouterr().err


EXPECTED = """\
- {from: shop/app=web, to: shop/app=db, port: 5432/TCP, expect: allow}
- {from: world, to: shop/app=db, port: 5432, expect: drop, why: "PCI DSS 1.3"}
- {from: shop/app=web, to: shop/app=db, port: 5433, expect: drop}
"""


def test_expectations_are_asked_of_both_sides(sides, tmp_path, capsys):
    (tmp_path / "expect.yaml").write_text(EXPECTED)
    assert main(["verify", *sides(EQUAL), "--expect", str(tmp_path / "expect.yaml"), "-o", "json"]) == 0
    answers = json.loads(capsys.readouterr().out)["expectations"]
    assert [(a["engine"], a["holds"]) for a in answers] == [("calico", True)] * 3 + [("cilium", True)] * 3


def test_one_side_with_expectations_replaces_the_comparison(sides, tmp_path, capsys):
    (tmp_path / "expect.yaml").write_text(EXPECTED)
    arguments = ["verify", *sides(WIDER)[2:], "--expect", str(tmp_path / "expect.yaml")]
    assert main(arguments) == ExitCode.BLOCKED
    told = " ".join(capsys.readouterr().out.split())
    assert "2 of 3 expectations hold" in told
    assert "TCP 5433: expected to be dropped, Cilium allows" in told


def test_a_mistake_in_the_expectations_has_its_place(sides, tmp_path, capsys):
    (tmp_path / "expect.yaml").write_text(
        EXPECTED + "- {from: world, to: shop/db:80, port: 80, expect: maybe}\n"
    )
    assert main(["verify", *sides(EQUAL), "--expect", str(tmp_path / "expect.yaml")]) == ExitCode.USAGE
    assert "expect.yaml:4:3: expect: 'maybe' is no verdict" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--before", "x"], ["--expect", "x"]])
def test_too_few_sides_are_a_usage_error(arguments, capsys):
    assert main(["verify", *arguments]) == ExitCode.USAGE


SET = """\
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: partners, namespace: shop, labels: {role: partner}}
spec: {nets: [203.0.113.0/24]}
"""
BY_SET = EXACT.replace("app == 'web'", "role == 'partner'")


@pytest.fixture
def translated(tmp_path):
    policies, cluster = tmp_path / "policies", tmp_path / "cluster"
    for folder in (policies, cluster):
        folder.mkdir()
    (policies / "a.yaml").write_text(BY_SET)
    (cluster / "sets.yaml").write_text(SET)
    out = str(tmp_path / "out")
    assert main(["translate", str(policies), "--cluster", str(cluster), "--out", out]) == ExitCode.DONE
    return ["verify", "--before", str(policies), "--after", out, "--cluster", str(cluster)], cluster


def test_the_conditions_of_a_translation_are_checked_again(translated, capsys):
    arguments, cluster = translated
    assert main(arguments) == ExitCode.DONE
    assert "1 of 1 conditions of the translation hold" in capsys.readouterr().out
    (cluster / "sets.yaml").write_text(SET.replace("203.0.113.0/24", "198.51.100.0/24"))
    assert main([*arguments, "-o", "json"]) == ExitCode.BLOCKED
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert report["conditions"] == [
        {
            "object": "NetworkSet shop/partners",
            "code": "CAL-N411",
            "policies": ["shop/db"],
            "how": "it has changed",
            "known": True,
        }
    ]
    assert "Next: c2c translate" in shown.err


def test_a_condition_whose_object_is_gone_is_broken(translated, capsys):
    arguments, cluster = translated
    (cluster / "sets.yaml").unlink()
    assert main([*arguments, "--exit-zero"]) == ExitCode.DONE
    assert "NetworkSet shop/partners: it is gone." in " ".join(capsys.readouterr().out.split())


def test_a_report_that_does_not_say_what_its_conditions_were_is_inconclusive(translated, tmp_path, capsys):
    arguments, _ = translated
    path = tmp_path / "out" / ".c2c" / "report.json"
    path.write_text(path.read_text().replace('"state":', '"was":'))
    assert main(arguments) == ExitCode.INCONCLUSIVE


def test_an_incomplete_snapshot_is_inconclusive(sides, tmp_path, capsys):
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    (cluster / "snapshot.json").write_text(json.dumps({"kinds": {"nodes": {"error": "forbidden"}}}))
    assert main(["verify", *sides(EQUAL), "--cluster", str(cluster)]) == ExitCode.INCONCLUSIVE
    assert "nodes" in capsys.readouterr().err


def test_a_picture_is_drawn_of_any_two_sets(sides, tmp_path, capsys):
    assert main(["verify", *sides(WIDER), "-o", "svg"]) == ExitCode.BLOCKED
    picture = capsys.readouterr().out
    assert picture.startswith("<svg ")
    assert "before TCP 5432; after TCP 5432–5433 (opens)" in picture


def test_a_difference_that_the_translation_accepted_is_told_and_does_not_fail(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(STRICTER)
    paths = [str(tmp_path / "a.yaml"), str(tmp_path / "out")]
    for more, code in ([], ExitCode.BLOCKED), (["--accept", "CAL-L502=echo only"], ExitCode.DONE):
        assert main(["translate", paths[0], "--out", paths[1], *more]) == code
        capsys.readouterr()
        assert main(["verify", "--before", paths[0], "--after", paths[1]]) == code
        told = " ".join(capsys.readouterr().out.split())
        assert ("Accepted (echo only): Calico allows what Cilium drops: anyone" in told) is bool(more)
