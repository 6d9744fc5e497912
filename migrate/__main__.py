"""``python -m migrate``: the same as ``c2c``."""

from __future__ import annotations

import sys

from migrate.entrypoints.cli.main import main


def run() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(main())


if __name__ == "__main__":
    run()
