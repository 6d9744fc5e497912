"""The two engines as independent witnesses: each reads its own objects and shares nothing with the compiler."""

__all__: list[str] = []
