"""Write a compilation as objects, read them back, and keep every pod's policy map within its limit.

What is proved is what is read back here, never what the compiler meant. All ICMP types are listed; only where a
policy map would overflow, and the target is a release in which the short form was confirmed, are Allows
written in it (``translation.md`` §6 rules 9 and 14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from translators.backends.encapsulation import encapsulation
from translators.backends.groups import groups_of
from translators.backends.hosts import infrastructure
from translators.backends.members import Peering
from translators.backends.objects import Manifest, Writer
from translators.compiler import Compilation
from translators.diagnostics import Diagnostic, diagnostic
from translators.flows import Direction
from translators.ir.policy import Policy
from translators.layout import OutputFile, files
from translators.lowering.reach import Reach
from translators.semantics.cilium.mapsize import MapSize, map_sizes
from translators.semantics.cilium.model import CiliumPolicies
from translators.settings import CILIUM_CONFIRMED, Options
from translators.source import Document, from_object, read
from translators.world import World

__all__ = ["Compilations", "Emission", "elements_of", "emit", "naive_size", "overflows"]

LOG_SINCE = (1, 18)


@dataclass(frozen=True, slots=True)
class Emission:
    """The objects, their files, what Cilium reads in them, and the policy map of each identity of the cluster.

    ``sizes`` is empty where no pods are known; ``short_icmp``: Allows of all ICMP take the short form.
    """

    manifests: tuple[Manifest, ...]
    files: tuple[OutputFile, ...]
    cilium: CiliumPolicies
    sizes: tuple[MapSize, ...]
    short_icmp: bool = False
    hosts: Compilation | None = None

    def too_large(self, limit: int) -> list[MapSize]:
        """Give the pods whose map would overflow."""
        return [size for size in self.sizes if size.entries > limit]


@dataclass(frozen=True, slots=True)
class Compilations:
    """What is written together: the policies of pods, and those of nodes where there are any."""

    pods: Compilation
    hosts: Compilation | None = None


def emit(both: Compilations, kept: Sequence[Document], world: World, options: Options) -> Emission:
    """Write the objects; ``kept`` are policies that stay in force beside them."""
    plain = _emit(both, kept, world, options, short_icmp=False)
    limit = options.cilium.policy_map_max
    if not plain.too_large(limit) or options.cilium_version != CILIUM_CONFIRMED:
        return plain
    short = _emit(both, kept, world, options, short_icmp=True)
    return short if short.sizes[0].entries < plain.sizes[0].entries else plain


def naive_size(compilation: Compilation, world: World, options: Options) -> tuple[int, int]:
    """Give elements and the largest policy map of the one-to-one translation, which is wrong, for comparison."""
    directions = {
        direction: replace(compiled, allows=compiled.naive[0], denies=compiled.naive[1])
        for direction, compiled in compilation.directions.items()
    }
    naive = Compilations(replace(compilation, directions=directions))
    manifests = _write(naive, world, options, short_icmp=False)
    back = [from_object(m.body) for m in manifests]
    cilium = CiliumPolicies.build(world, back, options.cilium)
    sizes = map_sizes(cilium)
    return elements_of(cilium), sizes[0].entries if sizes else 0


def elements_of(cilium: CiliumPolicies) -> int:
    """Count the entries of all sections of all rules."""
    return sum(
        len(elements)
        for rule in cilium.rules
        for sections in (rule.allows, rule.denies)
        for elements in sections.values()
    )


def overflows(emission: Emission, policies: Sequence[Policy], limit: int) -> dict[int, Diagnostic]:
    """Give, by identity of the policy, why it has no output: a pod that it selects needs too large a map."""
    found: dict[int, Diagnostic] = {}
    for size in emission.too_large(limit):
        named = [m for m in emission.manifests if _label(m) in size.objects]
        sources = {id(s.policy) for m in named for s in m.sources}
        for policy in policies:
            if id(policy) in sources and id(policy) not in found:
                found[id(policy)] = diagnostic("CAL-V802", policy.span, about=f"{policy.api_kind} {policy.label}",
                                               n=f"{size.entries:,}", subject=size.pod, max=f"{limit:,}")  # fmt: skip
    return found


def _emit(
    both: Compilations, kept: Sequence[Document], world: World, options: Options, *, short_icmp: bool
) -> Emission:
    manifests = tuple(_write(both, world, options, short_icmp=short_icmp))
    written = tuple(files(manifests, options.layout))
    back = [d for f in written for d in read(f.path, f.text.encode()).documents]
    cilium = CiliumPolicies.build(world, [*back, *kept], options.cilium)
    sizes = tuple(map_sizes(cilium)) if world.pods else ()
    return Emission(manifests, written, cilium, sizes, short_icmp, both.hosts)


def _write(both: Compilations, world: World, options: Options, *, short_icmp: bool) -> list[Manifest]:
    """Write policies of pods and of nodes; a group that both refer to is written once."""
    groups: dict[str, Manifest] = {}
    written: list[Manifest] = []
    log = options.cilium_version >= LOG_SINCE
    for compilation in (both.pods, both.hosts):
        if compilation is None:
            continue
        of_nodes = compilation is both.hosts
        referred, objects = groups_of(compilation, world)
        groups.update((m.name, m) for m in objects)
        space = compilation.space
        peerings = {d: Peering(space, d, referred, Reach(space, world, options.cilium, d)) for d in Direction}
        writer = Writer(
            compilation.space,
            peerings,
            log=log,
            short_icmp=short_icmp,
            of_nodes=of_nodes,
            host_needs_rule=options.cilium.allow_localhost == "policy",
            http=options.http == "enforce",
        )
        for direction in Direction:
            writer.add(compilation.directions[direction])
        written += writer.manifests()
        if of_nodes:
            written.append(
                infrastructure(
                    pods=options.chosen("CAL-H601") == "looser", tunnel_port=options.cilium.tunnel_port
                )
            )
    if options.drop_encapsulation and options.cilium.non_default_deny:
        written.append(encapsulation())
    return [*groups.values(), *written]


def _label(manifest: Manifest) -> str:
    """Name an object as the evaluator does."""
    name = f"{manifest.namespace}/{manifest.name}" if manifest.namespace else manifest.name
    return f"{manifest.kind}:{name}"
