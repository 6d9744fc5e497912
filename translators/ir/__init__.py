"""What readers, lowering and passes hand to each other: frozen values, no behaviour."""

__all__: list[str] = []
