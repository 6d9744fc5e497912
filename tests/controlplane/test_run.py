"""``c2c run`` again and again, as a scheduler does, and one run through a kill, the end of its time and a person's word."""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.controlplane.client import Object, eventually
from tests.controlplane.product import ACCEPTED, QUICK, Product
from tests.controlplane.runs import Course, intends, state_of
from tests.controlplane.world import World

LEASE = "/apis/coordination.k8s.io/v1/namespaces/c2c-system/leases/c2c-run"
LOOK_S = 2.0
pytestmark = [pytest.mark.needs("controlplane", "helm", "operator"), pytest.mark.timeout(1200)]


def run(product: Product, uid: str, waves: dict[str, object]) -> tuple[int, str]:
    """Run it as a job would, with these waves in the configuration."""
    config = product.folder / "c2c.yaml"
    config.write_text(json.dumps({**product.settings, "waves": waves}), encoding="utf-8")
    accepted = [w for text in ACCEPTED for w in ("--accept", text)]
    done = product.run("run", "--yes", "--expect-cluster", uid, "--config", config, *accepted, "-o", "json")
    return done.returncode, done.stderr


def journals(product: Product) -> list[Path]:
    return sorted((product.folder / "state").glob("*/journal.jsonl"))


def test_a_scheduler_may_run_it_again_until_it_is_done(small: World, tmp_path: Path) -> None:
    product = Product.of(small, tmp_path / "c2c")
    uid = str(small.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"])
    day = (datetime.now(UTC) + timedelta(days=2)).strftime("%a").lower()
    closed = {"days": [day], "from": "10:00", "to": "11:00", "timeZone": "UTC"}
    waves = {**QUICK["waves"], "canary": {"approval": True, "soak": "1s"}}

    code, told = run(product, uid, {**waves, "window": closed})
    print(
        product.run("preflight", "--cluster", "live", "--config", product.folder / "c2c.yaml", "-o", "wide")
    )
    assert code == 9, told[-3000:]
    assert "nothing was begun" in told
    assert journals(product) == []

    code, told = run(product, uid, waves)
    assert code == 9, told[-3000:]
    [journal] = journals(product)

    code, told = run(product, uid, waves)
    assert code == 9, told[-3000:]
    assert "going on with it" in told
    assert journals(product) == [journal]

    said = product.run("approve", "--yes", "--expect-cluster", uid)
    assert said.returncode == 0, said.stderr
    code, told = run(product, uid, waves)
    assert code == 0, told[-5000:]
    assert journals(product) == [journal]


def test_a_stale_plan_is_refused_and_carried_out_once_it_is_not_stale_any_more(
    small: World, tmp_path: Path
) -> None:
    """The driver that carries it out is detached: whoever started it is gone long before."""
    product, place = Product.of(small, tmp_path / "c2c"), "/api/v1/namespaces/shop"
    plan = product.plan()
    small.api.patch(place, {"metadata": {"labels": {"team": "another"}}})
    refused = product.run("apply", plan, "--yes", "-o", "json")
    assert refused.returncode == 3, refused.stderr[-3000:]
    assert json.loads(refused.stdout)["reason"] == "PlanStale"
    assert "labels of Namespace/shop were changed since the plan was made" in refused.stderr
    assert not [record for record in product.records() if record["kind"] == "intent"]
    small.api.patch(place, {"metadata": {"labels": {"team": None}}})
    done = product.run("apply", plan, "--yes", "--detach")
    assert done.returncode == 0, done.stderr[-5000:]
    [driver] = re.findall(r"a driver runs as process (\d+)", done.stderr)
    assert os.getsid(int(driver)) == int(driver) != os.getsid(0)
    eventually(product.journal, 60, "the driver has begun")
    eventually(lambda: state_of(product)["state"] == "DONE", 240, "the driver has come to the end", LOOK_S)


def test_a_run_goes_through_a_kill_the_end_of_its_time_and_a_person_s_word(
    small: World, tmp_path: Path
) -> None:
    """Killed while Helm installs, Helm dies too; then its time ends at a checkpoint; then it waits, with its lock, for a yes."""
    waves = {**QUICK["waves"], "canary": {"approval": True, "soak": "1s"}}
    product, xml = Product.of(small, tmp_path / "c2c", waves=waves), tmp_path / "run.xml"
    course = Course(product)
    try:
        course.begin("apply", product.plan(), "-o", f"junit={xml}")
        course.until(intends("HelmInstall"), 120, "Helm is to install Cilium")
        helm = pending_helm(small, course)
        course.stop()
        eventually(lambda: not Path(f"/proc/{helm}").exists(), 10, "Helm has died with its parent")
        assert outcomes(xml) == {"run": "error"}

        course.begin("resume", "--deadline", "1s", "-o", f"junit={xml}")
        assert course.ended() == 9, product.told()
        assert state_of(product)["reason"] == "DeadlineExpired", state_of(product)
        assert outcomes(xml) == {"run": "error", "wrk-01": "error", "wrk-02": "error"}

        course.begin("resume", "--wait", "-o", f"junit={xml}")
        course.until(lambda r: r["kind"] == "transition" and r["after"] == "PAUSED(approval)", 300, "it asks")
        assert course.process is not None
        time.sleep(2 * LOOK_S)
        assert course.process.poll() is None, product.told()
        assert f":{course.process.pid}:" in small.api.get(LEASE)["spec"]["holderIdentity"]
        assert product.run("approve", "--yes").returncode == 0
        assert course.ended() == 0, product.told()
        assert outcomes(xml) == {"run": "", "wrk-01": "", "wrk-02": ""}
    finally:
        course.stop()


def pending_helm(world: World, course: Course) -> int:
    """Give the process of Helm once it has told the cluster of its release, and goes on."""
    assert course.process is not None
    children = Path(f"/proc/{course.process.pid}/task/{course.process.pid}/children")

    def installing() -> int:
        """Give the child that is Helm by now, and installs; 0 where there is none yet."""
        for child in children.read_text("utf-8").split():
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"helm") and b"install" in words:
                return int(child)
        return 0

    helm = eventually(installing, 60, "Helm installs", 0.005)
    eventually(lambda: bool(pending(world)), 60, "the release is pending", 0.002)
    assert Path(f"/proc/{helm}").exists(), "Helm was done before it could be killed"
    return helm


def pending(world: World) -> list[Object]:
    path = "/api/v1/namespaces/kube-system/secrets"
    return world.api.items(path, labelSelector="owner=helm,status=pending-install")


def outcomes(path: Path) -> dict[str, str]:
    """Give by case of a JUnit file what is wrong with it, empty where nothing is."""
    cases = ET.fromstring(path.read_text(encoding="utf-8")).iter("testcase")
    return {case.attrib["name"]: "".join(child.tag for child in case) for case in cases}
