"""The orchestrator: what happens next, and the faces that show it; what policies mean is ``translators``."""

__all__: list[str] = []
