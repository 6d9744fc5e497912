"""What no object says and preflight asks for: our own machine, Helm's release, what the server would refuse to create.

Everything is asked with ``dryRun=All`` or read; nothing is changed. What cannot be asked stays None, so that the rules
that need it say so.
"""

from __future__ import annotations

import base64
import json
import platform
import shutil
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from migrate.engine.sides import path_of
from migrate.errors import Failure
from migrate.model.fields import text
from migrate.ports import ApiError, Charts

__all__ = ["admission", "expiry", "own_machine", "release"]

Object = Mapping[str, Any]
CREATED = 201
NO_RIGHT = "cannot create resource"
SKIPPED = frozenset({"Secret"})
"""Kinds that are not sent: what a chart puts into them is no affair of a dry run."""


def own_machine(helm: str, credentials_expire: str | None) -> dict[str, Any]:
    """Give the controller's facts: versions of what a run starts, and when its credentials end (None: not known)."""
    return {
        "python": platform.python_version(),
        "ansible_core": _version("ansible-core"),
        "ansible_playbook": shutil.which("ansible-playbook"),
        "ansible_runner": _version("ansible-runner"),
        "helm": helm or None,
        "credentials_expire": credentials_expire,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def expiry(authorization: str, certificate: str | None, *, renews: bool) -> str | None:
    """Give when the credentials end: RFC 3339, empty where they renew themselves, None where nothing tells.

    A plugin or a mounted token renews itself. Else the ``exp`` of a token that is a JWT and the ``notAfter`` of a client
    certificate (a file) count, the earlier one.
    """
    if renews:
        return ""
    ends = [
        e
        for e in (_of_token(authorization.rpartition(" ")[2]), _of_certificate(certificate))
        if e is not None
    ]
    return min(ends).strftime("%Y-%m-%dT%H:%M:%SZ") if ends else None


def _of_token(token: str) -> datetime | None:
    parts = token.split(".")
    if len(parts) != 3:  # a JWT has three
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def _of_certificate(path: str | None) -> datetime | None:
    """Give the end of the first certificate of a file."""
    if not path:
        return None
    try:
        decoded = ssl._ssl._test_decode_cert(path)  # type: ignore[attr-defined]  # noqa: SLF001  # the only way without a library
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(decoded["notAfter"]), UTC)
    except (OSError, ValueError, KeyError):
        return None


def release(charts: Charts) -> Mapping[str, Any] | None:
    """Give Helm's release of Cilium, empty where there is none; None where Helm cannot say."""
    try:
        found = charts.release()
    except (ApiError, Failure):
        return None
    return {} if found is None else asdict(found)


def admission(tried: Callable[[Object], bool], objects: Iterable[Object]) -> dict[str, tuple[int, str]]:
    """Try to create each object, changing nothing; gives path → (status, message).

    ``tried`` says whether the server knows the kind, and raises ``ApiError`` where it would refuse the object.
    Left out are Secrets, objects of kinds that the server does not know yet, and those that we have no right to create:
    that is for the rules of rights.
    """
    found: dict[str, tuple[int, str]] = {}
    for obj in objects:
        if text(obj, "kind") in SKIPPED:
            continue
        try:
            known = tried(obj)
        except ApiError as error:
            if NO_RIGHT not in str(error):
                found[path_of(obj)] = (error.status, str(error))
        else:
            if known:
                found[path_of(obj)] = (CREATED, "")
    return found
