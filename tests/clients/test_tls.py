"""Packages for Node before a proxy with TLS: how they are told of its CA."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients import client
from tests.proxy.encrypted import Served, serving

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.mark.parametrize("command", [client.openai_node, client.ai_sdk], ids=["openai", "ai-sdk"])
def test_packages_for_node(
    served: Served, command: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
):
    with client.running(command()) as asked:
        refused = asked.ask(served.url, served.speech)
    assert "error" in refused
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(served.ca.certificate))
    with client.running(command()) as asked:
        answer = asked.ask(served.url, served.speech)
    assert answer["result"]["text"].strip(), answer
