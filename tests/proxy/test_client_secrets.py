"""Client secrets: for whom, for what, for how long."""

import base64
import time
from pathlib import Path

import pytest
from whisper_proxy.api_key import ApiKey
from whisper_proxy.client_secrets import ClientSecrets
from whisper_proxy.errors import ApiError

SESSION = {"type": "transcription", "audio": {"input": {"transcription": {"prompt": "Grüße"}}}}


@pytest.fixture
def made() -> ClientSecrets:
    return ClientSecrets(ApiKey(""))


def refused(made: ClientSecrets, value: str) -> None:
    with pytest.raises(ApiError) as caught:
        made.session(value)
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")


def test_a_secret_has_its_session(made: ClientSecrets) -> None:
    value, expires_at = made.issue(SESSION, 60)
    assert made.session(value) == SESSION
    assert 58 < expires_at - time.time() <= 60
    assert value.startswith("ek_")
    assert value.replace("_", "").replace("-", "").isalnum()  # as a subprotocol's name has to be


def test_it_fits_into_a_header(made: ClientSecrets) -> None:
    def with_prompt(length: int) -> dict[str, str]:
        return {"prompt": "x" * length}

    value, _ = made.issue(with_prompt(5000), 60)
    assert len(f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{value}") < 8190
    with pytest.raises(ApiError) as caught:
        made.issue(with_prompt(6000), 60)
    assert (caught.value.status, caught.value.param) == (400, "session")


def test_it_expires(made: ClientSecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    value, expires_at = made.issue(SESSION, 60)
    monkeypatch.setattr(time, "time", lambda: expires_at + 0.5)
    refused(made, value)
    assert made.is_ours(value)


@pytest.mark.parametrize("value", ["", "ek_", "ek_x", "ek_é", "ek_" + "A" * 200, "sk-local"])
def test_others_are_refused(made: ClientSecrets, value: str) -> None:
    refused(made, value)
    assert not made.is_ours(value)


def test_nothing_in_it_can_be_changed(made: ClientSecrets) -> None:
    value, _ = made.issue(None, 60)
    signed = bytearray(base64.urlsafe_b64decode(value[3:] + "=="))
    for at in range(len(signed)):
        changed = bytearray(signed)
        changed[at] ^= 1
        refused(made, "ek_" + base64.urlsafe_b64encode(changed).rstrip(b"=").decode())


def test_another_process_s_is_refused(made: ClientSecrets) -> None:
    refused(made, ClientSecrets(ApiKey("")).issue(None, 60)[0])


def test_a_new_key_ends_those_of_the_former(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("former")
    made = ClientSecrets(ApiKey(str(file)))
    value, _ = made.issue(None, 60)
    assert made.session(value) is None
    file.write_text("new one")
    refused(made, value)
