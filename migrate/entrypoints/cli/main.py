"""The root command: which verbs there are, and the one place that turns failures into exit codes."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence

import click

from migrate import __version__
from migrate.entrypoints.cli import collector
from migrate.entrypoints.cli.face import failed, give_common_options
from migrate.errors import Failure
from migrate.exitcodes import ExitCode

__all__ = ["main"]

LINES = (
    ("policies", "translate", "Calico policies in; Cilium policies, grades and proof out"),
    ("policies", "verify", "prove that two policy sets give the same verdicts"),
    ("policies", "diff", "the flows whose verdict differs between two sets"),
    ("policies", "explain", "what a finding means; one flow under both engines"),
    ("policies", "lint", "defects of Calico policies: dead rules, ties, typos"),
    ("plan", "preflight", "what could stop the migration, and what removes it"),
    ("plan", "snapshot", "the cluster as one redacted file"),
    ("plan", "plan", "the exact steps, waves, undo of each; a file for apply"),
    ("plan", "rehearse", "the real driver on a simulated cluster, with faults"),
    ("run", "run", "preflight, translate, plan and apply in one go"),
    ("run", "apply", "carry out a plan"),
    ("run", "watch, status", "follow a run from anywhere; one picture of it"),
    ("run", "pause, resume, abort", "change what the run is to do next"),
    ("run", "approve", "give, or refuse, the approval that a run waits for"),
    ("run", "rollback", "bring nodes, or everything, back to Calico"),
    ("after", "report, bundle", "the report of a run, all for support"),
    ("after", "doctor, rbac", "can this installation work; the smallest rights"),
    ("after", "config", "begin, check and look at the configuration file"),
    ("after", "completion, version", "for bash, zsh, fish; versions of all that counts"),
)
"""The lines of help in their groups; verbs that go together share one."""
VERBS = {verb: group for group, verbs, _ in LINES for verb in verbs.split(", ")}
EXAMPLES = """\
Examples:
  c2c translate policies/ --out cilium/
  c2c preflight --cluster prod.tgz
  c2c run --expect-cluster prod-eu-1 --yes
"""


class _Verbs(click.Group):
    """A group that imports a verb's module when it is asked for, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"migrate.entrypoints.cli.{cmd_name}")
        command: click.Command = module.command
        return give_common_options(command)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; a failure is shown while it is still known how the user wants to see it."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            failed(failure.what, failure.why, failure.fix)
            return failure.code
        except Exception as error:
            from translators.errors import InputError, OptionError  # noqa: PLC0415  # help loads click alone

            if not isinstance(error, (InputError, OptionError)):
                raise
            failed(error.what, error.why, error.fix)
            return ExitCode.USAGE

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"there is no verb {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        for group in dict.fromkeys(VERBS.values()):
            with formatter.section(group.capitalize()):
                formatter.write_dl([(verbs, text) for g, verbs, text in LINES if g == group])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the verbs; the only options of the group are the two that every program has."""
        self.format_commands(ctx, formatter)


@click.group(
    cls=_Verbs,
    invoke_without_command=True,
    help="Move a cluster from Calico to Cilium: proved, gated, reversible.\n\n\b\n" + EXAMPLES,
)
@click.version_option(__version__, prog_name="c2c")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Hold the verbs; alone it is a request for help."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code; nothing escapes as a traceback."""
    _ready_streams()
    try:
        with collector.paused():
            result = root.main(
                args=list(arguments) if arguments is not None else None,
                prog_name="c2c",
                standalone_mode=False,
            )
    except click.exceptions.Abort:
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show(sys.stderr)
        return ExitCode.USAGE
    except BrokenPipeError:
        # The reader has gone: point stdout at nothing, so that the interpreter's last flush is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception:  # noqa: BLE001  # the last line of defence: a bug becomes a file and an exit code
        return _crashed()
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _ready_streams() -> None:
    """Give every stream that was closed a place to go, and let the open ones take any name in UTF-8."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  # lives as long as the process
        elif name != "stdin" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _crashed() -> int:
    with tempfile.NamedTemporaryFile("w", prefix="c2c-crash-", suffix=".txt", delete=False) as stream:
        traceback.print_exc(file=stream)
    click.echo(f"✖ internal error; please report {stream.name}", err=True)
    return ExitCode.BUG
