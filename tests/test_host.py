"""What is known of a host before the run."""

from typing import Any

import pytest
from pyinfra.api import Inventory

from tests.fake_hosts import FakeHost
from tests.generations import CARD, generation, generations
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.generations import Generations
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.power import Power
from voicemode_whisper.host import DEFAULTS, Host, host_of

HERE = Gpu(0, "gfx1101", CARD.memory, "0000:03:00.0")
STRONG = Gpu(0, "gfx1151", 0, "0000:c5:00.0")
NOTHING, IDLE = Generations(), Power(12, 0)
BUS = DEFAULTS["gpu_pci"]


def unserved_watts(
    gpu: Gpu, found: Generations = NOTHING, power: Power = IDLE, **settings: Any
) -> float | None:
    """What is known of a host with this GPU, which says so of it."""
    facts = {
        "machine.Identity": {"home": "/h"},
        "kfd.Gpus": {f"kfd={DEFAULTS['gpu_kfd']}, pci={BUS}": [gpu]},
        "generations.Generations": {f"layout={Layout('/h')}": found},
        "power.UnservedPower": {f"device={BUS}/{gpu.address}, pause=0": power},
    }
    fake = FakeHost(facts)
    fake.host.groups = []
    fake.host.data = type("Data", (), {"dict": lambda _: {**DEFAULTS, **settings}})()
    with fake.worked_on():
        return Host(fake.host).unserved_watts


def test_what_the_card_draws_before_anything_serves():
    assert unserved_watts(HERE) == 12
    assert unserved_watts(HERE, power=Power(80, 40)) is None


def test_where_something_serves_already_that_is_not_known():
    assert unserved_watts(HERE, generations(1, generation(1))) is None


@pytest.mark.parametrize("gpu", [STRONG, CARD])
def test_a_gpu_without_watts_or_address_of_its_own_has_none(gpu: Gpu):
    assert unserved_watts(gpu) is None


def test_nobody_asks_a_card_that_is_not_to_be_used():
    assert unserved_watts(HERE, whisper_backend="cpu") is None


def pool(servers: list[str], gateways: list[str], **of_last: Any) -> dict[str, Host]:
    """The hosts of an inventory with these groups, by name; some settings are the last server's."""
    data = {**DEFAULTS, "ssh_hostname": None}
    *names, last = dict.fromkeys([*gateways, *servers])
    inventory = Inventory(
        ([*names, (last, of_last)], data), servers=(servers, {}), pool=(gateways, {})
    )
    return {one.name: host_of(one) for one in inventory}


def test_without_gateways_each_machine_serves_for_itself():
    hosts = pool(["one", "two"], [])
    assert all(host.serves() and not host.is_of_pool() for host in hosts.values())
    assert hosts["one"].settings.proxy_host == "127.0.0.1"
    assert hosts["one"].settings.proxy_tls == "off"


def test_a_gateway_that_is_no_member_serves_nothing_of_its_own():
    hosts = pool(["one", "two"], ["gate"])
    gate, one = hosts["gate"], hosts["one"]
    assert gate.is_gateway()
    assert not gate.serves()
    assert set(gate.addresses) == {"pool_port", "pool_stats_port"}
    assert gate.packages == ("curl", "haproxy", "python")
    assert [member.address for member in gate.pool_members] == ["one", "two"]
    assert one.is_remote_member()
    assert (one.settings.proxy_host, one.settings.proxy_tls) == ("0.0.0.0", "internal")
    assert one.authority is gate.pyinfra
    assert gate.authority is None


def test_a_gateway_that_is_a_member_reaches_itself_over_loopback():
    hosts = pool(["one", "two"], ["one"])
    one = hosts["one"]
    assert one.serves()
    assert not one.is_remote_member()
    assert one.settings.proxy_host == "127.0.0.1"
    assert [member.address for member in one.pool_members] == ["127.0.0.1", "two"]
    assert set(one.addresses) == {"whisper_port", "proxy_port", "pool_port", "pool_stats_port"}


def test_a_second_gateway_s_member_is_reached_by_the_first():
    hosts = pool(["one", "two"], ["one", "two"])
    assert all(host.is_remote_member() for host in hosts.values())
    assert hosts["two"].authority is hosts["one"].pyinfra
    assert [member.address for member in hosts["two"].pool_members] == ["one", "127.0.0.1"]


def test_this_machine_may_be_gateway_and_member():
    hosts = pool(["@local", "two"], ["@local"])
    here = hosts["@local"]
    assert [member.name for member in here.pool_members] == ["local", "two"]
    assert here.pool_members[0].is_local


def test_a_member_whose_settings_are_wrong_is_named_by_the_gateway():
    gate = pool(["one", "two"], ["gate"], proxy_port="x")["gate"]
    with pytest.raises(UserError, match=r"^pool: two: proxy_port: got 'x'"):
        _ = gate.pool_members


def test_a_machine_that_upgrades_itself_is_told_every_setting(monkeypatch: pytest.MonkeyPatch):
    # As where group_data/all.py has been changed, or takes it from the environment.
    monkeypatch.setitem(DEFAULTS, "whisper_repo", "https://token@host/x")
    one = pool(["one", "two"], [], proxy_port=2323)["two"]
    assert one.own_data["whisper_repo"] == "https://token@host/x"
    assert one.own_data["proxy_port"] == 2323
    assert (one.own_data["known_as"], one.own_data["unattended"]) == ("two", "yes")
    assert not [name for name in one.own_data if name.startswith("_")]
