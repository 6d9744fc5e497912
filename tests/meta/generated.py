"""The pages that are made from the code: each is a function that gives its text, and nothing else makes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from migrate.engine.reasons import GATES, HALTS, every_halt, gate_slug
from migrate.entrypoints.cli.main import VERBS, root
from migrate.exitcodes import ExitCode
from migrate.preflight.registry import every_rule
from migrate.preflight.rule import Group, Rule
from migrate.render import rule as rule_page
from tests.controlplane import run_faults, scale, scale_page
from tests.meta.machines import states
from tests.scenarios import NOT_PLAYED, Scenario, modes, of_removal, scenarios
from translators.diagnostics import CODES

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = {
    "P": "Parse and validate",
    "S": "Selectors",
    "O": "Order and tiers",
    "N": "Peers and networks",
    "L": "Ports and protocols",
    "H": "Hosts",
    "K": "Kubernetes policy objects",
    "V": "Cilium's output and the proof",
}
MEANINGS = {
    ExitCode.DONE: ("done, or nothing to do", "as asked"),
    ExitCode.BUG: ("internal error; a file with the traceback is named", "unknown to us"),
    ExitCode.USAGE: ("unknown option, bad configuration, unreadable input", "unchanged"),
    ExitCode.BLOCKED: ("not exact, refused, not proved, or something in the way", "unchanged"),
    ExitCode.HALTED: ("stopped by a failed gate or step; can be resumed", "known mixed state"),
    ExitCode.ROLLED_BACK: ("a failure was undone as configured", "as before the node or the run"),
    ExitCode.LOCKED: ("another run holds the lease", "unchanged by us"),
    ExitCode.UNREACHABLE: ("API unreachable, or permission denied", "unchanged, or at a checkpoint"),
    ExitCode.INCONCLUSIVE: ("evidence is missing: blind is not green", "unchanged"),
    ExitCode.WAITING: ("paused for a person", "at a checkpoint, safe to leave"),
    ExitCode.DIFFERENCES: ("differences, only with `--detailed-exitcode`", "unchanged"),
    ExitCode.INTERRUPTED: ("SIGINT, honoured", "safe to leave"),
    ExitCode.TERMINATED: ("SIGTERM, honoured", "safe to leave"),
}
MADE = "Generated from the code by `make docs`.\n"


def codes() -> str:
    """Give the reference of all codes, by family."""
    lines = ["# Codes", "", MADE, "`c2c explain CODE` says the same on a terminal, without a network.", ""]
    for letter, title in FAMILIES.items():
        lines += [f"## {letter}: {title}", ""]
        for info in (i for i in CODES.values() if i.code[4] == letter):
            lines += [
                f"### {info.code} {info.title}",
                "",
                f"Class {info.cls}; severity {info.severity}. {_names(info.text)}",
                "",
                f"*Remedy*: {_names(info.remedy)}",
                "",
            ]
    return "\n".join(lines)


def _names(text: str) -> str:
    """Show what is filled in as a name in italics, outside of code as inside of it."""
    return re.sub(r"\{(\w[^}]*)\}", r"‹\1›", text).replace("<", "&lt;")


def commands() -> str:
    """Give the reference of all verbs, as their own help says it."""
    lines = ["# Command line", "", MADE]
    for name in VERBS:
        lines += [f"## c2c {name}", ""]
        for path, command in _commands(name):
            lines += ["```text", _help(path, command), "```", ""]
    return "\n".join(lines)


def _commands(name: str) -> Iterator[tuple[list[str], click.Command]]:
    with click.Context(root, info_name="c2c") as ctx:
        command = root.get_command(ctx, name)
        assert command is not None, name
        yield [name], command
        if isinstance(command, click.Group):
            for inner in command.list_commands(ctx):
                found = command.get_command(ctx, inner)
                assert found is not None, inner
                yield [name, inner], found


def _help(path: list[str], command: click.Command) -> str:
    context = click.Context(root, info_name="c2c", terminal_width=100)
    for word in path[:-1]:
        context = click.Context(command, parent=context, info_name=word, terminal_width=100)
    own = click.Context(command, parent=context, info_name=path[-1], terminal_width=100)
    return "\n".join(line.rstrip() for line in command.get_help(own).splitlines())


def exit_codes() -> str:
    """Give the table of exit codes."""
    lines = ["# Exit codes", "", MADE, "| code | name | meaning | the cluster |", "|---|---|---|---|"]
    for code in ExitCode:
        meaning, cluster = MEANINGS[code]
        lines.append(f"| {int(code)} | {code.name.lower().replace('_', ' ')} | {meaning} | {cluster} |")
    return "\n".join(lines) + "\n"


def checks() -> str:
    """Give the reference of preflight's rules, by group in the order of their numbers."""
    intro = "`c2c explain CODE` says the same on a terminal. *block!* cannot be accepted, *block* can by id."
    lines = ["# Preflight", "", MADE, intro, ""]
    for group in Group:
        rules = [r for r in every_rule() if r.group is group]
        if rules:
            lines += [f"## {group}", "", "| code | severity | title | guards against |", "|---|---|---|---|"]
            lines += [f"| {r.code} | {r.severity} | {_names(r.title)} | {_failures(r)} |" for r in rules]
            lines += ["", *(line for r in rules for line in _check(r))]
    return "\n".join(lines)


def _failures(rule: Rule) -> str:
    return ", ".join(f"F-{number:02d}" for number in rule.failures) or "–"


def _check(rule: Rule) -> list[str]:
    page = rule_page.data(rule)
    marks = [f"asked again {' and '.join(page['repeated'])}"] if rule.repeat else []
    marks += [f"repaired by `{rule.repaired_by}` in P2"] if rule.repaired_by else []
    marks += ["needs facts of the nodes"] if rule.facts else []
    marks += ["a part lies in the rendered chart"] if rule.chart else []
    told = "; ".join([f"{rule.id}, {rule.severity}", *marks])
    remedy = ["", f"*Remedy*: {_names(page['remedy'])}"] if rule.remedy else []
    why = [line for paragraph in page["why"] for line in ("", _names(paragraph))]
    return [
        f"### {rule.code} {_names(rule.title)}",
        "",
        f"{told}. “{_names(page['text'])}”",
        *remedy,
        *why,
        "",
    ]


def sources() -> str:
    """Give the modules that follow an upstream's code, with what they follow."""
    lines = ["# What follows which source", "", MADE, "The versions stand in [upstream](../upstream.md).", ""]
    lines += ["| module | upstream |", "|---|---|"]
    for path in sorted([*(ROOT / "translators").rglob("*.py"), *(ROOT / "migrate").rglob("*.py")]):
        found = "; ".join(dict.fromkeys(_sources(path)))
        if found:
            lines.append(f"| `{path.relative_to(ROOT)}` | {found} |")
    return "\n".join(lines) + "\n"


def _sources(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = " ".join((ast.get_docstring(node) or "").split())
            for item in re.findall(r"Sources?: (.+?)(?:\.(?:\s|$)|; documentation|$)", text):
                yield item.replace("``", "`").replace("|", "\\|").strip()


def runbooks() -> str:
    """Give the index of the runbooks: a page for each reason for which a run halts, and the procedures that they share."""
    lines = [
        "# Runbooks",
        "",
        MADE,
        "A halted run names its page. `c2c explain drain` prints it without a network, `c2c explain runbooks` this list.",
        "Begin with [look first](procedures/look-first.md); [which verb](procedures/which-verb.md) says how to go on or back.",
    ]
    for title, slugs in _halts():
        lines += ["", f"## {title}", "", "| halt | `reason` in JSON | what it means |", "|---|---|---|"]
        lines += [f"| [{slug}]({slug}.md) | `{word}` | {_names(meaning)} |" for slug, word, meaning in slugs]
    lines += ["", "## Procedures", ""]
    for path in sorted((ROOT / "runbooks" / "procedures").glob("*.md")):
        title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        lines.append(f"- [{title}](procedures/{path.name})")
    return "\n".join(lines) + "\n"


def halts() -> str:
    """Give the reference of halt reasons: what the exit's ``reason`` says, and what prints the page that helps."""
    lines = [
        "# Halts",
        "",
        MADE,
        "Why a run stops by need; `c2c explain HALT` prints what to do then, without a network.",
    ]
    for title, slugs in _halts():
        lines += ["", f"## {title}", "", "| halt | `reason` | what it means |", "|---|---|---|"]
        lines += [f"| `{slug}` | `{word}` | {_names(meaning)} |" for slug, word, meaning in slugs]
    return "\n".join(lines) + "\n"


def _halts() -> tuple[tuple[str, list[tuple[str, str, str]]], ...]:
    """Give the halt reasons of steps and of gates: (slug, word, meaning)."""
    every = {slug: (slug, *said) for slug, said in every_halt().items()}
    return (
        ("Steps, nodes and the run", [every[slug] for slug in HALTS]),
        ("Gates", [every[gate_slug(g)] for g in GATES]),
    )


def failures() -> str:
    """Give what finds each failure mode: a rule before, a gate in a rehearsal, and how the run ends there."""
    lines = [
        "# Failure modes",
        "",
        MADE,
        _FAILURES,
        "",
        "| mode | what one sees | found before by | rehearsed as | ends |",
    ]
    lines.append("|---|---|---|---|---|")
    for number, symptom in modes().items():
        rules = [f"[{r.code}](preflight.md)" for r in every_rule() if number in r.failures]
        shown = [s for s in scenarios() if number in s.modes]
        names = "<br>".join(f"`{s.name}`" for s in shown) or "–"
        ends = "<br>".join(f"{s.ends}: {s.outcome}" for s in shown) or _later(number, rules)
        lines.append(f"| F-{number:02d} | {_names(symptom)} | {', '.join(rules) or '–'} | {names} | {ends} |")
    lines += ["", "## Faults", "", _PLAYED, ""]
    lines += ["| fault | what goes wrong | ends | said last | on a control plane |", "|---|---|---|---|---|"]
    lines += [
        f"| `{s.name}` | {s.fault.what} | {s.ends} | {_names(s.said) or '–'} | {_played(s)} |"
        for s in scenarios()
    ]
    return "\n".join(lines) + "\n"


def _played(scenario: Scenario) -> str:
    """Say whether a scenario is played on a real control plane too."""
    return scenario.live if scenario.live.startswith(NOT_PLAYED) else "ends so too"


def _later(number: int, rules: list[str]) -> str:
    """Give how a mode ends that no rehearsal shows: its rules have a snapshot each that raises them."""
    named = "named by preflight, before anything is done" if rules else "–"
    return f"{named}; its gates come with the removal of Calico" if number in of_removal() else named


_PLAYED = """\
What else a rehearsal can be made to meet, and what is said last. Whether a real control plane (API server, scheduler,
controllers, Helm, the genuine operator) ends it alike was tried by the tests; where not, the last column says why."""
_FAILURES = """\
Ways in which a migration from Calico to Cilium has gone wrong, and what of this tool finds each. A dash under *rehearsed
as*: it strikes in the removal of Calico (P10 to P13), which no run does yet, so that nothing but preflight looks for it; each
rule that names it is held to a snapshot that raises it. Each line is a test: `c2c rehearse PLAN --fault NAME` shows it on your own cluster's snapshot; the
places are those of the tests' cluster, and faults of hosts need `nodes.access: ssh`."""


FAULTS = {
    "Between the run and the API server": run_faults.CALLS,
    "On nodes, in the cluster, and where the run is driven": run_faults.HALTING,
    "A node that fails, and people who change nodes meanwhile": run_faults.GOING_BACK,
}


def faults() -> str:
    """Give what goes wrong in the middle of a run and how it ends, as the tests on a control plane play it."""
    lines = [
        "# Faults in the middle of a run",
        "",
        MADE,
        "Each row is played by a test on a real control plane, in the middle of a run that is then brought to its end, and",
        "everything is taken back. What a halt means, and what to do about it, stands in [Halts](halts.md).",
        "",
    ]
    for title, rows in FAULTS.items():
        lines += [
            f"## {title}",
            "",
            "| What goes wrong | When | How it ends | Exit | What a person does |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {_sentence(f.what)} | {_sentence(f.moment)} | {_ending(f)} | {f.code or '–'} | {_sentence(f.cure) or '–'} |"
            for f in rows
        ]
        lines += [""]
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ending(fault: run_faults.RunFault) -> str:
    reason = f" (`{fault.reason}`)" if fault.reason else ""
    return f"{_sentence(fault.ends)}{reason}"


PAGES: dict[str, Callable[[], str]] = {
    "reference/codes.md": codes,
    "reference/cli.md": commands,
    "reference/exit-codes.md": exit_codes,
    "reference/faults.md": faults,
    "reference/halts.md": halts,
    "reference/failures.md": failures,
    "reference/preflight.md": checks,
    "reference/scale.md": lambda: scale_page.page(scale.kept_records()),
    "reference/sources.md": sources,
    "reference/states.md": states,
}
