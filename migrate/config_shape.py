"""What may stand in the configuration file: one table, from which validation, schema and example are made.

A key is added here or nowhere. No value holds a secret: where one is needed, only a reference to it may stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["ROOT", "Kind", "Shape"]


class Kind(StrEnum):
    """What a value is; ``reference`` is one of ``fromFile``, ``fromEnv``, ``fromSecret``.

    ``word or map``: one of the choices, or a map with exactly one of the fields; without choices any text, or the whole map.
    ``selector``: equalities of labels.
    """

    TEXT = "text"
    WHOLE = "whole number"
    TRUTH = "true or false"
    DURATION = "duration"
    VERSION = "version"
    NETWORK = "network"
    REFERENCE = "reference"
    SELECTOR = "selector"
    LIST = "list"
    MAP = "map"
    EITHER = "word or map"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Shape:
    """One value: ``fields`` of a map, ``of`` the items of a list or the values of a table (any key).

    ``whole``: of a map no field may be missing or empty.
    """

    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    fields: Mapping[str, Shape] = field(default_factory=dict)
    of: Shape | None = None
    default: object = None
    whole: bool = False


def _map(**fields: Shape) -> Shape:
    return Shape(Kind.MAP, fields=fields)


def _whole_map(**fields: Shape) -> Shape:
    return Shape(Kind.MAP, fields=fields, whole=True)


def _either(word: str, **fields: Shape) -> Shape:
    """Give a value that is a word, the default, or a map with exactly one of these keys."""
    return Shape(Kind.EITHER, choices=(word,), fields=fields, default=word)


def _text_or(**fields: Shape) -> Shape:
    """Give a value that is a text, or a map with all of these keys."""
    return Shape(Kind.EITHER, fields=fields, whole=True)


def _list(of: Shape) -> Shape:
    return Shape(Kind.LIST, of=of)


def _one_of(*choices: str) -> Shape:
    """Give a choice; the first is the default."""
    return Shape(choices=choices, default=choices[0])


def _whole(default: int | None = None) -> Shape:
    return Shape(Kind.WHOLE, default=default)


def _after(default: str) -> Shape:
    return Shape(Kind.DURATION, default=default)


TEXT, TRUTH, DURATION, SECRET = (
    Shape(),
    Shape(Kind.TRUTH, default=False),
    Shape(Kind.DURATION),
    Shape(Kind.REFERENCE),
)
NETWORKS, TEXTS = _list(Shape(Kind.NETWORK)), _list(TEXT)
_SIDE = _one_of("stricter", "looser")

ROOT = _map(
    apiVersion=_one_of("c2c/v1alpha1"),
    kind=_one_of("Config"),
    cluster=_map(context=TEXT, uid=TEXT, namespace=Shape(default="c2c-system")),
    calico=_map(
        policies=TEXTS,
        variant=Shape(default="auto"),
        autodetection=_either("auto", skipInterface=TEXT, cidrs=NETWORKS, canReach=TEXT),
        markMask=TEXT,
    ),
    externalCIDRs=NETWORKS,
    cilium=_map(
        version=Shape(Kind.VERSION), chart=_text_or(repo=TEXT, name=TEXT), podCIDRs=NETWORKS, maskSize=_whole(24), maskSizeV6=_whole(120),
        tunnelPort=_whole(8473), values=TEXT, config=TEXT,
    ),
    addresses=_map(pods=NETWORKS, nodes=NETWORKS, services=NETWORKS, apiServer=NETWORKS),
    translate=_map(
        failOn=Shape(choices=("never", "looser", "refused", "stricter", "conditional"), default="stricter"),
        approximate=Shape(Kind.TABLE, of=_SIDE),
        kubernetesPolicies=_one_of("native", "absorb"),
        explicitDenies=TRUTH,
        dropEncapsulation=TRUTH,
        http=_one_of("ignore", "enforce"),
        limits=Shape(Kind.MAP, fields={
            name: _whole(limit)
            for name, limit in {
                "pass": 5_000, "rule": 400, "deny": 400, "grow": 4_000, "retry": 20, "sharp": 10_000_000,
                "cubes": 50_000, "terms": 256, "witnesses": 2_000,
            }.items()
        }),
        accept=_list(_map(id=TEXT, object=TEXT, reason=TEXT, by=TEXT, until=TEXT)),
    ),
    policyInWindow=_one_of("off", "bridged"),
    waves=_map(
        canary=_map(nodes=_whole(1), approval=Shape(Kind.TRUTH, default=True), soak=_after("30m")),
        parallel=_whole(1),
        order=TEXTS,
        approvalEvery=_whole(0),
        soak=_after("10m"),
        window=Shape(Kind.MAP, fields={
            "days": _list(Shape(choices=("mon", "tue", "wed", "thu", "fri", "sat", "sun"))),
            "from": TEXT, "to": TEXT, "timeZone": TEXT,
        }),
    ),
    nodes=_map(
        move=_one_of("drain", "recycle", "replace"),
        recycleOrder=_one_of("hold", "after"),
        replace=_whole_map(command=TEXTS),
        access=_one_of("auto", "ssh", "pod", "api"),
        hooks=_list(_whole_map(namespace=TEXT, selector=Shape(Kind.SELECTOR), command=TEXTS)),
        inventory=TEXT,
        knownHosts=TEXT,
        reboot=_one_of("auto", "always", "never"),
    ),
    gates=_map(
        probes=_map(
            failures=_whole(0), image=TEXT, external=TEXTS, longLived=Shape(Kind.TRUTH, default=True), cuts=_whole(0),
        ),
        flows=_map(source=_one_of("hubble", "none"), unexplained=_whole(0), lost=_whole(0), atLeast=_whole(200)),
        alerts=_map(prometheus=TEXT, ignore=TEXT, token=SECRET),
        inconclusive=_one_of("wait", "halt"),
        maxExtensions=_whole(3),
    ),
    audit=_after("24h"),
    finalSoak=_after("24h"),
    onFailure=_one_of("rollback-node", "halt"),
    failedNodes=_whole(1),
    nodeRetries=_whole(0),
    deadlines=_map(
        run=DURATION, node=DURATION, drain=DURATION, step=DURATION, commands=Shape(Kind.TABLE, of=DURATION)
    ),
    cleanup=_map(unattended=TRUTH, sharedCRDs=_one_of("keep", "remove")),
    notify=_list(_map(url=SECRET, on=_list(Shape(choices=("halted", "waiting", "done"))))),
)  # fmt: skip
"""The whole file. Verbs of a live migration read their parts when they exist; ``translate`` reads its own now."""
