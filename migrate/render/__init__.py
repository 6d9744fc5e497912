"""A report in, text out: pure, no clock, no cluster; everything shown is in the report's JSON."""

__all__: list[str] = []
