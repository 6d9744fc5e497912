"""Garbage in, a diagnostic with a place out: no input of any sort gives a traceback.

Documents of the corpus and the examples are mutated by bytes, tokens and nodes; a printed seed repeats one.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import yaml

from tests.capabilities import ROOT, SHARED, is_long
from translators import translate
from translators.source import read, read_chunks
from translators.worldbuilder import build_world

COUNT = 100_000 if is_long() else 20_000
ODD: list[Any] = [None, True, -1, 0, 70000, 1.5, "", "\n", "a'", "22:53", [], {}, [[]], {"a": {"b": None}},
                  "0.0.0.0/0", "x" * 600, ["1", 2], "!has(", "\u0000", float("inf")]  # fmt: skip


def sources() -> list[bytes]:
    files = sorted((ROOT / "examples" / "policies").glob("*.yaml"))
    files += sorted((SHARED / "corpus").glob("*.yaml")) if (SHARED / "corpus").is_dir() else []
    return [path.read_bytes() for path in files]


def by_bytes(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content[:4000])
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data) or 1)
        match rng.randrange(3):
            case 0:
                data[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[place : place + rng.randint(1, 20)]
            case _:
                data[place:place] = rng.choice(
                    [b"\t", b"- ", b"{", b"&a ", b"*a ", b"\xff", b"? ", b"!!int "]
                )
    return bytes(data)


def by_tokens(content: bytes, rng: random.Random) -> bytes:
    words = content[:4000].split(b" ")
    for _ in range(rng.randint(1, 4)):
        i, j = rng.randrange(len(words)), rng.randrange(len(words))
        words[i], words[j] = words[j], words[i]
    return b" ".join(words)


def by_nodes(content: bytes, rng: random.Random) -> bytes:
    try:
        documents = [d for d in yaml.safe_load_all(content) if isinstance(d, dict)]
    except yaml.YAMLError:
        return content
    if not documents:
        return content
    changed = copy.deepcopy(rng.choice(documents))
    for _ in range(rng.randint(1, 3)):
        _replace(changed, rng)
    return yaml.safe_dump(changed, allow_unicode=True).encode("utf-8", "replace")


def _replace(node: Any, rng: random.Random) -> None:
    while isinstance(node, dict | list) and node:
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        if rng.random() < 0.3 or not isinstance(node[key], dict | list) or not node[key]:
            node[key] = copy.deepcopy(rng.choice(ODD))
            return
        node = node[key]


def test_no_document_gives_a_traceback() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    pool = sources()
    ways: list[Callable[[bytes, random.Random], bytes]] = [by_bytes, by_tokens, by_nodes, by_nodes]
    sound = 0
    for number in range(COUNT):
        content = rng.choice(ways)(rng.choice(pool), rng)
        try:
            reading = read("garbage.yaml", content)
            result = translate(reading.documents, diagnostics=reading.diagnostics)
        except Exception as error:
            raise AssertionError((seed, number, content[:2000])) from error
        findings = result.report.findings
        assert all(f.code and f.text for f in findings)
        sound += not any(f.severity == "error" for f in findings)
    assert sound < COUNT * 0.8


def test_no_json_gives_a_traceback_and_pieces_give_what_the_whole_does() -> None:
    seed = random.randrange(1 << 30)
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
