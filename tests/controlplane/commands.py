"""The commands that are run in the pod of a simulated cilium-agent: ``cilium-dbg``, and what touches the conf folder.

kwok runs a command of the pod on this machine. ``install`` makes a folder that stands first on kwok's PATH. A file in
it runs the real command on the node's folder, with the paths that the pod sees replaced; a path that the pod would not
see is refused. ``cilium-dbg`` answers from what the node's record left for it, the rarer questions by this module.
They are scripts of the shell, since a run asks thousands of times.

The answers follow cilium/cilium ``cilium-dbg/cmd`` 1.20: ``config`` prints the mutable options only, ``config --all``
adds the fields of the agent's old option struct, **which hold nothing of the CNI file**; that stands in ``status``
(``cni-file``), and every key as the agent read it in ``/tmp/cilium/config-map``.
"""

from __future__ import annotations

import json
import os
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
TOOLS = r"""# What a probe pod has: its curl finds an address that some node of the world has, or a Service; all else is silent.
# What bash is asked for is the loop that holds a connection: it lives for ever, and what ends is written by a test.
curl() {
  for word; do url=$word; done
  case $url in https://*) return 0 ;; esac
  rest=${url#http://}; host=${rest%%[:/]*}
  read -r own < "$SIM_ROOT/sim/pods/$SIM_NAME"
  spoilt || return
  case $host in
    10.96.*) ;;
    *) set -- "$SIM_ROOT"/../*/sim/addresses/"$host"; [ -e "$1" ] || return 28 ;;
  esac
  case $url in
    *echo?msg=*) printf %s "${url#*msg=}" ;;
    *) printf %s:40000 "$own" ;;
  esac
}
dig() { unset url host; read -r own < "$SIM_ROOT/sim/pods/$SIM_NAME"; spoilt; }
agnhost() { unset url; host=$2; read -r own < "$SIM_ROOT/sim/pods/$SIM_NAME"; spoilt || { echo TIMEOUT; return 1; }; }
spoilt() { :; }
bash() { date +%s > since; echo 9999999999 > alive; }
TMPDIR=$SIM_ROOT/sim/tmp/$SIM_NAME
mkdir -p "$TMPDIR"
[ ! -r "$SIM_ROOT/../spoilt" ] || . "$SIM_ROOT/../spoilt"
"""
"""What goes wrong on the way is a test's: a file beside the nodes says it anew what ``spoilt`` does with ``own``, the address
that asks, ``host`` and ``url``; no url is a question to a name server, or a connection to the outside where there is a host.

The tools of a probe pod are functions of the shell that runs its script: a large run asks tens of thousands of times."""


PASS_ON = r"""own=()
for word; do
  for place in PLACES; do
    word=${word//"${place%%=*}"/"$SIM_ROOT/${place#*=}"}
  done
  case NAME in
    sh | bash | grep) ;;
    *) if [[ $word == /* && $(realpath -m -- "$word") != "$(realpath -- "$SIM_ROOT")"/* ]]; then
         echo "NAME: $word: No such file or directory" >&2
         exit 1
       fi ;;
  esac
  own+=("$word")
done
exec NAME "${own[@]}"
"""
ANSWER = r"""case "$*" in
  "status -o json" | "endpoint list -o json")
    [ ! -r "$SIM_ROOT/sim/agent/$1" ] || exec cat "$SIM_ROOT/sim/agent/$1" ;;
esac
"""


def install(folder: Path) -> Path:
    """Write one file for each command, and give the folder, to be put first on the PATH of kwok."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROBES).write_text(TOOLS, encoding="utf-8")
    scripts = {}
    places = " ".join(f"'{seen}={place}'" for seen, place in MOUNTS.items())
    for name in PASSED_ON:
        probe = f'[ -z "$SIM_NAME" ] || PATH={REAL} exec /bin/sh -c ". {folder / PROBES}; ${{2//\\/agnhost/agnhost}}"\n'
        body = PASS_ON.replace("NAME", name).replace("PLACES", places)
        scripts[name] = f"#!/bin/bash\n{probe if name == 'sh' else ''}PATH={REAL}\n{body}"
    for name in ("cilium-dbg", "cilium"):
        asked = f'exec "{sys.executable}" -I "{Path(__file__).resolve()}" "$@"\n'
        scripts[name] = f"#!/bin/bash\nPATH={REAL}\n{ANSWER}{asked}"
    for name, script in scripts.items():
        path = folder / name
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
    return folder


def keep_answers(folder: Path, record: dict[str, Any]) -> None:
    """Write what commands in a node's pods find: what its agent says of itself, and who has which address.

    Where no agent is up there is nothing of it, and the client finds no socket.
    """
    agent = record["agent"]
    known = {"status": status(agent), "endpoint": endpoints(record)} if is_up(agent) else {}
    _keep(folder / "agent", {name: json.dumps(answer) for name, answer in known.items()})
    pods = {str(s["name"]): str(s["address"]) for s in record["sandboxes"]}
    _keep(folder / "pods", pods)
    _keep(folder / "addresses", dict.fromkeys({record["address"], *pods.values()} - {""}, ""))


def _keep(folder: Path, files: dict[str, str]) -> None:
    """Let a folder hold these files and no others; no reader sees half of one."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != f"{content}\n":
            fresh = path.with_name(f".{name}")
            fresh.write_text(f"{content}\n", encoding="utf-8")
            fresh.replace(path)


def is_up(agent: dict[str, Any] | None) -> bool:
    return bool(agent and agent["is_ready"])


def main(arguments: list[str]) -> int:
    root = Path(os.environ["SIM_ROOT"])
    return dbg(arguments, json.loads((root / "sim" / "record.json").read_text(encoding="utf-8")))


def dbg(arguments: list[str], record: dict[str, Any]) -> int:
    """Answer as the agent of the record does; with an agent that is not up, as the client that finds no socket."""
    agent = record["agent"]
    if not is_up(agent):
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
            print(json.dumps(status(agent), indent=2))
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


def status(agent: dict[str, Any]) -> dict[str, Any]:
    """Give the part of ``status -o json`` that a gate reads."""
    path = agent["config"].get("write-cni-conf-when-ready")
    written = {"msg": f"successfully wrote CNI configuration file to {path}", "state": "Ok"}
    disabled = {"msg": "CNI configuration management disabled", "state": "Disabled"}
    return {
        "cilium": {"msg": "1.20.2", "state": "Ok"},
        "cni-file": written if path else disabled,
        "ipam": {"status": "cluster-pool"},
        "kubernetes": {"state": "Ok"},
        "controllers": [_failed(agent["failing"])] if agent["failing"] else [],
    }


def _failed(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "status": {"consecutive-failure-count": 7, "last-failure-msg": "no such file or directory"},
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
    raise SystemExit(main(sys.argv[1:]))
