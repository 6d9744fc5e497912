"""The kubectl lines of the runbooks against a genuine API server: what reads is run, what changes is tried without effect.

An object or kind that this cluster lacks is no fault of a line; a flag, a path or an expression that kubectl refuses is.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import capabilities
from tests.controlplane.conftest import WORKERS
from tests.controlplane.world import AGENTS, World

pytestmark = pytest.mark.needs("kubectl")
FOLDER = Path(__file__).resolve().parents[2] / "runbooks"
READS = {"get", "describe", "logs", "auth"}
CHANGES = {"taint", "label", "annotate", "cordon", "uncordon", "patch", "delete", "scale", "drain"}
ABSENT = re.compile(
    r"NotFound|not found|the server doesn\'t have a resource type|No resources found|no matches for kind|unable to fetch the log"
)
TIMES_S = 60


def lines() -> Iterator[str]:
    """Give every line of every page's blocks that begins with kubectl, or takes its answer into a variable; each once."""
    found: dict[str, None] = {}
    for page in sorted(FOLDER.rglob("*.md")):
        for block in re.findall(
            r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            for line in block.splitlines():
                if match := re.fullmatch(r"(?:[A-Z]+=\$\()?(kubectl .*?)\)?", line.split("    #")[0].strip()):
                    found[match.group(1)] = None
    yield from found


def verb_of(line: str) -> str:
    """Give kubectl's verb: the first word that is neither an option nor the value of ``-n``."""
    words = line.split()[1:]
    while words and words[0].startswith("-"):
        words = words[2:]
    return words[0] if words else ""


@pytest.fixture(scope="module")
def shell(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the environment that the pages set: a node, its agent, a run."""
    program = capabilities.binary("kubectl")
    folder = tmp_path_factory.mktemp("bin")
    (folder / "kubectl").symlink_to(program)
    [agent] = world.pods(AGENTS, WORKERS[0])
    return {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "KUBECONFIG": str(world.plane.kubeconfig()),
        "NODE": WORKERS[0],
        "AGENT": f"pod/{agent['metadata']['name']}",
        "RUN": "7f3a0000",
        "HOME": str(folder),
    }  # fmt: skip


def complaints(line: str, shell: dict[str, str]) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", line], env=shell, cwd=shell["HOME"], capture_output=True, text=True, check=False,
        timeout=TIMES_S,
    )  # fmt: skip
    said = [text for text in done.stderr.splitlines() if text.strip() and not ABSENT.search(text)]
    return [text for text in said if not text.startswith(("Warning:", "Defaulted container"))]


@pytest.mark.parametrize("line", [x for x in lines() if verb_of(x) in READS])
def test_a_line_that_reads_runs_as_it_stands(line: str, shell: dict[str, str]) -> None:
    assert complaints(line, shell) == []


@pytest.mark.parametrize("line", [x for x in lines() if verb_of(x) in CHANGES])
def test_a_line_that_changes_is_taken_by_the_server(line: str, shell: dict[str, str]) -> None:
    assert complaints(f"{line} --dry-run=server", shell) == []


def test_the_pages_have_lines_of_both_sorts() -> None:
    verbs = [verb_of(x) for x in lines()]
    assert sum(v in READS for v in verbs) > 60
    assert sum(v in CHANGES for v in verbs) > 15
