"""The Cilium chart through the ``helm`` binary, major 3 or 4; its exit code says only that objects were stored.

Values are always given whole (a partial file resets all others), nothing is waited for here (the driver looks), and a
call is never cut short to be quick: killed half-way it leaves a release that refuses every further call.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from migrate.errors import Failure
from migrate.exitcodes import ExitCode
from migrate.leash import leashed
from migrate.model.draft import Rendered
from migrate.model.events import FailureClass
from migrate.model.fields import items, labels, mapping, maps, text
from migrate.ports import ApiError, Release
from migrate.redaction import redacted_text

__all__ = ["Chart", "HelmCharts", "helm_version"]

NAME = "cilium"
KNOWN_MAJORS = (3, 4)
LIMIT_S = 1200.0
SUBCHART_KEYS = frozenset({"global"})
OPTIONAL = re.compile(r"^\s*#\s*([A-Za-z][A-Za-z0-9]*):(?:\s|$)", re.MULTILINE)
"""A value in a chart's file that is commented out."""
FIRST_LINES = 3
UNREACHED = (
    "connection refused", "i/o timeout", "EOF", "TLS handshake", "connection reset", "connection broken", "no route to host",
    "network is unreachable", "http2: client connection lost",
)  # fmt: skip
"""What Helm says where the API server did not answer."""
BUSY = (
    "too many requests", "Too Many Requests", "currently unable to handle", "ServiceUnavailable", "etcdserver:",
    "rate limit", "the server was unable to return a response",
)  # fmt: skip
"""What it says where the server answered that it cannot now."""


CILIUMS_OWN = "https://helm.cilium.io"


@dataclass(frozen=True, slots=True)
class Chart:
    """Where the chart is: a file, a folder, an ``oci://`` reference, or a name in a repository given by its URL."""

    place: str
    version: str
    repository: str = ""

    @classmethod
    def of(cls, said: str, version: str) -> Chart:
        """Read what the settings say: a path, a reference, a repository's URL and a name, or nothing for Cilium's own."""
        if not said:
            return cls("cilium", version, CILIUMS_OWN)
        repository, _, name = said.rpartition(" ")
        return cls(name, version, repository) if "://" in repository else cls(said, version)

    def words(self) -> list[str]:
        """Give it as arguments."""
        found = [self.place]
        if self.repository:
            found += ["--repo", self.repository]
        if self.repository or self.place.startswith("oci://"):
            found += ["--version", self.version]
        return found


def helm_binary() -> str:
    """Give the Helm that is to be used: ``C2C_HELM``, else what PATH has."""
    return os.environ.get("C2C_HELM", "helm")


def helm_version(binary: str) -> str:
    """Give Helm's version, such as ``v4.1.4``; raises ``Failure`` where there is none, or none that we know."""
    try:
        done = subprocess.run(  # noqa: S603  # no shell, our own arguments
            [binary, "version", "--template", "{{.Version}}"], capture_output=True, text=True, timeout=30, check=False
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(
            f"helm cannot be run: {error}",
            fix="install Helm 3 or 4, or name it with C2C_HELM",
            code=ExitCode.BLOCKED,
        ) from error
    found = re.search(r"v(\d+)\.\d+\.\d+", done.stdout)
    if done.returncode or found is None or int(found.group(1)) not in KNOWN_MAJORS:
        raise Failure(
            f"helm answers {redacted_text(done.stdout or done.stderr)[:120]!r}: neither major 3 nor 4",
            fix="install Helm 3 or 4, or name it with C2C_HELM",
            code=ExitCode.BLOCKED,
        )
    return found.group(0)


@dataclass(slots=True)
class HelmCharts:
    """One release of Cilium; ``access`` are Helm's options that reach the cluster, ``user_values`` the user's own."""

    chart: Chart
    access: Sequence[str] = ()
    namespace: str = "kube-system"
    binary: str = "helm"
    user_values: Mapping[str, Any] = field(default_factory=dict)
    kubernetes: str = ""
    api_versions: Sequence[str] = ()
    major: int = 4

    # What is there.

    def release(self) -> Release | None:
        """Give the release; None where Helm knows none."""
        code, said, wrong = self._call("status", NAME, "-o", "json")
        if code:
            if "not found" in wrong:
                return None
            raise _failed("status", wrong)
        status = json.loads(said)
        return Release(
            status=text(status, "info", "status"),
            revision=int(status.get("version") or 0),
            deployed=self._last_deployed(),
            values=self._values(),
            chart=text(status, "chart", "metadata", "version"),
        )

    def _last_deployed(self) -> int:
        code, said, wrong = self._call("history", NAME, "-o", "json", "--max", "64")
        if code:
            raise _failed("history", wrong)
        rows = [r for r in json.loads(said) or [] if text(r, "status") in {"deployed", "superseded"}]
        return max((int(r.get("revision") or 0) for r in rows), default=0)

    def _values(self) -> Mapping[str, Any]:
        code, said, wrong = self._call("get", "values", NAME, "-o", "json")
        if code:
            raise _failed("get values", wrong)
        found: Mapping[str, Any] = json.loads(said) or {}
        return found

    # What it would be.

    def render(self, values: Mapping[str, Any]) -> Rendered:
        """Render the chart with these values, with the user's alone, and with its own."""
        made = self._template(values)
        said = self._answer("show", "values", *self.chart.words(), cluster=False)
        role = _named(made, "ClusterRole", "cilium-operator")
        return Rendered(
            config=_config(made),
            default=_config(self._template({})),
            own=_config(self._template(self.user_values)),
            operator_verbs=_verbs(role),
            tolerations={
                text(o, "kind") + "/" + text(o, "metadata", "name"): list(
                    maps(o, "spec", "template", "spec", "tolerations")
                )
                for o in made
                if o.get("kind") in {"DaemonSet", "Deployment"}
            },
            unknown_values=tuple(
                _unknown(values, yaml.safe_load(said) or {}, frozenset(OPTIONAL.findall(said)))
            ),
            objects=tuple(made),
        )

    def _template(self, values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        options = ["--kube-version", self.kubernetes] if self.kubernetes else []
        options += [part for version in self.api_versions for part in ("--api-versions", version)]
        said = self._with_values("template", values, *options, cluster=False)
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return [o for o in yaml.load_all(said, Loader=loader) if isinstance(o, Mapping)]

    # Changes.

    def install(self, values: Mapping[str, Any]) -> None:
        """Install the release."""
        self._with_values("install", values)

    def upgrade(self, values: Mapping[str, Any], *, force_conflicts: bool = False) -> None:
        """Upgrade the release with complete values; fields that others own are a conflict unless that is forced."""
        forced = ["--force-conflicts"] if force_conflicts and self.major >= 4 else []
        self._with_values("upgrade", values, "--reset-values", *forced)

    def rollback(self, revision: int) -> None:
        """Go back to a revision."""
        self._answer("rollback", NAME, str(revision))

    def uninstall(self) -> None:
        """Remove the release; nothing happens where there is none."""
        code, _, wrong = self._call("uninstall", NAME)
        if code and "not found" not in wrong:
            raise _failed("uninstall", wrong)

    # Calls.

    def _with_values(self, verb: str, values: Mapping[str, Any], *options: str, cluster: bool = True) -> str:
        """Call with a values file that only we can read and that is gone afterwards."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="c2c-values-", encoding="utf-8") as file:
            json.dump(values, file)
            file.flush()
            return self._answer(verb, NAME, *self.chart.words(), "-f", file.name, *options, cluster=cluster)

    def _answer(self, *words: str, cluster: bool = True) -> str:
        code, said, wrong = self._call(*words, cluster=cluster)
        if code < 0:
            raise ApiError(FailureClass.TRANSIENT, f"helm {words[0]} was killed by signal {-code}", status=-1)
        if code:
            raise _failed(words[0], wrong)
        return said

    def _call(self, *words: str, cluster: bool = True) -> tuple[int, str, str]:
        """Call Helm in a session of its own, so that a signal for us is none for it; it dies where we are killed."""
        if shutil.which(self.binary) is None:
            raise ApiError(
                FailureClass.PERMANENT, f"helm cannot be run: there is no {self.binary}", status=-1
            )
        command = [self.binary, *words]
        if words[0] != "show":
            command += ["--namespace", self.namespace]
        command += self.access if cluster else ()
        try:
            done = subprocess.run(  # noqa: S603  # no shell, our own arguments
                leashed(command), capture_output=True, text=True, timeout=LIMIT_S, check=False, start_new_session=True,
                stdin=subprocess.DEVNULL, env={**os.environ, "HELM_DEBUG": ""},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ApiError(
                FailureClass.UNKNOWN, f"helm {words[0]} did not end within {LIMIT_S:.0f} s and was killed"
            ) from error
        except OSError as error:
            raise ApiError(
                FailureClass.PERMANENT, f"helm cannot be run: {error.strerror}", status=-1
            ) from error
        return done.returncode, done.stdout, done.stderr


def _failed(verb: str, wrong: str) -> ApiError:
    """Give a failure of Helm as what it means (``procedure.md`` §4.3).

    A field that another manager owns is no conflict that passes: each attempt would leave one more failed revision.
    Helm 4 logs (``level=…``) what it then says as its error.
    """
    logged = ("WARNING", "level=")
    lines = [line for line in wrong.splitlines() if line.strip() and not line.startswith(logged)]
    lines = lines or wrong.splitlines()
    said = redacted_text(" ".join(lines[-FIRST_LINES:]))[:600]
    failure = FailureClass.PERMANENT
    if "another operation" in said or "already exists" in said:
        failure = FailureClass.CONFLICT
    elif any(w in said for w in UNREACHED):
        return ApiError(FailureClass.TRANSIENT, f"helm {verb}: {said}")
    elif any(w in said for w in BUSY):
        failure = FailureClass.TRANSIENT
    elif "orbidden" in said or "nauthorized" in said:
        failure = FailureClass.DENIED
    return ApiError(failure, f"helm {verb}: {said}", status=-1)


def _named(objects: Sequence[Mapping[str, Any]], kind: str, name: str) -> Mapping[str, Any]:
    found = (o for o in objects if o.get("kind") == kind and text(o, "metadata", "name") == name)
    return next(found, {})


def _config(objects: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    return labels(_named(objects, "ConfigMap", "cilium-config"), "data")


def _verbs(role: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for rule in maps(role, "rules"):
        for resource in items(rule, "resources"):
            found.setdefault(str(resource), set()).update(str(v) for v in items(rule, "verbs"))
    return {resource: tuple(sorted(verbs)) for resource, verbs in sorted(found.items())}


def _unknown(
    values: Mapping[str, Any], known: Mapping[str, Any], optional: frozenset[str], path: str = ""
) -> list[str]:
    """Give the paths of values that the chart does not have; below a map that is empty there, anything goes.

    ``optional`` are the names that its file has commented out: absent by default, and read where they are given.
    """
    found: list[str] = []
    for key, value in values.items():
        place = f"{path}.{key}".lstrip(".")
        if key not in known:
            if key not in optional and not (path == "" and key in SUBCHART_KEYS):
                found.append(place)
        elif isinstance(value, Mapping) and isinstance(known[key], Mapping) and known[key]:
            found += _unknown(value, mapping(known, key), optional, place)
    return found
