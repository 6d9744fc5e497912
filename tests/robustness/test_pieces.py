"""A file that comes in pieces is read as the whole is, whatever it holds."""

from __future__ import annotations

import random

from tests import capabilities
from tests.capabilities import ROOT, is_long
from tests.robustness.mutations import by_bytes, by_tokens
from translators.source import read, read_chunks
from translators.worldbuilder import build_world

COUNT = 100_000 if is_long() else 20_000


def test_no_json_gives_a_traceback_and_pieces_give_what_the_whole_does() -> None:
    seed = capabilities.seed()
    print(f"seed {seed}")
    rng = random.Random(seed)
    pool = sorted((ROOT / "examples" / "cluster").glob("*.json"))
    texts = [path.read_bytes()[:3000] for path in pool] + [path.read_bytes() for path in pool]
    for number in range(COUNT // 10):
        content = rng.choice((by_bytes, by_tokens))(rng.choice(texts), rng)
        size = rng.choice((1, 7, 100, 1000))
        pieces = [content[i : i + size] for i in range(0, len(content), size)]
        try:
            whole = read("garbage.json", content)
            parts = read_chunks("garbage.json", lambda pieces=pieces: pieces)
            build_world(whole.documents)
        except Exception as error:
            raise AssertionError((seed, number, content[:2000])) from error
        assert [(d.data, d.span) for d in parts.documents] == [(d.data, d.span) for d in whole.documents]
        assert parts.diagnostics == whole.diagnostics
