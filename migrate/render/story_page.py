"""The migration report as one self-contained page: it fetches nothing, runs nothing and holds its own data."""

from __future__ import annotations

from dataclasses import asdict

from migrate.model.story import MigrationReport, NodeStory
from migrate.render.html import embedded, resource, template
from migrate.render.plan_summary import duration
from migrate.render.story_chart import svg
from migrate.render.story_text import headline, not_passed, planned, traffic

__all__ = ["page"]


def page(report: MigrationReport) -> str:
    """Give the page; equal reports give equal bytes."""

    def stays(node: NodeStory) -> list[tuple[str, str, str]]:
        return [(s.state, s.start, duration(s.seconds)) for s in node.stays]

    def gates_of(node: NodeStory) -> list[tuple[str, str, str, str]]:
        return [(g.time, g.gate, g.outcome, g.text) for g in report.gates if g.node == node.name]

    return template("story.html.j2").render(
        report=report,
        headline=headline(report),
        style=resource("report.css"),
        chart=svg(report),
        stages=[(f"{s.phase} {s.name}", s.start, s.end or "–", duration(s.seconds)) for s in report.stages],
        nodes=[_node(n) for n in report.nodes],
        stays=stays,
        gates_of=gates_of,
        traffic=list(traffic(report.gates)),
        failed=[(g.time, g.node, g.gate, g.outcome, g.text) for g in not_passed(report)],
        enforced=[(s.node, s.time) for s in report.policy.enforced],
        exposed=[
            (e.namespace, e.direction, e.pods, e.why, e.start, e.end or "not ended")
            for e in report.policy.exposed
        ],
        marks=[(m.time, m.kind, m.node, m.who, m.text) for m in report.marks],
        undo=[(u.step, "yes" if u.done else "no", u.undo) for u in report.undo],
        length=duration,
        data=embedded(asdict(report)),
    )


def _node(node: NodeStory) -> tuple[object, ...]:
    name = node.name + (" (canary)" if node.canary else "")
    return (
        name, node.wave, node.state.lower().replace("_", " "), node.pods, duration(node.out), planned(node), node.retries,
        node.rollbacks, node.reason,
    )  # fmt: skip
