"""``c2c verify``: hold any Cilium policy set against a Calico one."""

from __future__ import annotations

import json

import click

from migrate.adapters.files import load
from migrate.entrypoints.cli.options import chosen, cluster_from, plan_from, shared
from migrate.entrypoints.cli.output import emit
from migrate.exitcodes import ExitCode
from translators import Verification, verify


@click.command("verify")
@click.option("--before", required=True, metavar="PATH", help="The Calico policies.")
@click.option("--after", required=True, metavar="PATH", help="The Cilium policies.")
@click.option("-o", "outputs", multiple=True, metavar="FORMAT[=FILE]")
@shared
def command(
    before: str,
    after: str,
    outputs: tuple[str, ...],
    cluster: str | None,
    address_plan: str | None,
    **versions: str | None,
) -> int:
    """Prove that two policy sets give the same verdicts, or print counterexamples.

    \b
    c2c verify --before policies/ --after cilium/
    c2c verify --before policies/ --after cilium/ --cluster prod.tgz
    """
    options = chosen(versions["cilium_version"] or "", versions["calico_version"], versions["cilium_config"])
    around = cluster_from(cluster)
    found = verify(
        load([before]).documents,
        load([after]).documents,
        cluster=around.documents if around else None,
        options=options,
        plan=plan_from(address_plan),
    )
    emit(outputs, {"table": lambda: _table(found), "json": lambda: _json(found)})
    if found.proved:
        return ExitCode.DONE
    if found.counterexamples or found.refused:
        return ExitCode.BLOCKED
    return ExitCode.INCONCLUSIVE


def _table(found: Verification) -> str:
    lines = [f"  {found.checked} obligations checked, for every label set."]
    for span, name, reason in found.refused:
        lines.append(f"  ✖ Cilium would refuse {name} ({span}): {reason}; its subject stays open.")
    for item in found.counterexamples:
        first, second = ("Cilium allows", "Calico drops") if item.opens else ("Calico allows", "Cilium drops")
        lines.append(f"  ✖ {first} what {second}: {item.src} → {item.dst}, {item.packets}.")
        for name, side in (("Calico", item.calico), ("Cilium", item.cilium)):
            lines.append(f"      {name} {side[0]}: {side[1]} {side[2]}".rstrip())
    if found.unconfirmed:
        lines.append(
            f"  ? {found.unconfirmed} obligations are open without an example that both engines confirm."
        )
    if found.proved:
        lines.append("  The two sets give the same verdicts.")
    return "\n".join(lines) + "\n"


def _json(found: Verification) -> str:
    def side(values: tuple[str, str, str]) -> dict[str, str]:
        return {"verdict": values[0], "by": values[1], "place": values[2]}

    data = {
        "schemaVersion": "1.0",
        "kind": "VerificationReport",
        "proved": found.proved,
        "checked": found.checked,
        "unconfirmed": found.unconfirmed,
        "refused": [{"place": str(s), "object": n, "reason": r} for s, n, r in found.refused],
        "counterexamples": [
            {
                "effect": "opens" if c.opens else "closes",
                "direction": c.direction,
                "src": c.src,
                "dst": c.dst,
                "packets": c.packets,
                "calico": side(c.calico),
                "cilium": side(c.cilium),
            }
            for c in found.counterexamples
        ],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
