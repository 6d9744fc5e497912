"""Profiles for generated tests; found examples become fixtures by hand, the database is not kept."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("check", max_examples=50, derandomize=True, deadline=None, database=None)
settings.register_profile("test", max_examples=300, deadline=None, database=None,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.register_profile("long", max_examples=20_000, deadline=None, database=None,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.load_profile(
    "long" if os.environ.get("C2C_LONG") == "1" else "test" if os.environ.get("CI") else "check"
)
