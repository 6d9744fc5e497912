"""Profiles for generated tests; found examples become fixtures by hand, the database is not kept."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("check", max_examples=50, derandomize=True, deadline=None, database=None)
settings.register_profile("test", max_examples=300, deadline=None, database=None,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.register_profile("long", max_examples=20_000, deadline=None, database=None,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.load_profile(
    "long" if os.environ.get("C2C_LONG") == "1" else "test" if os.environ.get("CI") else "check"
)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the terminal, the locale or the settings of who runs it."""
    for name in list(os.environ):
        if name.startswith(("C2C_", "LC_", "XDG_CONFIG")) and name not in {
            "C2C_REWRITE",
            "C2C_LONG",
            "C2C_TOOLS",
            "C2C_TOOLS_CACHE",
        }:
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "LANG", "TERM", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
