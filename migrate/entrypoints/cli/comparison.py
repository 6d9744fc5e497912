"""Two policy sets held against each other: what ``verify`` judges and ``diff`` merely shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import click
import yaml

from migrate import __version__
from migrate.adapters.files import kept_policies, load
from migrate.entrypoints.cli.options import chosen, cluster_from, plan_from, shared
from migrate.entrypoints.cli.output import outputs_option
from migrate.entrypoints.cli.progress import progress
from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.render import github, sarif
from migrate.render.comparison import comment, page
from migrate.render.issues import of_comparison
from migrate.render.table import claims
from migrate.render.terminal import PLAIN, Canvas, Line, Piece, Role, Sign, paint, prose, sign
from translators import Verification, verify
from translators.report import DifferenceEntry
from translators.source import Document
from translators.verification import Counterexample

__all__ = ["RENDERERS", "both_sides", "compared", "table"]

MAX_SHOWN = 20


def both_sides[F: Callable[..., object]](command: F) -> F:
    """Add the options that verify and diff have in common."""
    for option in (
        click.option("--before", required=True, metavar="PATH", help="The Calico policies."),
        click.option("--after", required=True, metavar="PATH", help="The Cilium policies."),
        outputs_option,
        shared,
    ):
        command = option(command)
    return command


def compared(
    before: str, after: str, cluster: str | None, address_plan: str | None, versions: dict[str, str | None]
) -> Verification:
    """Compare two sets; raises ``Failure`` if the one is not Calico's or the other not Cilium's.

    Where ``after`` is what ``translate --out`` wrote, the policies that its report keeps stay in force beside it.
    """
    options = chosen(versions["cilium_version"] or "", versions["calico_version"], versions["cilium_config"])
    around = cluster_from(cluster)
    if around is not None and around.unread:
        raise Failure(
            f"the snapshot could not read {', '.join(sorted(around.unread))}",
            why="what is missing might decide",
            fix="take the snapshot again with the rights that it needs",
            code=ExitCode.INCONCLUSIVE,
        )
    old, new = load([before]).documents, load([after]).documents
    if any(d.group == "cilium.io" for d in old) or any(d.group.endswith("projectcalico.org") for d in new):
        raise Failure(
            "--before holds Cilium's objects, or --after Calico's",
            why="Calico's set stands before, Cilium's after",
            fix="exchange the two paths",
        )
    kept = kept_policies(after)
    beside = [d for d in old if _key(d) in kept]
    plan = plan_from(address_plan)
    with progress("comparing"):
        return verify(
            old,
            [*new, *beside],
            cluster=around.documents if around else None,
            options=options,
            plan=plan,
        )


def _key(document: Document) -> tuple[str, str, str]:
    return document.kind, document.namespace, document.name


def _difference(item: Counterexample) -> DifferenceEntry:
    effect = "opens" if item.opens else "closes"
    return DifferenceEntry(
        "", "", effect, item.direction, item.src, item.dst, item.packets, True, "", item.calico, item.cilium
    )


def table(found: Verification, canvas: Canvas = PLAIN) -> str:
    """Give the comparison for a terminal."""
    return paint(_rows(found) if canvas.rows_only else _lines(found, canvas), canvas)


def _rows(found: Verification) -> Iterator[Line]:
    for item in found.counterexamples:
        difference = _difference(item)
        effect = Piece(difference.effect, Role.BAD if item.opens else Role.WARN)
        yield [effect, f"  {item.direction}  {item.src} → {item.dst}, {item.packets}"]


def _lines(found: Verification, canvas: Canvas) -> Iterator[Line]:
    yield [f"  {found.checked:,} obligations checked, for every label set."]
    for span, name, reason in found.refused:
        text = f"Cilium would refuse {name} ({span}): {reason}; its subject stays open."
        yield from prose(text, canvas, first=["  ", sign(Sign.FAIL), " "])
    yield from claims([_difference(item) for item in found.counterexamples], canvas, limit=MAX_SHOWN)
    if found.unconfirmed:
        text = f"{found.unconfirmed} obligations are open without an example that both engines confirm."
        yield from prose(text, canvas, first=["  ", sign(Sign.UNSURE), " "])
    if found.proved:
        yield ["  ", sign(Sign.PASS), " The two sets give the same verdicts."]


def as_json(found: Verification) -> str:
    """Give the comparison as JSON, counterexamples in their order."""
    return json.dumps(data(found), indent=2, ensure_ascii=False) + "\n"


def data(found: Verification) -> dict[str, Any]:
    """Give the comparison as plain data."""

    def side(values: tuple[str, str, str]) -> dict[str, str]:
        return {"verdict": values[0], "by": values[1], "place": values[2]}

    return {
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


def jsonl(found: Verification) -> str:
    """Give a line for every counterexample, after the line that says what this is."""
    hello = {"type": "hello", "schemaVersion": "1.0", "tool": __version__, "run": None}
    rows = [hello, *({"type": "counterexample", **c} for c in data(found)["counterexamples"])]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def headline(found: Verification) -> str:
    """Say in one sentence what the comparison comes to."""
    differ, refused = len(found.counterexamples), len(found.refused)
    if found.proved:
        return f"Calico → Cilium: the same verdicts, by {found.checked} obligations"
    parts = [f"{differ} {'difference' if differ == 1 else 'differences'}"]
    if refused:
        parts.append(f"{refused} {'object' if refused == 1 else 'objects'} that Cilium would refuse")
    if found.unconfirmed:
        parts.append(f"{found.unconfirmed} open obligations without an example")
    return f"Calico → Cilium: {', '.join(parts)}"


def _page(found: Verification) -> str:
    return page("Calico and Cilium compared", headline(found), of_comparison(found), data(found))


def _suite(found: Verification) -> str:
    from migrate.render import junit  # noqa: PLC0415  # the XML library is loaded only for this

    return junit.suite("c2c verify", junit.cases_of_comparison(found), {"obligations": str(found.checked)})


RENDERERS: dict[str, Callable[[Verification], str]] = {
    "json": as_json,
    "yaml": lambda found: yaml.safe_dump(data(found), sort_keys=False, allow_unicode=True),
    "jsonl": jsonl,
    "markdown": lambda found: comment(headline(found), of_comparison(found)),
    "html": _page,
    "sarif": lambda found: sarif.log(of_comparison(found)),
    "junit": _suite,
    "github": lambda found: github.commands(of_comparison(found)),
}
