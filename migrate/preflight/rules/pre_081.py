"""PRE-081: packet marks of Calico, kube-proxy and Cilium share one word of 32 bits.

Cilium writes an identity into the upper 16 bits and its kind into 0x0F00; kube-proxy uses 0x4000 and 0x8000. Calico's
mask in force is that of its data plane, 0xffff0000 where none is set. A narrower mask meets fewer of Cilium's bits and
is proved on the canary; the bits that are left are still named.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate.model.fields import at
from migrate.model.findings import Severity
from migrate.preflight.rule import Case, Group, Hit, Rule

__all__ = ["RULE"]

CALICO_DEFAULT = 0xFFFF0000
OTHERS = {"Cilium": 0xFFFF0F00, "kube-proxy": 0x0000C000}


def check(case: Case) -> Iterator[Hit]:
    """Name the bits that Calico shares with each of the others, for every FelixConfiguration that sets a mask."""
    key = "nftablesMarkMask" if case.draft.variant.data_plane == "nftables" else "iptablesMarkMask"
    found = [(f.path, _mask(at(f.data, "spec", key))) for f in case.snapshot.calico("felixconfigurations")]
    masks = {path: mask for path, mask in found if mask is not None}
    if "FelixConfiguration/default" not in masks:
        masks["FelixConfiguration/default"] = CALICO_DEFAULT
    asked = case.draft.settings.mark_mask
    for path, mask in sorted(masks.items()):
        shared = {who: mask & bits for who, bits in OTHERS.items() if mask & bits}
        if shared:
            said = ", ".join(f"{bits:#010x} with {who}" for who, bits in shared.items())
            evidence = {"mask": f"{mask:#010x}", "asked": f"{asked:#010x}" if asked is not None else ""}
            yield Hit(path, {"bits": said}, evidence)


def _mask(value: object) -> int | None:
    try:
        return int(str(value), 0) if value is not None and not isinstance(value, bool) else None
    except ValueError:
        return None


RULE = Rule(
    number=81,
    group=Group.NETWORK,
    severity=Severity.WARN,
    title="Packet marks overlap",
    message="Mark bits overlap: {bits}",
    remedy="narrow Calico's mask with calico.markMask (0x00ff0000, never within 0xc000), and prove it on the canary with L7 traffic",
    check=check,
    failures=(7,),
    calico=("felixconfigurations",),
)
