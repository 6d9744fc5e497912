from __future__ import annotations

import io
import json
import os
import tarfile
import threading
from pathlib import Path

import pytest

from migrate.adapters.files import differing_files, kept_policies, load, write_files
from migrate.errors import Failure
from translators.layout import OutputFile

POLICY = b"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: a}\nspec: {}\n"
POD = b'{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}'
OURS = OutputFile("shop.yaml", "# c2c\n---\na: 1\n", ())


def _archive(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_folders_are_read_with_their_subfolders_in_order(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "p.json").write_bytes(POD)
    (tmp_path / "a.yml").write_bytes(POLICY)
    (tmp_path / "notes.txt").write_text("kind: Pod")
    loaded = load([str(tmp_path)])
    assert [d.kind for d in loaded.documents] == ["GlobalNetworkPolicy", "Pod"]
    assert loaded.files == 2


def test_a_folder_that_goes_again_is_not_named(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "np.yaml").write_bytes(POLICY)
    (document,) = load([str(tmp_path)], "cluster").documents
    assert document.span.file == "cluster/a/np.yaml"


def test_what_we_wrote_ourselves_is_not_read_as_input(tmp_path):
    write_files(str(tmp_path), [], "{}")
    assert load([str(tmp_path)]).files == 0


def test_archives_are_read_in_memory_whatever_their_paths_say(tmp_path):
    path = tmp_path / "prod.tgz"
    _archive(path, {"../../etc/evil.yaml": POLICY, "pods.json": POD})
    assert {d.kind for d in load([str(path)]).documents} == {"GlobalNetworkPolicy", "Pod"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["prod.tgz"]


def test_a_snapshot_says_which_kinds_it_could_not_read(tmp_path):
    kinds = {"pods": {"count": 3}, "nodes": {"error": "forbidden"}}
    (tmp_path / "snapshot.json").write_text(json.dumps({"kind": "Snapshot", "kinds": kinds}))
    assert load([str(tmp_path)]).unread == {"nodes"}


def test_a_pipe_is_read_once_and_has_its_text(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(POLICY,), daemon=True)
    writer.start()
    loaded = load([str(pipe)])
    writer.join()
    assert [d.kind for d in loaded.documents] == ["GlobalNetworkPolicy"]
    assert list(loaded.texts.values()) == [POLICY.decode()]


def test_texts_are_kept_for_files_that_hold_policies(tmp_path):
    (tmp_path / "a.yaml").write_bytes(POLICY)
    (tmp_path / "b.json").write_bytes(POD)
    assert list(load([str(tmp_path)]).texts.values()) == [POLICY.decode()]


@pytest.mark.parametrize("name", ["missing.yaml", "broken.tgz"])
def test_a_path_that_cannot_be_opened_is_named(tmp_path, name):
    (tmp_path / "broken.tgz").write_bytes(b"no archive")
    with pytest.raises(Failure, match=name):
        load([str(tmp_path / name)])


def test_one_broken_file_does_not_hide_the_others(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"a: [")
    (tmp_path / "b.yaml").write_bytes(POLICY)
    loaded = load([str(tmp_path)])
    assert len(loaded.documents) == 1
    assert [d.code for d in loaded.diagnostics] == ["CAL-P101"]


def test_files_of_others_are_never_replaced_and_nothing_is_written(tmp_path):
    (tmp_path / "shop.yaml").write_text("kind: Mine\n")
    with pytest.raises(Failure, match=r"shop\.yaml"):
        write_files(str(tmp_path), [OutputFile("a.yaml", "# c2c\n", ()), OURS], "{}")
    assert (tmp_path / "shop.yaml").read_text() == "kind: Mine\n"
    assert not (tmp_path / "a.yaml").exists()


def test_stale_files_of_ours_go_and_those_of_others_stay(tmp_path):
    write_files(str(tmp_path), [OURS], "{}")
    (tmp_path / "mine.yaml").write_text("kind: Mine\n")
    write_files(str(tmp_path), [OutputFile("other.yaml", "# c2c\n", ())], "{}")
    assert sorted(p.name for p in tmp_path.glob("*.yaml")) == ["mine.yaml", "other.yaml"]
    assert (tmp_path / ".c2c" / "report.json").read_text() == "{}"


def test_a_check_names_what_would_change(tmp_path):
    write_files(str(tmp_path), [OURS], "{}")
    assert differing_files(str(tmp_path), [OURS]) == []
    assert differing_files(str(tmp_path), [OutputFile("new.yaml", "# c2c\n", ())]) == [
        "new.yaml",
        "shop.yaml",
    ]


def test_kept_policies_come_from_the_report_in_the_folder(tmp_path):
    entry = {"kind": "NetworkPolicy", "namespace": "n", "name": "p", "disposition": "kept"}
    write_files(str(tmp_path), [], json.dumps({"policies": [entry, {**entry, "disposition": "refused"}]}))
    assert kept_policies(str(tmp_path)) == {("NetworkPolicy", "n", "p")}
    assert kept_policies(str(tmp_path / "elsewhere")) == frozenset()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"policies": {}}', '{"policies": [1]}', '{"policies": [{"kind": 1}]}']
)
def test_a_damaged_report_is_no_report_that_keeps_nothing(tmp_path, text):
    write_files(str(tmp_path), [], text)
    with pytest.raises(Failure, match="the report is damaged"):
        kept_policies(str(tmp_path))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kinds": []}', '{"kinds": {"Pod": 1}}'])
def test_a_damaged_index_of_a_snapshot_is_unreadable(tmp_path, text):
    (tmp_path / "snapshot.json").write_text(text)
    assert [d.code for d in load([str(tmp_path)]).diagnostics] == ["CAL-P101"]


@pytest.mark.parametrize("path", ["../evil.yaml", "a/../../evil.yaml", "/tmp/evil.yaml"])
def test_a_hostile_name_never_writes_outside_the_folder(tmp_path, path):
    out = tmp_path / "out"
    with pytest.raises(Failure, match="would leave"):
        write_files(str(out), [OutputFile("a.yaml", "# c2c\n", ()), OutputFile(path, "# c2c\n", ())], "{}")
    assert not out.exists()


def _pod(name: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "n"}})


@pytest.mark.parametrize("packed", [False, True])
def test_a_snapshot_with_a_line_for_each_object_is_read(tmp_path, packed):
    folder = tmp_path / "snapshot"
    lines = "\n".join(_pod(f"p-{i}") for i in range(3)) + "\n"
    files = {
        "manifest.json": json.dumps(
            {"kind": "Snapshot", "resources": {"pods": {"state": "read", "count": 3}}}
        ),
        "objects/core/pods.jsonl": lines,
        "objects/projectcalico.org/globalnetworkpolicies.jsonl": json.dumps(
            {
                "apiVersion": "projectcalico.org/v3",
                "kind": "GlobalNetworkPolicy",
                "metadata": {"name": "a"},
                "spec": {},
            }
        ),
        "answers/evictions.jsonl": "no json at all\n",
        "flows.jsonl": "{broken\n",
        "baseline.json": "{broken\n",
        "nodes/n1.json": '{"kernel": "6.1"}',
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    source = folder
    if packed:
        source = tmp_path / "prod.tgz"
        _archive(source, {name: text.encode() for name, text in files.items()})
    loaded = load([str(source)])
    assert sorted(d.name for d in loaded.documents) == ["a", "p-0", "p-1", "p-2"]
    assert loaded.diagnostics == []
    assert loaded.unread == frozenset()


@pytest.mark.parametrize("state", ["forbidden", "unavailable"])
def test_a_resource_that_a_manifest_calls_unread_is_missing(tmp_path, state):
    resources = {"pods": {"state": state}, "tiers.projectcalico.org": {"state": state}, "leases.coordination.k8s.io": {"state": state},
                 "nodes": {"state": "read"}, "ippools.crd.projectcalico.org": {"state": "absent"}}  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps({"kind": "Snapshot", "resources": resources}))
    loaded = load([str(tmp_path)])
    assert loaded.unread == {"pods", "tiers.projectcalico.org"}
    assert [d.code for d in loaded.diagnostics] == ["CAL-P115", "CAL-P115"]


def test_a_manifest_of_something_else_is_a_file_like_any_other(tmp_path):
    (tmp_path / "manifest.json").write_bytes(POD)
    assert [d.kind for d in load([str(tmp_path)]).documents] == ["Pod"]


def test_a_file_of_a_folder_that_cannot_be_opened_hides_no_other(tmp_path, monkeypatch):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_bytes(POLICY)
    opened = Path.open

    def refusing(self, *args, **kwargs):
        if self.name == "a.yaml":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refusing)
    loaded = load([str(tmp_path)])
    assert len(loaded.documents) == 1
    (found,) = loaded.diagnostics
    assert (found.code, found.span.file) == ("CAL-P101", str(tmp_path / "a.yaml"))
    assert "Permission denied" in found.message
    with pytest.raises(Failure, match="Permission denied"):
        load([str(tmp_path / "a.yaml")])


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "a.yaml").write_bytes(POLICY)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.yaml").symlink_to(tmp_path / "self.yaml")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    assert len(load([str(tmp_path)]).documents) == 1
    with pytest.raises(Failure, match="cannot be read"):
        load([str(tmp_path / "self.yaml")])


def test_an_archive_that_is_cut_short_is_named(tmp_path):
    path = tmp_path / "prod.tgz"
    _archive(path, {"pods.json": POD * 1000})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Failure, match=r"prod\.tgz cannot be read"):
        load([str(path)])
