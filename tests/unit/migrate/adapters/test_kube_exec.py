"""Commands in pods: a connection that could not be opened is opened again; a command that began is not sent twice."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import websocket

from migrate.adapters import kube_exec
from migrate.adapters.kube_exec import KubeShell
from migrate.ports import ApiError, Ran
from migrate.retry import API_ATTEMPTS

REFUSED = 'Handshake status 500 Internal Server Error -+-+- {"body": "secret"}'


class Connection:
    """A connection on which a command runs as it should, or breaks while it runs."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.breaks = breaks

    def run_forever(self, timeout: float) -> None:
        if self.breaks:
            raise websocket.WebSocketConnectionClosedException("closed")

    def is_open(self) -> bool:
        return False

    def read_channel(self, channel: int) -> str:
        return {
            kube_exec.STDOUT_CHANNEL: "out",
            kube_exec.STDERR_CHANNEL: "",
            kube_exec.ERROR_CHANNEL: '{"status": "Success"}',
        }[channel]


type Run = Callable[..., tuple[KubeShell, list[float], list[int]]]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a shell whose server refuses so many connections with a status, the sleeps, and the connections asked for."""

    def made(status: int, refusals: int, *, breaks: bool = False) -> tuple[KubeShell, list[float], list[int]]:
        slept, asked = list[float](), list[int]()

        def opened(*_: Any) -> Connection:
            asked.append(status)
            if len(asked) <= refusals:
                raise websocket.WebSocketBadStatusException(REFUSED, status)
            return Connection(breaks=breaks)

        monkeypatch.setattr(kube_exec, "new_client", opened)
        api: Any = SimpleNamespace()
        return KubeShell(api, None, "https://api", dict, slept.append), slept, asked

    return made


def test_a_connection_that_the_server_could_not_take_is_opened_again(shell: Run) -> None:
    made, slept, asked = shell(500, API_ATTEMPTS - 1)
    assert made.run("ns", "pod", "main", ["ls"]) == Ran(0, "out", "")
    assert (len(asked), len(slept)) == (API_ATTEMPTS, API_ATTEMPTS - 1)


def test_it_is_given_up_in_the_end_and_told_without_the_body(shell: Run) -> None:
    made, _, asked = shell(500, 99)
    with pytest.raises(
        ApiError, match=r"no command can be run in pod: Handshake status 500 Internal Server Error$"
    ):
        made.run("ns", "pod", "main", ["ls"])
    assert len(asked) == API_ATTEMPTS


def test_a_refusal_is_not_asked_again(shell: Run) -> None:
    made, _, asked = shell(403, 99)
    with pytest.raises(ApiError, match="not allowed"):
        made.run("ns", "pod", "main", ["ls"])
    assert len(asked) == 1


def test_a_command_that_began_is_not_sent_twice(shell: Run) -> None:
    made, _, asked = shell(500, 0, breaks=True)
    with pytest.raises(ApiError, match="closed"):
        made.run("ns", "pod", "main", ["rm", "x"])
    assert len(asked) == 1
