"""Profiles for generated tests, capabilities by marker, and the last lines of a run: what was not tested here.

Found examples of generated tests become fixtures by hand, the database is not kept.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import capabilities

settings.register_profile("check", max_examples=50, derandomize=True, deadline=None, database=None)
settings.register_profile("test", max_examples=500, derandomize=True, deadline=None, database=None,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.register_profile("long", max_examples=20_000, deadline=None, database=None,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.load_profile(os.environ.get("C2C_PROFILE") or ("long" if capabilities.is_long() else "check"))

OF_THE_TESTS = frozenset(
    {"C2C_REWRITE", "C2C_LONG", "C2C_SEED", "C2C_SHARED", "C2C_TOOLS", "C2C_TOOLS_CACHE", "C2C_TEST_CHART"}
)
"""The variables that steer tests; every other one of the product's names is taken away before a test."""

TELLING = ("tests/oracles/", "tests/robustness/", "tests/property/")
"""The layers that draw at random: what a passed test of theirs prints (seeds, counts) is shown at the end."""

left_out: Counter[str] = Counter()
told: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "campaign: many minutes long, played by make test-long alone")
    config.addinivalue_line("markers", "needs(*names): what the machine must have, tests/capabilities.py")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            capabilities.need(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Where nothing may be left out, a skip of any kind is a failure."""
    report: pytest.TestReport = yield  # type: ignore[misc]
    if report.skipped and capabilities.is_ci() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CI=true skips nothing: {report.longrepr}"
    return report  # type: ignore[return-value]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed and report.nodeid.startswith(TELLING):
        name = report.nodeid.rpartition("/")[2].partition("::")[0].removesuffix(".py")
        told.extend(f"{name}: {line}" for line in report.capstdout.splitlines())
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if reason.startswith(capabilities.NOT_TESTED):
            layer = report.nodeid.split("/")[1]
            left_out[f"{capabilities.NOT_TESTED}: {layer} ({reason.partition(': ')[2]})"] += 1


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say what was drawn, and last what was not tested; a run of several steps says the latter again at its end."""
    if hasattr(config, "workerinput"):
        return
    for line in sorted(told):
        print(line)
    lines = [f"{text}: {count} tests" for text, count in sorted(left_out.items())]
    for line in lines:
        print(line)
    if (handed := os.environ.get("C2C_NOT_TESTED")) and lines:
        with Path(handed).open("a", encoding="utf-8") as stream:
            stream.writelines(f"{line}\n" for line in lines)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the terminal, the locale or the settings of who runs it."""
    for name in list(os.environ):
        if name.startswith(("C2C_", "LC_", "XDG_CONFIG")) and name not in OF_THE_TESTS:
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "LANG", "TERM", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
