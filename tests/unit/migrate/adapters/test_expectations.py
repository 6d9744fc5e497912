from __future__ import annotations

import pytest

from migrate.adapters.expectations import read_expectations
from migrate.errors import Failure

GOOD = """\
# what the auditors want
- {from: shop/app=web, to: shop/app=db, port: 5432/TCP, expect: allow}
- from: world
  to: billing/app=api
  port: 8443
  expect: drop
  why: PCI DSS 1.3
"""


def _file(tmp_path, content: str | bytes) -> str:
    path = tmp_path / "expect.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def test_every_entry_has_its_place(tmp_path) -> None:
    found = read_expectations(_file(tmp_path, GOOD))
    assert [(e.span.line, e.words, str(e.expected), e.why) for e in found] == [
        (2, "shop/app=web → shop/app=db, TCP 5432", "allow", ""),
        (3, "world → billing/app=api, TCP 8443", "deny", "PCI DSS 1.3"),
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "holds no expectation"),
        ("[]", "holds no expectation"),
        ("from: world\n", "expect.yaml:1:1: expectations are a list"),
        ("- world\n", "expect.yaml:1:3: an expectation is a map"),
        ("- {from: world, from: world}\n", "expect.yaml:1:3: a key stands twice"),
        ("- {from: world, to: a/b=c, port: 22:53, expect: allow}\n", "'22:53' names no protocol and port"),
        ("- {from: [world], to: a/b=c, port: 22, expect: allow}\n", "from is missing"),
        ("- {from: world, to: a/b=c, prot: 22, expect: allow}\n", "prot is no key"),
        ("- {from: [", "this is no YAML"),
        ("a: &a [*a]\n- x", "expect.yaml"),
        (b"\xff\xfe- {}", "not UTF-8"),
    ],
)
def test_a_mistake_has_a_place_and_a_remedy(tmp_path, content, what) -> None:
    with pytest.raises(Failure) as failure:
        read_expectations(_file(tmp_path, content))
    assert what in failure.value.what
    assert failure.value.fix


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(Failure, match="cannot be read: No such file"):
        read_expectations(str(tmp_path / "none.yaml"))
