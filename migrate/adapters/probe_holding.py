"""How a probe pod holds a connection: a loop of ``bash`` that asks over one connection again and again, and notes its end.

The loop lives in the pod, without us: a run may be resumed from anywhere. What it knows lies in files beside it: whom to
hold to, when it began, that it is alive, and the ends of connections. Nothing but the echo server of the other pod is asked.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from migrate.ports import Cut

__all__ = ["Noted", "asking", "holding", "noted"]

PLACE = '"${TMPDIR:-/tmp}/c2c-held"'
ROUND_S, SILENT_S, DEAD_S = 5, 30, 180
"""Asked so often; no answer for so long is an end; a loop that was not heard of for so long, which is longer than a connection
takes that nobody answers, is none any more."""
HEAD, WORDS = 3, 4
"""Lines before the first end, and words of each."""
LOOP = r"""trap '' PIPE
held=
end() { printf '%(%s)T %s %s\n' -1 "$1" "$held" >>cuts; held=; exec 3>&-; }
printf '%(%s)T\n' -1 >since
while :; do
  printf '%(%s)T\n' -1 >alive
  read -r node pod address port <target || exit
  if [ -n "$held" ] && [ "$held" != "$node $pod" ]; then held=; exec 3>&-; fi
  if [ -z "$held" ] && { exec 3<>"/dev/tcp/$address/$port"; } 2>/dev/null; then held="$node $pod"; fi
  if [ -n "$held" ]; then
    printf 'HEAD /hostname HTTP/1.1\r\nHost: c2c\r\n\r\n' >&3 2>/dev/null
    line=none
    until [ "$line" = $'\r' ]; do
      read -r -t SILENT -u 3 line && continue
      if [ $? -gt 128 ]; then end silent; else end reset; fi
      break
    done
  fi
  sleep ROUND
done
"""
"""A line of ``cuts`` is: seconds since 1970, how it ended, node and uid of the pod at the other end."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What a pod's loop noted since it began."""

    since: str
    cuts: tuple[Cut, ...] = ()


def holding(
    node: str, pod: str, address: str, port: int, *, silent_s: int = SILENT_S, round_s: float = ROUND_S
) -> str:
    """Give the script that lets a pod hold a connection to another pod, and begins its loop where none lives."""
    target = shlex.quote(f"{node} {pod} {address} {port}")
    loop = LOOP.replace("SILENT", str(silent_s)).replace("ROUND", str(round_s))
    return (
        f"mkdir -p {PLACE} && cd {PLACE} || exit 1\n"
        f"echo {target} >target.new && mv target.new target\n"
        f"now=$(date +%s); seen=$(cat alive 2>/dev/null || echo 0)\n"
        f"[ $((now - seen)) -le {DEAD_S} ] || {{ bash -c {shlex.quote(loop)} </dev/null >/dev/null 2>&1 & }}\n"
    )


def asking() -> str:
    """Give the script that tells what was noted: the time now, when the loop was alive and when it began, then each end."""
    return f"cd {PLACE} && date +%s && cat alive since && {{ cat cuts 2>/dev/null || true; }}"


def noted(said: str) -> Noted | None:
    """Read what that script told; None where no loop lives, or never did."""
    lines = said.splitlines()
    head, ends = lines[:HEAD], (line.split() for line in lines[HEAD:])
    if len(head) < HEAD or not all(line.isdigit() for line in head):
        return None
    now, alive, since = head
    if int(now) - int(alive) > DEAD_S:
        return None
    return Noted(
        _time(since), tuple(Cut(_time(end[0]), end[2], end[3], end[1]) for end in ends if len(end) == WORDS)
    )


def _time(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
