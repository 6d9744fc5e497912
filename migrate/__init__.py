"""The faces of the translator: read files, call the pure core, render, exit with a code."""

__version__ = "0.1.0"
__all__ = ["__version__"]
