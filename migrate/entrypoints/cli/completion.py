"""``c2c completion``: the script that a shell sources to complete verbs and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from migrate.entrypoints.cli.output import put
from migrate.exitcodes import ExitCode


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the completion script of a shell.

    \b
    c2c completion bash > /etc/bash_completion.d/c2c
    c2c completion zsh > "${fpath[1]}/_c2c"
    c2c completion fish > ~/.config/fish/completions/c2c.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}", ctx)
    put(found(ctx.find_root().command, {}, "c2c", "_C2C_COMPLETE").source() + "\n")
    return ExitCode.DONE
