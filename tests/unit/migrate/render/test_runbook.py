from __future__ import annotations

import json

from migrate.render.runbook import data, renderers, table
from migrate.render.terminal import Canvas

PAGE = """\
# drain: pods cannot be evicted

`DrainBlocked` · exit code 4

## What to type

See [gate-09](gate-09-api-services-and-webhooks.md), *then* [look first](procedures/look-first.md): two sentences
that stand on two lines.

| the server says | do |
|---|---|
| `more than one budget` | delete **one** |

```sh
kubectl get pods -A -o custom-columns='NS:.metadata.namespace,NAME:.metadata.name,IP:.status.podIP' | grep x
# a comment of the shell
```

- one
- two
"""


def test_a_page_is_read_at_a_terminal_without_its_marks() -> None:
    assert table(PAGE).splitlines() == [
        "drain: pods cannot be evicted",
        "",
        "  DrainBlocked · exit code 4",
        "",
        "What to type",
        "",
        "  See c2c explain gate-09, then look first (c2c explain look-first): two",
        "  sentences that stand on two lines.",
        "",
        "  * more than one budget",
        "      delete one",
        "",
        "    kubectl get pods -A -o custom-columns='NS:.metadata.namespace,NAME:.metadata.name,IP:.status.podIP' | grep x",
        "    # a comment of the shell",
        "",
        "  - one",
        "  - two",
    ]


def test_a_command_is_never_cut() -> None:
    narrow = table(PAGE, Canvas(width=40))
    assert "IP:.status.podIP' | grep x" in narrow
    assert max(len(line) for line in narrow.splitlines() if "kubectl" not in line) <= 40


def test_programs_get_the_whole_page() -> None:
    page = json.loads(renderers("drain", PAGE, ("DrainBlocked", "pods cannot be evicted"))["json"]())
    assert page == data("drain", PAGE, ("DrainBlocked", "pods cannot be evicted"))
    assert (page["kind"], page["title"], page["reason"]) == (
        "Runbook",
        "drain: pods cannot be evicted",
        "DrainBlocked",
    )
    assert renderers("drain", PAGE, None)["markdown"]() == PAGE
    assert data("procedures/look-first", PAGE, None)["reason"] == ""
