"""Programs that do not outlive us: a child that is killed with the process that started it.

Helm that goes on alone would meet the next process of the run at the same release. Linux tells a child of its parent's
death (``PR_SET_PDEATHSIG``); it is asked for by the child itself, between its start and the program, since code between
``fork`` and ``exec`` is not safe beside threads. Elsewhere there is no such thing, and the command is left as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

__all__ = ["leashed"]

_ASK = """\
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    os.write(2, f"{sys.argv[2]}: {error.strerror}\\n".encode())
    os._exit(127)
"""
"""1 is PR_SET_PDEATHSIG; a parent that died before the child could ask has another number now."""


def leashed(command: Sequence[str]) -> list[str]:
    """Give the command that runs a command and dies with us; its process id, output and exit code are the program's."""
    if not sys.platform.startswith("linux") or not sys.executable:
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _ASK, str(os.getpid()), *command]
