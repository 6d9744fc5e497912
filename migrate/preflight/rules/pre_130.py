"""PRE-130: encryption is a change of its own: in the window it would move MTU and paths of one side only.

Calico's own encryption is PRE-089's; here it is what the values would switch on in stage M. Stage A repeats M in all
but the keys of ``procedure.md`` §4.2, so it is looked at too.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.draft import Stage
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule
from migrate.preflight.views_values import config_map_path, departures, is_on

__all__ = ["RULE"]

KEYS = ("enable-ipsec", "enable-wireguard", "enable-ztunnel", "encrypt-node")


def check(case: Case) -> Iterator[Hit]:
    """Look at every kind of encryption."""
    for key in KEYS:
        for value, stages in departures(case, key, lambda v: not is_on(v), [Stage.MIGRATION, Stage.AUDIT]):
            yield Hit(config_map_path(case), {"key": key, "v": value}, {key: value, "stages": stages})


RULE = Rule(
    number=130,
    group=Group.VALUES,
    severity=Severity.MANDATORY,
    title="Encryption in the window",
    message="No encryption change in the window: {key} is {v}",
    remedy="encryption.enabled=false until the migration is over; then a stage of its own",
    check=check,
)
