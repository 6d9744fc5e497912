"""A cloud that takes a machine away and puts another in its place: ``python -m tests.controlplane.machine WAY LABEL``.

It is the program that ``nodes.replace`` names: whose machine goes stands in the environment, how the API server is reached
in the file WAY, and what goes wrong, if anything. The new machine carries LABEL from its birth; an empty one carries none.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

from tests.controlplane import nodes
from tests.controlplane.client import Api

LATER = 100  # is added to a machine's number for the one that follows it
STAYS, NOT_FOLLOWED, KEEPS_NAME = "stays", "not-followed", "keeps-name"


def follower(name: str, label: str = "") -> nodes.Plan:
    """Give the machine that comes in the place of another."""
    number = int(re.sub(r"\D", "", name)) + LATER
    return nodes.Plan(f"wrk-{number}", number, labels=((label, "true"),) if label else ())


def replace_machine(api: Api, name: str, uid: str, label: str, wrong: str = "") -> str:
    """Delete a Node by its UID, and register the next machine, if one comes; gives its name."""
    if wrong == STAYS:
        sys.exit("the quota of calls is used up")
    live = api.get(f"/api/v1/nodes/{name}")
    assert live["metadata"]["uid"] == uid, f"{name} is another machine than the one that was to go"
    api.delete(f"/api/v1/nodes/{name}")
    comes = follower(name, label)
    if wrong == KEEPS_NAME:
        comes = replace(comes, name=name)
    if wrong != NOT_FOLLOWED:
        nodes.plant(api, [comes])
    return comes.name


def main() -> None:
    """Do as the environment and the arguments say."""
    way = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    label = sys.argv[2] if len(sys.argv) > 2 else ""
    api = Api(way["url"], way["token"], way["ca"])
    wrong = str(way.get("wrong", ""))
    made = replace_machine(api, os.environ["C2C_NODE"], os.environ["C2C_NODE_UID"], label, wrong)
    print(f"{os.environ['C2C_PROVIDER_ID']} is gone, {made} has come")


if __name__ == "__main__":
    main()
