"""The commands that are run in the pod of a simulated cilium-agent: ``cilium-dbg``, and what touches the conf folder.

kwok runs a command of the pod on this machine. ``install`` makes a folder that stands first on kwok's PATH; each file
in it runs this module, which answers from the node's record (``cilium-dbg``) or runs the real command on the node's
folder, with the paths that the pod sees replaced. A path that the pod would not see is refused.

The answers follow cilium/cilium ``cilium-dbg/cmd`` 1.20: ``config`` prints the mutable options only, ``config --all``
adds the fields of the agent's old option struct, **which hold nothing of the CNI file**; that stands in ``status``
(``cni-file``), and every key as the agent read it in ``/tmp/cilium/config-map``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PASSED_ON = (
    "cat",
    "ls",
    "rm",
    "mv",
    "cp",
    "test",
    "stat",
    "find",
    "grep",
    "head",
    "readlink",
    "sha256sum",
    "sh",
    "bash",
)
REAL = "/usr/bin:/bin"
MOUNTS = {
    "/host/etc/cni/net.d": "etc/cni/net.d",
    "/host/opt/cni/bin": "opt/cni/bin",
    "/tmp/cilium/config-map": "tmp/cilium/config-map",
    "/proc/sys/kernel/random/boot_id": "proc/sys/kernel/random/boot_id",
}


PROBES = "probes"
CURL = r"""#!/bin/sh
# What a probe pod's curl finds: an address that some node of the world has, or a Service; all else is silent.
for word; do url=$word; done
case $url in https://*) exit 0 ;; esac
rest=${url#http://}; host=${rest%%[:/]*}
case $host in
  10.96.*) ;;
  *) grep -qF "\"address\": \"$host\"" "$SIM_ROOT"/../*/sim/record.json || exit 28 ;;
esac
case $url in
  *echo?msg=*) printf %s "${url##*msg=}" ;;
  *) record=$SIM_ROOT/sim/record.json
     own=$(sed -n "/\"name\": \"$SIM_NAME\"/,/\"address\"/s/.*\"address\": \"\([^\"]*\)\".*/\1/p" "$record" | head -n 1)
     [ -n "$own" ] || own=$(sed -n 's/^ "address": "\([^"]*\)".*/\1/p' "$record" | head -n 1)
     printf %s:40000 "$own" ;;
esac
"""
"""The tools of a probe pod are shell scripts: a run asks thousands of times."""


def install(folder: Path) -> Path:
    """Write one file for each command, and give the folder, to be put first on the PATH of kwok."""
    (folder / PROBES).mkdir(parents=True, exist_ok=True)
    scripts = {f"{PROBES}/curl": CURL, f"{PROBES}/dig": "#!/bin/sh\nexit 0\n"}
    for name in ("cilium-dbg", "cilium", *PASSED_ON):
        mine = (
            f'[ -z "$SIM_NAME" ] || PATH="{folder / PROBES}:{REAL}" exec /bin/sh "$@"\n'
            if name == "sh"
            else ""
        )
        here = f'PATH={REAL} exec "{sys.executable}" -I "{Path(__file__).resolve()}" {name} "$@"\n'
        scripts[name] = f"#!/bin/sh\n{mine}{here}"
    for name, script in scripts.items():
        path = folder / name
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
    return folder


def translate(argument: str, root: Path) -> str:
    """Replace the paths that the pod sees by those of the node's folder, wherever they stand in an argument."""
    for seen, place in MOUNTS.items():
        argument = argument.replace(seen, str(root / place))
    return argument


def refusal(arguments: list[str], root: Path) -> str:
    """Say which path the pod has not; empty where every absolute path lies in the node's folder."""
    for argument in arguments:
        path = argument.strip()
        if path.startswith("/") and not Path(path).resolve().is_relative_to(root.resolve()):
            return f"{path}: No such file or directory"
    return ""


def main(name: str, arguments: list[str]) -> int:
    root = Path(os.environ["SIM_ROOT"])
    if name in {"cilium-dbg", "cilium"}:
        return dbg(arguments, json.loads((root / "sim" / "record.json").read_text(encoding="utf-8")))
    own = [translate(argument, root) for argument in arguments]
    if name not in {"sh", "bash", "grep"} and (text := refusal(own, root)):
        print(f"{name}: {text}", file=sys.stderr)
        return 1
    return subprocess.run([name, *own], check=False, env={**os.environ, "PATH": REAL}).returncode


def dbg(arguments: list[str], record: dict[str, Any]) -> int:
    """Answer as the agent of the record does; with an agent that is not up, as the client that finds no socket."""
    agent = record["agent"]
    if not agent or not agent["is_ready"]:
        print('Error: Cannot get configuration: Get "http://localhost/v1/config": dial unix', file=sys.stderr)
        return 1
    words = [word for word in arguments if not word.startswith("-")]
    flags = {word.split("=")[0] for word in arguments if word.startswith("-")}
    match words[:2]:
        case ["config", "get"]:
            value = found(all_options(agent["config"]), words[2])
            print(value if value is not None else "Configuration does not exist")
            return 0 if value is not None else 1
        case ["config", *_]:
            whole = flags & {"--all", "-a"}
            print(
                json.dumps(
                    all_options(agent["config"]) if whole else mutable_options(agent["config"]), indent=2
                )
            )
        case ["status", *_]:
            print(json.dumps(status(agent["config"]), indent=2))
        case ["endpoint", *_]:
            print(json.dumps(endpoints(record), indent=2))
        case _:
            print(f"Error: unknown command for this simulated agent: {' '.join(arguments)}", file=sys.stderr)
            return 1
    return 0


def mutable_options(config: dict[str, str]) -> dict[str, str]:
    """Give what ``config -o json`` prints: options that can be changed while the agent runs."""
    audit = "Enabled" if config.get("policy-audit-mode") == "true" else "Disabled"
    return {"PolicyAuditMode": audit, "Debug": "Disabled", "PolicyVerdictNotification": "Enabled"}


def all_options(config: dict[str, str]) -> dict[str, Any]:
    """Give what ``config --all -o json`` prints, cut to the fields that tell something of a migration."""
    return {
        "EnablePolicy": config.get("enable-policy", "default"),
        "PolicyAuditMode": config.get("policy-audit-mode") == "true",
        "IPAM": config.get("ipam", ""),
        "RoutingMode": config.get("routing-mode", ""),
        "UnsafeDaemonConfigOption": {
            "EnableHostLegacyRouting": config.get("enable-host-legacy-routing") == "true"
        },
        "options": mutable_options(config),
        "policy-enforcement": config.get("enable-policy", "default"),
    }


def found(options: dict[str, Any], name: str) -> object:
    wanted = name.replace("-", "").lower()
    if wanted == "policyenforcement":
        return options["policy-enforcement"]
    known = {key.lower(): value for key, value in {**options, **options["options"]}.items()}
    return known.get(wanted)


def status(config: dict[str, str]) -> dict[str, Any]:
    """Give the part of ``status -o json`` that a gate reads."""
    path = config.get("write-cni-conf-when-ready")
    written = {"msg": f"successfully wrote CNI configuration file to {path}", "state": "Ok"}
    disabled = {"msg": "CNI configuration management disabled", "state": "Disabled"}
    return {
        "cilium": {"msg": "1.20.2", "state": "Ok"},
        "cni-file": written if path else disabled,
        "ipam": {"status": "cluster-pool"},
        "kubernetes": {"state": "Ok"},
    }


def endpoints(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Give ``endpoint list -o json`` for the sandboxes that cilium-cni made."""
    own = [sandbox for sandbox in record["sandboxes"] if sandbox["plugin"] == "cilium-cni"]
    return [
        {
            "id": number,
            "status": {
                "state": "ready",
                "external-identifiers": {"k8s-namespace": s["namespace"], "k8s-pod-name": s["name"]},
                "networking": {"addressing": [{"ipv4": s["address"]}]},
            },
        }
        for number, s in enumerate(own, 1)
    ]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
