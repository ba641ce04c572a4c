"""A server for others: the proxy on the network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import requests

from tests.boxes import Box
from tests.machines.deploying import (
    Run,
    deploy,
    deployed,
    post,
    raise_boxes,
    sample,
    transcript,
)
from tests.machines.doctoring import examined
from voicemode_whisper.core.speech import is_spoken


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("lan", base=served) as (serving,):
        yield serving


def test_others_use_the_proxy_and_the_deploy_says_that_they_can(box: Box):
    run = deployed(box, proxy_host="0.0.0.0")
    assert f"http://{box.address}:2023/health can be reached from here" in run.output
    assert is_spoken(post(f"http://{box.address}:2023", sample(box)))
    env = box.run("cat ~/.voicemode/voicemode.env").stdout
    assert env == "VOICEMODE_STT_BASE_URLS=http://127.0.0.1:2023/v1\n"


def test_a_key_keeps_others_out_and_the_deploy_uses_it(box: Box):
    key_file = "/home/ada/proxy.key"
    box.run(f"umask 077; echo correct-horse > {key_file}")
    run = deployed(box, proxy_host="0.0.0.0", proxy_api_key_file=key_file)
    assert "correct-horse" not in run.output
    url = f"http://{box.address}:2023/v1"
    with openai.OpenAI(base_url=url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
        answer = client.with_options(api_key="correct-horse").audio.transcriptions.create(
            model="whisper-1", file=("speech.wav", sample(box))
        )
    assert is_spoken(answer.text)


ENCRYPTED: dict[str, Any] = {"proxy_host": "0.0.0.0", "proxy_tls": "internal"}
TLS = "/home/ada/.voicemode/services/tls"
# As sign-certificate.sh does, for a day long ago and with the names of what is there.
EXPIRE = f"""
cd {TLS} && openssl req -new -key server.key -subj /CN=old |
  openssl x509 -req -CA ca.pem -CAkey ca.key -extfile names -out server.pem \\
    -not_before 20200101000000Z -not_after 20200102000000Z
"""


def encrypted(box: Box) -> Run:
    return deployed(box, **ENCRYPTED)


def health(box: Box, ca: Path) -> int:
    """What the proxy answers to another machine, over HTTPS."""
    return requests.get(
        f"https://{box.address}:2023/health", verify=str(ca), timeout=20
    ).status_code


@pytest.fixture
def ca(box: Box, tmp_path: Path) -> Path:
    """The box's CA, as a client fetches it."""
    encrypted(box)
    file = tmp_path / "ca.pem"
    file.write_text(box.run(f"cat {TLS}/ca.pem").stdout)
    return file


def test_others_call_over_https_and_the_box_itself_as_before(box: Box):
    run = encrypted(box)
    assert f"https://{box.address}:2023/health can be reached from here" in run.output
    fingerprint = box.run(f"openssl x509 -noout -sha256 -fingerprint -in {TLS}/ca.pem").stdout
    assert f"clients trust {TLS}/ca.pem, SHA-256 {fingerprint.strip().split('=')[1]}" in run.output
    assert is_spoken(transcript(box))
    assert encrypted(box).changes == 0
    assert "BEGIN" not in run.output


def test_speech_over_https(box: Box, ca: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca))
    assert is_spoken(post(f"https://{box.address}:2023", sample(box)))
    answer = requests.get(f"http://{box.address}:2023/v1/models", timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "tls_required")
    assert f"https://{box.address}:2023" in answer.json()["error"]["message"]


def test_a_certificate_that_has_expired_is_renewed_without_a_restart(box: Box, ca: Path):
    proxy = "systemctl --user show -p MainPID --value voicemode-whisper-proxy"
    before = box.run(proxy).stdout, box.run("readlink ~/.voicemode/services/current").stdout
    box.run(
        f"openssl x509 -noout -ext subjectAltName -in {TLS}/server.pem | sed -n 2p > /tmp/names"
    )
    box.run(f"sed 's/^ */subjectAltName=/; s/IP Address/IP/g' /tmp/names > {TLS}/names")
    box.run(EXPIRE)
    with pytest.raises(requests.exceptions.SSLError, match="certificate has expired"):
        health(box, ca)
    assert "certificate" in examined(box, **ENCRYPTED).ill
    assert encrypted(box).changed == {"Certificates | Have a certificate for the proxy"}
    assert health(box, ca) == 200
    assert examined(box, **ENCRYPTED).rows["certificate"].startswith("OK")
    after = box.run(proxy).stdout, box.run("readlink ~/.voicemode/services/current").stdout
    assert after == before


def test_a_certificate_of_one_s_own(box: Box, ca: Path):
    box.run(f"umask 077; cp {TLS}/server.pem ~/own.pem; cp {TLS}/server.key ~/own.key")
    own = {**ENCRYPTED, "proxy_tls": "/home/ada/own.pem /home/ada/own.key"}
    deployed(box, **own)
    assert health(box, ca) == 200
    box.run("chmod o+r ~/own.key")
    run = deploy(box, **own)
    assert run.status == 1
    assert (
        "proxy_tls: got '/home/ada/own.pem /home/ada/own.key', but /home/ada/own.key can be read by"
        in (run.output)
    )


def test_back_on_loopback_nobody_else_reaches_it(box: Box):
    deployed(box)
    listeners = box.run("ss -Hltn 'sport = :2023'").stdout.split()
    assert "127.0.0.1:2023" in listeners
