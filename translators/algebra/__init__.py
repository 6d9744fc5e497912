"""Positional cubes, the flow space, prefixes and intervals: sets of flows without any meaning of policy."""

__all__: list[str] = []
