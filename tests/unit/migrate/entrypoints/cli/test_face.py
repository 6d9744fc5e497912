from __future__ import annotations

import io

import click
import pytest

from migrate.entrypoints.cli.face import canvas_of, face, failed, give_common_options, next_step, say
from migrate.entrypoints.cli.main import VERBS, main, root


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour_follows_the_stream_and_the_environment(environment, terminal, coloured, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert canvas_of(Terminal() if terminal else io.StringIO()).colour is coloured


@pytest.mark.parametrize(
    ("environment", "plain"),
    [
        ({}, False),
        ({"LANG": "en_GB.UTF-8"}, False),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C"}, True),
        ({"LC_ALL": "C.UTF-8"}, False),
        ({"LC_CTYPE": "de_DE.ISO-8859-1"}, True),
    ],
)
def test_a_locale_that_is_not_utf8_gets_ascii(environment, plain, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert canvas_of(io.StringIO()).ascii is plain


def test_the_width_is_the_terminals_and_wide_has_none(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert canvas_of(io.StringIO()).width == 40
    assert canvas_of(io.StringIO(), wide=True).width is None
    monkeypatch.setenv("COLUMNS", "3")
    assert canvas_of(io.StringIO()).width == 20


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_knows_the_common_options(verb):
    command = root.get_command(click.Context(root), verb)
    inner = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    for one in inner:
        known = [name for param in one.params for name in param.opts]
        assert {"--color", "--ascii", "--progress", "--no-headers", "-q", "-v"} <= set(known)
        assert len(known) == len(set(known))
        assert give_common_options(one).params is one.params
        assert [name for param in one.params for name in param.opts] == known


def test_color_beats_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("NO_COLOR", "1")
    main(["explain", "CAL-NOPE", "--color", "always"])
    assert "\x1b[31m✖\x1b[0m" in capsys.readouterr().err


def test_quiet_says_only_what_nobody_may_miss(capsys):
    @click.command()
    def command() -> None:
        say("told")
        say("detail", detail=True)
        next_step("c2c lint")
        failed("broken", why="because", fix="mend it")

    give_common_options(command)
    for flags, wanted in (
        ([], ["told", "Next: c2c lint", "✖ broken"]),
        (["-q"], ["✖ broken"]),
        (["-v"], ["told", "detail", "Next: c2c lint", "✖ broken"]),
    ):
        command.main(flags, standalone_mode=False)
        shown = capsys.readouterr()
        assert shown.out == ""
        lines = shown.err.splitlines()
        assert lines == [*wanted, "  why: because", "  fix: mend it"]


def test_outside_of_a_command_the_defaults_hold():
    assert face().color == "auto"
    assert face().loudness == 0
