"""A server for others: the proxy on the network."""

from collections.abc import Iterator

import openai
import pytest

from tests.boxes import Box
from tests.machines.deploying import deployed, post, raise_boxes, sample
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


def test_back_on_loopback_nobody_else_reaches_it(box: Box):
    deployed(box)
    listeners = box.run("ss -Hltn 'sport = :2023'").stdout.split()
    assert "127.0.0.1:2023" in listeners
