"""Ways to spoil a document: by bytes, tokens, nodes, types, depth, aliases, keys, size, encoding, length.

Each way takes the bytes of a good document and a random source, and gives the bytes of a spoilt one. Nothing here
knows what a document means.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

Way = Callable[[bytes, random.Random], bytes]
ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 70000, 2**63, -(2**70), 1.5, float("inf"), float("nan"), "", " ", "\n", "\t",
    "a'", "22:53", "0.0.0.0/0", "::/0", "10.0.0.1/33", "x" * 600, "!has(", "(" * 60, "a && ", "\u0000", "\u2028",
    "é" * 20, "1e400", "0x10", "on", "~", "=", "<<", "2024-01-01", [], {}, [[]], [None], ["1", 2], {"": ""},
    {"a": {"b": None}}, [{}], {"matchLabels": []}, [[[[1]]]],
)  # fmt: skip
SNIPPETS = (b"\t", b"- ", b"{", b"}", b"[", b"&a ", b"*a ", b"\xff", b"? ", b"!!int ", b"!!python/object:os.x ", b"|\n",
            b">-\n", b"---\n", b"...\n", b"%YAML 9.9\n", b'"', b"'", b"\x00", b"\xef\xbb\xbf", b"#", b": ", b"\r",
            b"<<: ", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x85")  # fmt: skip
DEEPEST = 3_000
LONGEST = 300_000


def by_bytes(content: bytes, rng: random.Random) -> bytes:
    """Change, drop and insert single bytes and short strings."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[place : place + rng.randint(1, 20)]
            case 2:
                data[place:place] = data[place : place + rng.randint(1, 40)]
            case _:
                data[place:place] = rng.choice(SNIPPETS)
    return bytes(data)


def by_tokens(content: bytes, rng: random.Random) -> bytes:
    """Swap, repeat and drop words and lines."""
    separator = rng.choice([b" ", b"\n", b":", b","])
    words = content.split(separator)
    for _ in range(rng.randint(1, 4)):
        i, j = rng.randrange(len(words)), rng.randrange(len(words))
        match rng.randrange(3):
            case 0:
                words[i], words[j] = words[j], words[i]
            case 1:
                words.insert(i, words[j])
            case _ if len(words) > 1:
                words.pop(i)
    return separator.join(words)


def by_nodes(content: bytes, rng: random.Random) -> bytes:
    """Put odd values for nodes, anywhere in the tree."""
    return _of_tree(content, rng, _replaced)


def by_types(content: bytes, rng: random.Random) -> bytes:
    """Change the type of nodes and keep their contents: scalar to list, list to map, map to text, number to text."""
    return _of_tree(content, rng, _retyped)


def by_moving(content: bytes, rng: random.Random) -> bytes:
    """Put one part of the tree in another's place."""
    return _of_tree(content, rng, _moved)


def by_depth(content: bytes, rng: random.Random) -> bytes:
    """Nest a node deeper than anybody would."""
    depth = rng.choice([20, 100, 1000, DEEPEST])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a": ', b"}"), (b"- ", b"")])
    nested = opening * depth + b"1" + closing * depth
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    key, colon, _ = lines[place].partition(b":")
    lines[place] = key + colon + b" " + nested if colon else nested
    return b"\n".join(lines)


def by_aliases(content: bytes, rng: random.Random) -> bytes:
    """Put anchors and aliases: a few, a cycle, or nine lists of nine of each other (a billion at the end)."""
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    match rng.randrange(3):
        case 0:
            laughs = [b"x0: &x0 [a, a, a, a, a, a, a, a, a]"]
            laughs += [b"x%d: &x%d [%s]" % (n, n, b", ".join([b"*x%d" % (n - 1)] * 9)) for n in range(1, 9)]
            return b"\n".join([*laughs, *(line for line in lines if not line.startswith(b"---"))])
        case 1:
            lines[place] += b" &loop [*loop]"
        case _:
            lines[place] += b" &a"
            lines[rng.randrange(len(lines))] += b" *a"
    return b"\n".join(lines)


def by_keys(content: bytes, rng: random.Random) -> bytes:
    """Write a line twice, so that a map has a key twice; or make a key of something that is no text."""
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    if rng.random() < 0.6:
        lines.insert(place, lines[place])
    else:
        indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
        lines.insert(
            place, indent + rng.choice([b"? [a]\n: b", b"1: x", b"~: x", b"true: x", b"{a: b}: c", b"<<: *b"])
        )
    return b"\n".join(lines)


def by_size(content: bytes, rng: random.Random) -> bytes:
    """Make one scalar huge, or repeat a line very often."""
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    if rng.random() < 0.5:
        key, colon, _ = lines[place].partition(b":")
        lines[place] = (
            key + colon + b" " + rng.choice([b"a", b"9", b"(", b"!"]) * rng.choice([5_000, LONGEST])
        )
    else:
        lines[place : place + 1] = [lines[place]] * rng.choice([50, 2_000])
    return b"\n".join(lines)


def by_encoding(content: bytes, rng: random.Random) -> bytes:
    """Write it in another encoding, wholly or from some place on."""
    text = content.decode("utf-8", "replace")
    other = rng.choice(["utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-16-le"])
    place = rng.choice([0, rng.randrange(len(text) + 1)])
    return (
        text[:place].encode()
        + text[place:].encode(other, "replace")
        + rng.choice([b"", b"\xc3\x28", b"\x80"])
    )


def by_cutting(content: bytes, rng: random.Random) -> bytes:
    """Stop somewhere."""
    return content[: rng.randrange(len(content) + 1)]


TEXT_WAYS: Mapping[str, Way] = {
    "bytes": by_bytes, "tokens": by_tokens, "nodes": by_nodes, "types": by_types, "moving": by_moving,
    "depth": by_depth, "aliases": by_aliases, "keys": by_keys, "size": by_size, "encoding": by_encoding,
    "cutting": by_cutting,
}  # fmt: skip
"""Every way for a document of text."""

WEIGHTS = {"bytes": 4, "tokens": 4, "nodes": 6, "types": 5, "moving": 3, "depth": 1, "aliases": 1, "keys": 2,
           "size": 1, "encoding": 1, "cutting": 2}  # fmt: skip


def spoil(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Spoil a document of text in one way, named in the answer."""
    name = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    return name, TEXT_WAYS[name](content, rng)


def spoil_archive(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Spoil a gzipped archive as a file, or the archive inside it."""
    match rng.randrange(4):
        case 0:
            return "cutting", by_cutting(content, rng)
        case 1:
            return "bytes", by_bytes(content, rng)
        case 2:
            return "inner cutting", gzip.compress(by_cutting(gzip.decompress(content), rng), 1)
    return "inner bytes", gzip.compress(by_bytes(gzip.decompress(content), rng), 1)


def _of_tree(content: bytes, rng: random.Random, change: Callable[[Any, random.Random], None]) -> bytes:
    """Read, change one to three places, write: as JSON lines where it was, else as YAML."""
    is_json = content.lstrip()[:1] in {b"{", b"["}
    try:
        documents = [json.loads(line) for line in content.splitlines() if line.strip()] if is_json else []
    except ValueError:
        documents = []
    if not documents:
        try:
            documents = list(yaml.load_all(content, yaml.CSafeLoader))
        except (yaml.YAMLError, ValueError):
            return by_bytes(content, rng)
    for _ in range(rng.randint(1, 3)):
        chosen = rng.choice(documents) if documents else None
        if isinstance(chosen, dict | list):
            change(chosen, rng)
    if is_json:
        return "\n".join(json.dumps(d, default=str) for d in documents).encode()
    return yaml.dump_all(documents, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False).encode(
        "utf-8", "replace"
    )


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Give (container, key) of every node under the root."""
    listed = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(listed):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _place(tree: Any, rng: random.Random) -> tuple[Any, Any] | None:
    found = list(_places(tree))
    return rng.choice(found) if found else None


def _replaced(tree: Any, rng: random.Random) -> None:
    if (place := _place(tree, rng)) is not None:
        container, key = place
        if rng.random() < 0.15 and isinstance(container, dict):
            container[rng.choice(["", "x", "spec", "action", "selector", "kind"])] = container.pop(key)
        else:
            container[key] = copy.deepcopy(rng.choice(ODD))


def _retyped(tree: Any, rng: random.Random) -> None:
    if (place := _place(tree, rng)) is None:
        return
    container, key = place
    value = container[key]
    ways: list[Callable[[Any], Any]] = [
        lambda v: [v],
        lambda v: {"x": v},
        lambda v: json.dumps(v, default=str),
        lambda v: [v, v],
    ]
    if isinstance(value, list):
        ways += [lambda v: dict(enumerate(v)), lambda v: v[0] if v else None, lambda v: [*v, None]]
    if isinstance(value, dict):
        ways += [lambda v: list(v.values()), list, lambda v: [[k, x] for k, x in v.items()]]
    if isinstance(value, int | float):
        ways += [str, lambda v: -v, lambda v: v * 1_000_003, float]
    if isinstance(value, str):
        ways += [len, lambda v: v.encode(), lambda v: v.upper(), lambda v: v + " "]
    container[key] = rng.choice(ways)(value)


def _moved(tree: Any, rng: random.Random) -> None:
    source, target = _place(tree, rng), _place(tree, rng)
    if source is not None and target is not None:
        target[0][target[1]] = copy.deepcopy(source[0][source[1]])
