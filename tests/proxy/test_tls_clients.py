"""Real clients before the proxy as a process with TLS: how each is told of the CA."""

import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator

import aiohttp
import openai
import pytest
import requests

from .encrypted import Served, serving

OPENAI = """
import sys, openai
client = openai.OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
print(client.audio.transcriptions.create(model="whisper-1", file=open(sys.argv[2], "rb")).text)
"""
FETCH = """
const { openAsBlob } = require("node:fs");
(async () => {
  const body = new FormData();
  body.append("file", await openAsBlob(process.argv[2]), "speech.wav");
  const answer = await fetch(process.argv[1] + "/audio/transcriptions", { method: "POST", body });
  console.log((await answer.json()).text);
})().catch((error) => { console.error(error.cause.code); process.exit(1); });
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


def run(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    words = list(map(str, command))
    return subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment)


def curl(served: Served, *options: object) -> subprocess.CompletedProcess[str]:
    url = f"{served.url}/audio/transcriptions"
    return run("curl", "-sS", *options, url, "-F", f"file=@{served.speech}")


def test_curl(served: Served) -> None:
    assert '"text"' in curl(served, "--cacert", served.ca.certificate).stdout
    refused = curl(served)
    assert refused.returncode == 60
    assert "unable to get local issuer certificate" in refused.stderr


def test_curl_without_tls_on_this_machine(served: Served) -> None:
    url = f"http://127.0.0.1:{served.proxy.port}/v1/audio/transcriptions"
    assert '"text"' in run("curl", "-sS", url, "-F", f"file=@{served.speech}").stdout


def test_requests(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{served.url}/models", timeout=10)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(served.ca.certificate))
    assert requests.get(f"{served.url}/models", timeout=10).status_code == 200


@pytest.mark.parametrize("strict", [False, True])
async def test_aiohttp(served: Served, strict: bool) -> None:
    context = ssl.create_default_context(cafile=str(served.ca.certificate))
    if strict:  # the default from Python 3.13 on
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{served.url}/models", ssl=context) as response,
    ):
        assert response.status == 200


def test_openai_s(served: Served) -> None:
    answer = run(
        *(sys.executable, "-c", OPENAI, served.url, served.speech),
        SSL_CERT_FILE=str(served.ca.certificate),
    )
    assert answer.stdout.strip(), answer.stderr
    with openai.OpenAI(base_url=served.url, api_key="none", max_retries=0) as client:
        with pytest.raises(openai.APIConnectionError) as caught:
            client.models.list()
        assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value.__cause__)


@pytest.mark.skipif(not shutil.which("node"), reason="there is no Node here")
def test_node_s_own(served: Served) -> None:
    command = ("node", "-e", FETCH, served.url, served.speech)
    answer = run(*command, NODE_EXTRA_CA_CERTS=str(served.ca.certificate))
    assert answer.stdout.strip() not in ("", "undefined"), answer.stderr
    refused = run(*command)
    assert (refused.returncode, refused.stderr.strip()) == (1, "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
