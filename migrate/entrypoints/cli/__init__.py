"""The command line: one module a verb, loaded only when the verb is called."""

__all__: list[str] = []
