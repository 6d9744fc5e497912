"""The faces: a command line now; every face shows the same values."""

__all__: list[str] = []
