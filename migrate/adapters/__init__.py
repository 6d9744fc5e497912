"""Doors to the world outside: files now, clusters later; modules here do not know each other."""

__all__: list[str] = []
