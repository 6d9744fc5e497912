"""The lemmas hold, and the check that says so does fail where it must."""

from __future__ import annotations

from functools import partial

import pytest

from tests import capabilities
from tests.capabilities import is_long
from tests.oracles import theorem

COUNT = 20_000 if is_long() else 2_000


@pytest.mark.parametrize(
    "form",
    [theorem.partition, theorem.deny_first, theorem.allow_list, theorem.explicit_denies],
    ids=lambda form: form.__name__,
)
def test_the_right_forms_are_never_wrong(form: object) -> None:
    seed = capabilities.seed()
    print(f"seed {seed}")
    assert theorem.wrong(form, COUNT, seed) == (0, 0)


@pytest.mark.parametrize(
    ("form", "least", "opens"),
    [
        (theorem.one_to_one, 0.5, True),
        (partial(theorem.deny_first, write_denies=False), 0.1, True),
    ],
    ids=["one-to-one", "deny-first without its denies"],
)
def test_the_naive_forms_are_often_wrong(form: object, least: float, opens: bool) -> None:
    different, opened = theorem.wrong(form, COUNT, 7)
    assert different > least * COUNT
    assert bool(opened) is opens


def test_kubernetes_policies_that_stay_need_the_ends_of_earlier_tiers_written_out() -> None:
    seed = capabilities.seed()
    print(f"seed {seed}")
    assert theorem.wrong(theorem.kept_natives, COUNT, seed, natives=True) == (0, 0)
    without = partial(theorem.kept_natives, write_ends=False)
    assert theorem.wrong(without, COUNT, 7, natives=True)[1] > 0.05 * COUNT
