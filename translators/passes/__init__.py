"""The steps of the compiler between reading and writing; no pass knows another."""

__all__: list[str] = []
