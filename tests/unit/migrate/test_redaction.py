"""Secrets of every sort that we know are taken out; what is not secret stays as it is."""

from __future__ import annotations

import pytest

from migrate.redaction import HIDDEN, redacted, redacted_text

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIcanary\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"failed: {KEY} was refused",
        f"Authorization: Bearer {JWT}",
        f"token {JWT} expired",
        "GET https://alice:canary@proxy.example:8080/x",
        "authorization: basic Y2FuYXJ5OmNhbmFyeQ==",
    ],
)
def test_no_secret_of_a_known_shape_survives_in_text(text: str) -> None:
    hidden = redacted_text(text)
    assert HIDDEN in hidden
    assert not {"canary", "Y2FuYXJ5", "c2lnbmF0dXJl"} & set(
        hidden.replace(":", " ").replace("/", " ").replace("=", " ").split()
    )
    assert JWT not in hidden


def test_keys_that_name_a_secret_lose_their_value_at_any_depth() -> None:
    data = {
        "users": [
            {"name": "alice", "user": {"token": "canary", "client-key-data": "canary", "password": "canary"}}
        ]
    }
    found = str(redacted(data))
    assert "canary" not in found
    assert "alice" in found


def test_the_data_of_a_secret_goes_as_a_whole_and_its_name_stays() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "tls"}, "data": {"tls.crt": "canary"}, "type": "Opaque"}
    found = redacted(secret)
    assert found["metadata"]["name"] == "tls"
    assert "canary" not in str(found)


@pytest.mark.parametrize("key", ["name", "key", "header"])
def test_a_value_beside_a_name_that_is_a_secrets_is_hidden(key: str) -> None:
    assert "canary" not in str(redacted({"items": [{key: "X-Api-Key", "value": "canary"}]}))
    assert "canary" in str(redacted({"items": [{key: "LOG_LEVEL", "value": "canary"}]}))


def test_what_only_sounds_like_a_secret_stays() -> None:
    data = {
        "tokenizer": "gpt",
        "secretName": "tls",
        "automountServiceAccountToken": False,
        "text": "the token bucket",
    }
    assert redacted(data) == data
