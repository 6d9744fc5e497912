"""A cloud that takes a machine away and puts another in its place: ``python -m tests.controlplane.machine WAY LABEL``.

It is the program that ``nodes.replace`` names: whose machine goes stands in the environment, how the API server is reached
in the file WAY. The new machine carries LABEL from its birth; an empty one carries none.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from tests.controlplane import nodes
from tests.controlplane.client import Api

LATER = 100  # is added to a machine's number for the one that follows it


def replace(api: Api, name: str, uid: str, label: str) -> str:
    """Delete a Node by its UID, and register the next machine; gives its name."""
    live = api.get(f"/api/v1/nodes/{name}")
    assert live["metadata"]["uid"] == uid, f"{name} is another machine than the one that was to go"
    api.delete(f"/api/v1/nodes/{name}")
    number = int(re.sub(r"\D", "", name)) + LATER
    follower = nodes.Plan(f"wrk-{number}", number, labels=((label, "true"),) if label else ())
    nodes.plant(api, [follower])
    return follower.name


def main() -> None:
    """Do as the environment and the arguments say."""
    way = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    label = sys.argv[2] if len(sys.argv) > 2 else ""
    api = Api(way["url"], way["token"], way["ca"])
    made = replace(api, os.environ["C2C_NODE"], os.environ["C2C_NODE_UID"], label)
    print(f"{os.environ['C2C_PROVIDER_ID']} is gone, {made} has come")


if __name__ == "__main__":
    main()
