"""Options that several verbs share, and how they become the translator's settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import click

from migrate.adapters.files import Loaded, load
from migrate.adapters.side_files import read_address_plan, read_cilium_config
from migrate.errors import Failure
from translators.settings import Options, Version
from translators.world import AddressPlan

MAX_DIGITS, MAX_SHOWN = 4, 40
__all__ = ["chosen", "plan_from", "shared", "version_of"]


def shared[F: Callable[..., Any]](command: F) -> F:
    """Add the options that translate, verify and explain have in common."""
    for option in (
        click.option(
            "--cluster",
            type=click.Path(),
            metavar="SNAPSHOT",
            help="Folder or .tgz of the cluster's objects.",
        ),
        click.option(
            "--address-plan",
            type=click.Path(),
            metavar="FILE",
            help="Ranges of pods, nodes, services, API servers.",
        ),
        click.option("--calico-version", metavar="X.Y", help="Version of the source; decides equal orders."),
        click.option("--cilium-version", default="1.20", show_default=True, metavar="X.Y"),
        click.option(
            "--cilium-config",
            type=click.Path(),
            metavar="FILE",
            help="The cilium-config ConfigMap, or its data.",
        ),
    ):
        command = option(command)
    return command


def chosen(
    cilium_version: str,
    calico_version: str | None,
    cilium_config: str | None,
    **more: Any,  # noqa: ANN401  # passed on
) -> Options:
    """Give the settings for these options; raises ``Failure`` for a value that means nothing."""
    options = replace(Options(**more), cilium_version=version_of(cilium_version))
    if calico_version:
        options = replace(options, calico_version=version_of(calico_version))
    if cilium_config:
        options = replace(options, cilium=read_cilium_config(cilium_config))
    return options


def version_of(text: str) -> Version:
    """Read ``1.20``, ``v1.20.2`` or ``1.20.2``."""
    parts = text.removeprefix("v").split(".")
    if len(parts) < 2 or not all(part.isdecimal() and len(part) <= MAX_DIGITS for part in parts[:2]):
        raise Failure(f"{text[:MAX_SHOWN]!r} is no version", fix="write it as 1.20")
    return int(parts[0]), int(parts[1])


def plan_from(path: str | None) -> AddressPlan | None:
    """Read an address plan: the block ``addresses`` of the configuration, with or without that key.

    Beside that key ``cilium.podCIDRs`` may say which ranges pods get in Cilium.
    """
    if path is None:
        return None
    return read_address_plan(path)


def cluster_from(path: str | None) -> Loaded | None:
    """Read a snapshot; None where none is named."""
    return load([path]) if path else None


def tier_options(values: Sequence[str]) -> dict[str, tuple[float, str]]:
    """Read ``NAME=ORDER[:Pass]``."""
    found = {}
    fix = "write it as NAME=100 or NAME=100:Pass"
    for value in values:
        name, _, rest = value.partition("=")
        order, _, action = rest.partition(":")
        if action not in {"", "Deny", "Pass"}:
            raise Failure(f"--tier {value}: a tier ends with Deny or Pass, not with {action!r}", fix=fix)
        try:
            found[name] = (float(order), action or "Deny")
        except ValueError as error:
            raise Failure(f"--tier {value}: {order!r} is no order", fix=fix) from error
    return found
