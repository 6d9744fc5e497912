"""What is written is what was there, without a secret; the same input gives the same bytes."""

from __future__ import annotations

import gzip
import io
import json
import re
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrate.adapters.files import load
from migrate.adapters.snapshot_files import Wishes, write_snapshot
from migrate.adapters.snapshots import read_snapshot
from migrate.engine.drafting import draft
from migrate.errors import Failure
from migrate.model.settings import Settings
from migrate.preflight import Case, judge
from migrate.preflight.registry import every_rule
from tests import clusters
from tests.unit.migrate.model.test_reduction import CANARY, JWT, PLANTED


def source(folder: Path, *more: Any) -> Path:
    folder.mkdir()
    for number, item in enumerate([*clusters.healthy(), *more]):
        (folder / f"{number:03}.yaml").write_text(yaml.safe_dump(item))
    return folder


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        return {m.name: opened.extractfile(m).read() for m in opened if m.isfile()}  # type: ignore[union-attr]


def judged(path: str) -> list[tuple[str, str, tuple[str, ...]]]:
    snapshot = read_snapshot(path).snapshot
    made = draft(snapshot, Settings.from_mapping(clusters.settings()))
    found = judge(Case(snapshot, made), every_rule())
    return [(r.rule, str(r.outcome), tuple(f.object for f in r.findings)) for r in found.results]


def test_a_snapshot_is_judged_as_the_files_that_it_was_made_from(tmp_path: Path) -> None:
    folder = source(tmp_path / "raw")
    write_snapshot(str(folder), str(tmp_path / "prod.tgz"), Wishes())
    assert judged(str(tmp_path / "prod.tgz")) == judged(str(folder))


def test_every_canary_stays_behind(tmp_path: Path) -> None:
    planted = [item | {"metadata": {**item["metadata"], "name": f"{item['metadata']['name']}", "namespace": f"n{i}"}}
               for i, item in enumerate(PLANTED.values())]  # fmt: skip
    folder = source(tmp_path / "raw", *planted, clusters.thing("Service", "j", "shop", spec={"x": JWT}))
    (folder / "nodes").mkdir()
    (folder / "nodes" / "wrk-1.json").write_text(
        json.dumps({"cni": {"files": [{"content": f"token: {CANARY}"}]}})
    )
    (folder / "answers").mkdir()
    (folder / "answers" / "release.jsonl").write_text(json.dumps({"values": {"auth": {"password": CANARY}}}))
    for wishes in (
        Wishes(),
        Wishes(pseudonyms=True),
        Wishes(whole=frozenset({"felixconfiguration", "bgppeer"})),
    ):
        target = tmp_path / "prod.tgz"
        write_snapshot(str(folder), str(target), wishes)
        unpacked = gzip.decompress(target.read_bytes()).decode("utf-8", "replace")
        if not wishes.whole:
            assert CANARY not in unpacked
        assert JWT not in unpacked


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = source(tmp_path / "raw")
    for name in ("a.tgz", "b.tgz"):
        write_snapshot(str(folder), str(tmp_path / name), Wishes())
    assert (tmp_path / "a.tgz").read_bytes() == (tmp_path / "b.tgz").read_bytes()


def test_a_snapshot_of_a_snapshot_is_the_same(tmp_path: Path) -> None:
    write_snapshot(str(source(tmp_path / "raw")), str(tmp_path / "a.tgz"), Wishes())
    write_snapshot(str(tmp_path / "a.tgz"), str(tmp_path / "b.tgz"), Wishes())
    assert members(tmp_path / "a.tgz") == members(tmp_path / "b.tgz")


def test_one_item_stands_on_a_line_and_the_header_counts_them(tmp_path: Path) -> None:
    written = write_snapshot(str(source(tmp_path / "raw")), str(tmp_path / "a.tgz"), Wishes())
    found = members(tmp_path / "a.tgz")
    header = json.loads(found["snapshot.json"])
    assert (header["kind"], header["complete"], header["cluster"]["uid"]) == (
        "Snapshot",
        True,
        "uid-namespace--kube-system",
    )
    lines = found["nodes.json"].decode().splitlines()
    assert len(lines) == 2 + header["kinds"]["nodes"]["count"]
    assert json.loads(found["nodes.json"])["items"][0]["metadata"]["name"] == "cp-1"
    assert written.counts["nodes"] == 4
    assert "deployments.apps.json" in found


def test_the_servers_version_goes_into_the_header(tmp_path: Path) -> None:
    folder = source(tmp_path / "raw")
    (folder / "version.json").write_text('{"serverVersion": {"gitVersion": "v1.34.2"}}')
    write_snapshot(str(folder), str(tmp_path / "a.tgz"), Wishes())
    assert read_snapshot(str(tmp_path / "a.tgz")).snapshot.identity.version == "v1.34.2"


def test_kinds_that_nobody_asks_for_are_left_where_they_are(tmp_path: Path) -> None:
    folder = source(
        tmp_path / "raw",
        clusters.thing("Kafka", "k", "shop", api="kafka.strimzi.io/v1"),
        clusters.thing("Event", "e", "shop"),
    )
    written = write_snapshot(str(folder), str(tmp_path / "a.tgz"), Wishes())
    assert written.left_out == {"kafkas.kafka.strimzi.io": 1}
    assert not any("kafka" in name or "event" in name for name in members(tmp_path / "a.tgz"))


def test_a_damaged_kind_is_said_to_be_unread_and_the_translator_hears_of_it(tmp_path: Path) -> None:
    folder = source(tmp_path / "raw")
    (folder / "pods.yaml").write_text("a: [1\n")
    written = write_snapshot(str(folder), str(tmp_path / "a.tgz"), Wishes())
    assert len(written.problems) == 1
    assert not read_snapshot(str(tmp_path / "a.tgz")).snapshot.knows("pods")
    assert load([str(tmp_path / "a.tgz")]).unread == {"pods"}


def test_names_are_replaced_and_the_judgement_is_the_same_in_kind(tmp_path: Path) -> None:
    folder = source(tmp_path / "raw")
    write_snapshot(str(folder), str(tmp_path / "a.tgz"), Wishes(pseudonyms=True))
    text = re.sub(r'"uid":"[^"]*"', "", gzip.decompress((tmp_path / "a.tgz").read_bytes()).decode())
    for name in ("wrk-1", "web-1-a", '"shop"'):
        assert name not in text
    assert "calico-node" in text
    before, after = judged(str(folder)), judged(str(tmp_path / "a.tgz"))
    assert [(rule, outcome, len(found)) for rule, outcome, found in before] == [
        (r, o, len(f)) for r, o, f in after
    ]


def test_a_folder_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "prod"
    write_snapshot(str(source(tmp_path / "raw")), str(target), Wishes())
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in target.rglob("*.json")} == {0o600}
    write_snapshot(str(tmp_path / "raw"), str(target), Wishes())
    assert (target / "pods.json").is_file()


def test_an_archive_is_for_its_owner_alone_too(tmp_path: Path) -> None:
    write_snapshot(str(source(tmp_path / "raw")), str(tmp_path / "a.tgz"), Wishes())
    assert stat.S_IMODE((tmp_path / "a.tgz").stat().st_mode) == 0o600


def test_a_folder_of_others_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "thesis.txt").write_text("x")
    with pytest.raises(Failure, match="no snapshot of ours"):
        write_snapshot(str(source(tmp_path / "raw")), str(target), Wishes())
    assert (target / "thesis.txt").read_text() == "x"


def test_a_stream_gets_the_archive(tmp_path: Path) -> None:
    stream = io.BytesIO()
    write_snapshot(str(source(tmp_path / "raw")), stream, Wishes())
    stream.seek(0)
    with tarfile.open(fileobj=stream) as archive:
        assert "snapshot.json" in archive.getnames()


def test_a_source_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cannot be read"):
        write_snapshot(str(tmp_path / "nowhere"), str(tmp_path / "a.tgz"), Wishes())
