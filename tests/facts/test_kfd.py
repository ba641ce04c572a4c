"""What the shell makes of real files, where a machine with AMD cards has them."""

import os
from pathlib import Path

from tests.facts.answers import answer
from voicemode_whisper.facts.kfd import Gpus, Memory

# As Debian and Arch have it, cut short.
AMDGPU_IDS = """\
# List of AMDGPU IDs
1.0.0
73BF,	C0,	AMD Radeon RX 6900 XT
747E,	C8,	AMD Radeon RX 7800 XT
747E,	FF,	AMD Radeon RX 7700 XT
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def device(bus: Path, address: str, **fields: str) -> None:
    for name, value in fields.items():
        write(bus / address / name, f"{value}\n")


def test_a_card_gets_its_name_from_libdrm(tmp_path: Path):
    nodes, bus, names = tmp_path / "kfd/topology/nodes", tmp_path / "pci", tmp_path / "amdgpu.ids"
    write(nodes / "0/properties", "cpu_cores_count 16\ngfx_target_version 0\n")
    write(nodes / "1/properties", "gfx_target_version 110001\nlocation_id 768\ndomain 0\n")
    write(nodes / "1/mem_banks/0/properties", "heap_type 1\nsize_in_bytes 17163091968\n")
    device(bus, "0000:03:00.0", vendor="0x1002", device="0x747e", revision="0xc8")
    (bus / "0000:03:00.0/class").write_text("0x030000\n")
    device(bus, "0000:03:00.1", vendor="0x1002", device="0xab30", revision="0x00")
    (bus / "0000:03:00.1/class").write_text("0x040300\n")
    device(bus, "0000:01:00.0", vendor="0x144d", device="0xa80c", revision="0x00")
    (bus / "0000:01:00.0/class").write_text("0x010802\n")
    names.write_text(AMDGPU_IDS)
    paths = {"/usr/share/libdrm/amdgpu.ids": names}
    (card,) = answer(Gpus, paths, kfd=str(tmp_path / "kfd"), pci=str(bus))
    assert card.label == "AMD Radeon RX 7800 XT (gfx1101, 16 GiB, 0000:03:00.0)"


def test_a_machine_without_the_driver_has_no_gpus(tmp_path: Path):
    kfd, bus = tmp_path / "kfd", tmp_path / "pci"
    device(bus, "0000:03:00.0", vendor="0x1002", device="0x747e", revision="0xc8")
    (bus / "0000:03:00.0/class").write_text("0x030000\n")
    assert answer(Gpus, {}, kfd=str(kfd), pci=str(bus)) == []


def test_a_card_that_kfd_does_not_know_is_seen_on_the_bus(tmp_path: Path):
    bus = tmp_path / "pci"
    card = {"vendor": "0x1002", "device": "0x67df", "mem_info_vram_total": "8589934592"}
    device(bus, "0000:01:00.0", **card, revision="0xe7")
    (bus / "0000:01:00.0/class").write_text("0x030000\n")
    (bus / "0000:01:00.0/driver").symlink_to("../../../bus/pci/drivers/amdgpu")
    (found,) = answer(Gpus, {}, kfd=str(tmp_path / "kfd"), pci=str(bus))
    assert (found.index, found.gfx) == (None, "")
    assert found.label.endswith(" (8 GiB, 0000:01:00.0)")


def test_a_card_that_is_lent_to_a_virtual_machine_is_none_of_ours(tmp_path: Path):
    bus = tmp_path / "pci"
    device(bus, "0000:01:00.0", vendor="0x1002", device="0x747e", revision="0xc8")
    (bus / "0000:01:00.0/class").write_text("0x030000\n")
    (bus / "0000:01:00.0/driver").symlink_to("../../../bus/pci/drivers/vfio-pci")
    assert answer(Gpus, {}, kfd=str(tmp_path / "kfd"), pci=str(bus)) == []


def memory(kfd: Path, pid: int) -> int | None:
    bytes_used: int | None = answer(Memory, account=str(kfd), pid=pid)
    return bytes_used


def test_memory_is_the_sum_over_the_gpus_of_a_process(tmp_path: Path):
    own = os.getpid()
    assert memory(tmp_path, own) is None
    (tmp_path / "proc").mkdir()
    assert memory(tmp_path, own) == 0
    write(tmp_path / f"proc/{own}/vram_4096", "510656512\n")
    write(tmp_path / f"proc/{own}/vram_4097", "4096\n")
    assert memory(tmp_path, own) == 510660608
    assert memory(tmp_path, 1) == 0


def test_in_a_container_the_numbers_of_processes_mean_nothing(tmp_path: Path):
    write(tmp_path / "proc/4194305/vram_4096", "510656512\n")  # more than a process can have
    assert memory(tmp_path, os.getpid()) is None


# As amdgpu writes it since Linux 6.13, cut short: one client that two files lead to, and another
# card's.
CLIENT = """\
pos:\t0
flags:\t02100002
drm-driver:\tamdgpu
drm-client-id:\t42
drm-pdev:\t0000:03:00.0
drm-total-vram:\t520000 KiB
drm-resident-vram:\t500000 KiB
drm-memory-vram:\t500000 KiB
drm-memory-gtt: \t2048 KiB
drm-memory-cpu: \t64 KiB
"""
SOCKET = "pos:\t0\nflags:\t02\n"


def vulkan_memory(tmp_path: Path, *files: str) -> int | None:
    """What a process has that has these files open, in /proc of a machine in a folder."""
    for number, text in enumerate(files):
        write(tmp_path / f"proc/7/fdinfo/{number}", text)
    found: int | None = answer(Memory, {"/proc": tmp_path / "proc"}, account="0000:03:00.0", pid=7)
    return found


def test_vulkan_s_memory_is_that_of_each_client_of_the_card_once(tmp_path: Path):
    other = CLIENT.replace("03:00.0", "13:00.0").replace("\t42", "\t43")
    second = CLIENT.replace("\t42", "\t44").replace("500000", "100")
    found = vulkan_memory(tmp_path, SOCKET, CLIENT, CLIENT, other, second)
    assert found == (500000 + 2048 + 100 + 2048) * 1024


def test_a_process_that_has_not_opened_the_card_has_none_of_its_memory(tmp_path: Path):
    assert vulkan_memory(tmp_path, SOCKET) == 0


def test_an_older_kernel_does_not_tell(tmp_path: Path):
    old = "pos:\t0\ndrm-driver:\tamdgpu\ndrm-pdev:\t0000:03:00.0\ndrm-client-id:\t42\n"
    assert vulkan_memory(tmp_path, old) is None


def test_a_process_that_is_gone_has_told_nothing(tmp_path: Path):
    assert answer(Memory, {"/proc": tmp_path}, account="0000:03:00.0", pid=7) is None
