"""The migration report as text: a picture for terminals, Markdown for a ticket, JUnit for a pipeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from migrate.model.run import SETTLED, NodeStatus, RunStatus
from migrate.model.story import MigrationReport, NodeStory, Proof
from migrate.render.junit import ERROR, FAILED, Case, suite
from migrate.render.markdown import cell
from migrate.render.plan_summary import duration
from migrate.render.story_chart import chart
from migrate.render.terminal import Canvas, Column, Line, Piece, Role, Sign, columns, paint, sign

__all__ = ["headline", "junit", "markdown", "not_passed", "planned", "table", "traffic"]

TRAFFIC = ("G-04", "G-05", "G-06", "G-07", "G-08", "G-10", "G-17", "G-18", "G-27", "G-28")
"""Gates about traffic: probes, workloads, flows, what could not be seen, long-lived connections."""
NODES = (
    Column(),
    Column(least=10, tail=True),
    Column(),
    Column(right=True),
    Column(right=True),
    Column(right=True),
    Column(least=6),
)
STAGES = (Column(), Column(), Column(), Column(right=True))
GOOD, BAD = frozenset({str(RunStatus.DONE)}), frozenset({str(RunStatus.HALTED), str(RunStatus.ABORTED)})
MAX_LISTED = 20


def headline(report: MigrationReport) -> str:
    """Give the first line: what it is, of which cluster, how it ended."""
    what = "REHEARSAL" if report.rehearsal else "Run"
    where = f" on {report.context}" if report.context else ""
    return f"{what} {report.run[:4]}{where}: {report.outcome.sentence}"


def not_passed(report: MigrationReport) -> list[Proof]:
    """Give the gates that did not pass, in the order of time."""
    return [g for g in report.gates if g.outcome != "pass"]


def planned(node: NodeStory) -> str:
    """Give how long the plan thought that the node would be out."""
    return f"{duration(node.p50)}, p90 {duration(node.p90)}" if node.p50 else "–"


# On a terminal.


def table(report: MigrationReport, canvas: Canvas) -> str:
    """Paint the report: outcome, phases, nodes against the plan, chart, what did not pass, who did what."""
    parts = (
        _head(report),
        _stages(report, canvas),
        _nodes(report, canvas),
        _chart(report, canvas),
        _rest(report),
    )
    return paint([line for part in parts for line in part], canvas)


def _head(report: MigrationReport) -> Iterator[Line]:
    status = report.outcome.status
    mark = Sign.PASS if status in GOOD else Sign.FAIL if status in BAD else Sign.UNSURE
    what = "REHEARSAL" if report.rehearsal else "run"
    where = f" on {report.context}" if report.context else ""
    yield ["  ", sign(mark), f" {report.outcome.sentence}"]
    if report.outcome.reason:
        yield [f"    {report.outcome.reason}"]
    yield [f"    {what} {report.run[:4]}{where} · {report.outcome.start} by {report.outcome.operator}"]
    ids = f"plan {report.plan[:6]} · cluster {report.cluster[:8]}"
    if report.journal.whole:
        yield [f"    {ids} · {report.journal.count} records, hash chain whole"]
    else:
        yield [f"    {ids} · {report.journal.count} good records"]
        yield ["  ", sign(Sign.UNSURE), f" the journal is damaged: {report.journal.damage}"]


def _stages(report: MigrationReport, canvas: Canvas) -> Iterator[Line]:
    rows: list[Line] = [
        ["", f"{s.phase} {s.name}", s.start[11:16], duration(s.seconds)] for s in report.stages
    ]
    if rows:
        yield [""]
        yield from columns(rows, STAGES, canvas)


def _nodes(report: MigrationReport, canvas: Canvas) -> Iterator[Line]:
    begun = [n for n in report.nodes if n.stays]
    if not begun:
        return
    names = ("", "node", "state", "pods", "out", "planned", "")
    rows: list[Line] = [] if canvas.rows_only else [[Piece(w, Role.DIM) for w in names]]
    rows += [_node(n) for n in begun]
    yield [""]
    yield from columns(rows, NODES, canvas)
    if len(begun) < len(report.nodes):
        yield [f"  {len(report.nodes) - len(begun)} nodes were not begun"]


def _node(node: NodeStory) -> Line:
    mark = Sign.PASS if node.state in SETTLED else Sign.FAIL if node.state == NodeStatus.HALTED else Sign.WARN
    notes = [
        f"{node.retries} retries" if node.retries else "",
        f"{node.rollbacks} rollbacks" if node.rollbacks else "",
    ]
    more = ", ".join(n for n in (*notes, node.reason) if n)
    state = node.state.lower().replace("_", " ")
    return [
        sign(mark),
        node.name,
        state,
        str(node.pods),
        duration(node.out),
        duration(node.p50),
        Piece(more, Role.DIM),
    ]


def _chart(report: MigrationReport, canvas: Canvas) -> Iterator[Line]:
    lines = chart(report, ascii_only=canvas.ascii)
    if lines:
        yield [""]
        yield from ([f"  {line}"] for line in lines)


def _rest(report: MigrationReport) -> Iterator[Line]:
    outcomes = Counter(g.outcome for g in report.gates)
    yield [""]
    yield [
        "  gates   ",
        ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items())) or "none evaluated",
    ]
    yield from ([f"    {g.time[11:19]} {g.text}"] for g in not_passed(report)[-MAX_LISTED:])
    done = sum(u.done for u in report.undo)
    yield [f"  undo    {done} steps done that can be taken back; no return: none in this run"]
    if report.policy.exposed:
        namespaces = sorted({e.namespace for e in report.policy.exposed})
        until = report.policy.exposed[0].end or "still"
        yield [
            "  ",
            sign(Sign.WARN),
            f" less protected from {report.policy.exposed[0].start} to {until}: {', '.join(namespaces)}",
        ]
    if report.marks:
        yield ["  who did what"]
    yield from (
        [f"    {m.time[11:19]} {m.kind} {m.node} {m.who} {m.text}".rstrip()]
        for m in report.marks[-MAX_LISTED:]
    )


# Markdown.


def markdown(report: MigrationReport) -> str:
    """Give the whole report for a ticket or a change board."""
    out = report.outcome
    lines = [
        f"# {headline(report)}",
        "",
        *([f"**{cell(out.reason)}**", ""] if out.reason else []),
        f"- Begun {out.start} by {cell(out.operator)}" + (f", ended {out.end}" if out.end else ", not ended"),
        f"- Cluster `{report.cluster}`, plan `{report.plan}`, {report.tool.name} {report.tool.version}",
        f"- Journal: {report.journal.count} records, "
        + ("hash chain whole" if report.journal.whole else f"**damaged**: {cell(report.journal.damage)}")
        + f", head `{report.journal.head}`",
        "",
        "## Timeline",
        "",
        *_rows(("phase", "begun", "ended", "took"), [(f"{s.phase} {s.name}", s.start, s.end or "–", duration(s.seconds)) for s in report.stages]),
        "",
        "```",
        *chart(report),
        "```",
        "",
        "## Nodes",
        "",
        *_rows(
            ("node", "wave", "state", "pods moved", "out of service", "planned", "retries", "rollbacks", "why"),
            [(n.name + (" (canary)" if n.canary else ""), n.wave, n.state, n.pods, duration(n.out), planned(n), n.retries, n.rollbacks, n.reason) for n in report.nodes],
        ),
        *_sections(report),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _sections(report: MigrationReport) -> Iterator[str]:
    """Give what follows the nodes: traffic, policy, removal, interventions, undo, evidence."""
    yield from ("", "## Traffic", "")
    yield from _rows(("gate", "pass", "fail", "inconclusive", "last word"), list(traffic(report.gates)))
    yield from ("", "## Gates that did not pass", "")
    failed = not_passed(report)
    yield from (
        _rows(
            ("time", "node", "gate", "outcome", "why"),
            [(g.time, g.node, g.gate, g.outcome, g.text) for g in failed],
        )
        if failed
        else ("None.",)
    )
    policy = report.policy
    yield from (
        "",
        "## Policy",
        "",
        f"{policy.objects} objects, mode `{policy.mode}`, audited {duration(policy.audited)}; translation `{policy.translation or 'none'}`.",
        "",
    )
    yield from (
        _rows(
            ("namespace", "direction", "pods", "why", "from", "to"),
            [
                (e.namespace, e.direction, e.pods, e.why, e.start, e.end or "not ended")
                for e in policy.exposed
            ],
        )
        if policy.exposed
        else ("No namespace was less protected than before.",)
    )
    yield from ("", "## Removal", "", ", ".join(report.removal) or "Nothing of Calico was removed.")
    yield from ("", "## Acceptances and interventions", "")
    yield from (f"- accepted {cell(a)}" for a in report.accepted)
    yield from (
        f"- {m.time} {m.kind} {cell(' '.join(w for w in (m.node, m.who, m.text) if w))}" for m in report.marks
    )
    yield from ("", "## Undo", "")
    yield from _rows(
        ("step", "done", "undo"), [(u.step, "yes" if u.done else "no", u.undo) for u in report.undo]
    )
    yield from ("", "There is no point of no return in this run.", "", "## Evidence", "")
    yield from (f"    {f.sha256}  {f.path}" for f in report.files)
    if not report.files:
        yield "No files beside the journal."


def traffic(gates: Sequence[Proof]) -> Iterator[tuple[object, ...]]:
    """Give each gate about traffic with its counts of outcomes and its last word."""
    for gate in TRAFFIC:
        seen = [g for g in gates if g.gate == gate]
        if seen:
            counts = Counter(g.outcome for g in seen)
            yield gate, counts["pass"], counts["fail"], counts["inconclusive"], seen[-1].text


def _rows(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(cell(str(c)) for c in row)} |" for row in rows)


# JUnit.


def junit(report: MigrationReport) -> str:
    """Give a suite: a case a node, a case a gate on a node by its last outcome, one for the run, one for the journal."""
    cases = [Case(n.name, "nodes", *_of_node(n)) for n in report.nodes]
    last = {(g.gate, g.node): g for g in report.gates}
    cases += [Case(" ".join(k for k in key if k), "gates", *_of_gate(g)) for key, g in sorted(last.items())]
    status = report.outcome.status
    whole = ("", "") if status in GOOD else (FAILED if status in BAD else ERROR, report.outcome.sentence)
    journal = ("", "") if report.journal.whole else (ERROR, report.journal.damage)
    cases += [Case("run", "run", *whole), Case("journal", "run", *journal)]
    return suite(f"c2c run {report.run}", cases, {"plan": report.plan, "cluster": report.cluster})


def _of_node(node: NodeStory) -> tuple[str, str]:
    if node.state in SETTLED:
        return "", ""
    return (FAILED if node.reason else ERROR), f"{node.state}: {node.reason}".rstrip(": ")


def _of_gate(gate: Proof) -> tuple[str, str]:
    return {"pass": ("", ""), "fail": (FAILED, gate.text)}.get(gate.outcome, (ERROR, gate.text))
