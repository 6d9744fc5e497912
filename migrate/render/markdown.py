"""The report as a comment for a pull request: a stable first line, the verdict, what must be decided."""

from __future__ import annotations

from translators.report import Report

__all__ = ["comment"]

LIMIT = 60_000


def comment(report: Report) -> str:
    """Give Markdown that fits a comment; cut at a section's end if it would not."""
    grades = report.grades()
    exact = grades["S0"] + grades["S1"] + grades["S2"]
    parts = [
        "<!-- c2c:report -->",
        f"### Calico → Cilium: {len(report.differences)} differences",
        "",
        (
            f"**{exact} exact · {grades['A']} approximate · {grades['X']} refused** · "
            f"{report.count('kept')} kept, of {len(report.policies)} policies; for Cilium {report.method.cilium}."
        ),
        "",
    ]
    rows = [
        f"| {f.severity} | {f.code} {_cell(f.object)} | {_cell(f.text)} | `{_cell(str(f.span))}` |"
        for f in report.findings
        if f.severity != "note"
    ]
    if rows:
        parts += ["| | finding | what | where |", "|---|---|---|---|", *rows, ""]
    for d in report.differences:
        first = (
            "Cilium allows what Calico drops" if d.effect == "opens" else "Calico allows what Cilium drops"
        )
        parts.append(f"- {first}: {_cell(d.src)} → {_cell(d.dst)}, {_cell(d.packets)}")
    text = ""
    for line in parts:
        if len(text) + len(line) > LIMIT:
            return text + "\n… the rest is in the full report.\n"
        text += line + "\n"
    return text


def _cell(text: str) -> str:
    """Keep names from becoming markup."""
    for char in "\\`*_[]<>|#":
        text = text.replace(char, f"\\{char}" if char not in "<>" else {"<": "&lt;", ">": "&gt;"}[char])
    return text.replace("\n", " ")
