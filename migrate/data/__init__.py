"""Data that ships with the tool; every file says how it is made."""

__all__: list[str] = []
