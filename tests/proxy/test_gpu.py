"""What whisper-server runs on, from files as the kernel shows them."""

from pathlib import Path

import pytest
from whisper_proxy.gpu import MIN_MODEL_BYTES, Gpu

from .fake_kernel import MODEL, SLICE, FakeKernel

CARD = MODEL // 2
INTEGRATED = 0


@pytest.fixture
def kernel(tmp_path: Path) -> FakeKernel:
    """whisper-server is process 10."""
    kernel = FakeKernel(tmp_path)
    kernel.runs("10")
    return kernel


def gpu(kernel: FakeKernel, memory: int) -> Gpu:
    return Gpu(kernel.kfd, memory, kernel.proc, kernel.cgroups)


def in_use(kernel: FakeKernel, memory: int = CARD) -> str | None:
    there = gpu(kernel, memory)
    return there.in_use(there.server_pids())


def test_the_model_in_its_memory_is_use_of_the_gpu(kernel: FakeKernel) -> None:
    kernel.uses_gpu("10", MODEL)
    assert in_use(kernel) == "gpu"
    assert in_use(kernel, INTEGRATED) == "gpu"


def test_the_memory_of_all_gpus_and_processes_counts(kernel: FakeKernel) -> None:
    kernel.runs("10", "11", "12")
    kernel.uses_gpu("10", 0)
    kernel.uses_gpu("12", CARD // 2, CARD - CARD // 2)
    assert in_use(kernel) == "gpu"


def test_the_memory_of_others_does_not(kernel: FakeKernel) -> None:
    kernel.uses_gpu("7", MODEL)
    (kernel.proc / "7").mkdir()
    assert in_use(kernel) == "cpu"


@pytest.mark.parametrize("memory", [CARD, INTEGRATED])
def test_a_server_that_does_not_open_kfd_runs_on_the_cpu(kernel: FakeKernel, memory: int) -> None:
    assert in_use(kernel, memory) == "cpu"


@pytest.mark.parametrize("held", [0, MIN_MODEL_BYTES, CARD - 1])
def test_a_server_with_too_little_gpu_memory_runs_on_the_cpu(kernel: FakeKernel, held: int) -> None:
    kernel.uses_gpu("10", held)
    assert in_use(kernel) == "cpu"


def test_what_is_there_before_a_model_is_not_taken_for_one(kernel: FakeKernel) -> None:
    kernel.uses_gpu("10", MIN_MODEL_BYTES - 1)
    assert in_use(kernel, memory=1) == "cpu"


def test_little_memory_of_integrated_graphics_says_nothing(kernel: FakeKernel) -> None:
    kernel.uses_gpu("10", MIN_MODEL_BYTES - 1)
    assert in_use(kernel, INTEGRATED) is None


def test_a_driver_that_shows_no_processes_says_nothing(kernel: FakeKernel) -> None:
    kernel.shows_nothing()
    assert in_use(kernel) is None


def test_no_process_says_nothing(kernel: FakeKernel) -> None:
    kernel.runs()
    assert in_use(kernel) is None


@pytest.mark.parametrize("content", ["", "many", "0x10", "\0", "12 13"])
def test_garbage_says_nothing(kernel: FakeKernel, content: str) -> None:
    kernel.uses_gpu("10", content, MODEL)
    assert in_use(kernel) is None


def test_bytes_that_are_no_text_say_nothing(kernel: FakeKernel) -> None:
    kernel.uses_gpu("10", MODEL)
    (kernel.kfd / "proc" / "10" / "vram_1").write_bytes(b"\xff\xff")
    assert in_use(kernel) is None


def test_a_process_that_is_gone_when_its_directory_is_read_says_nothing(
    kernel: FakeKernel,
) -> None:
    (kernel.kfd / "proc" / "10").symlink_to("gone")
    assert in_use(kernel) is None


def test_a_process_that_is_gone_when_its_memory_is_read_says_nothing(kernel: FakeKernel) -> None:
    kernel.uses_gpu("10", 0)
    (kernel.kfd / "proc" / "10" / "vram_1").symlink_to("gone")
    assert in_use(kernel) is None


@pytest.mark.parametrize("now", [(), ("11",), ("10", "11")])
def test_a_restarted_server_may_not_have_loaded_its_model(
    kernel: FakeKernel, now: tuple[str, ...]
) -> None:
    pids = gpu(kernel, CARD).server_pids()
    kernel.runs(*now)
    assert gpu(kernel, CARD).in_use(pids) is None


def test_in_a_container_the_kernel_s_numbers_are_not_its_own(kernel: FakeKernel) -> None:
    kernel.uses_gpu("51234", MODEL)
    assert in_use(kernel) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "0::/\n",
        "9:name=systemd:/user.slice\n0::/\n",
        "0::/user.slice/user-1000.slice/session-2.scope\n",
        "0::/../..\n",
        "sl\xefce\n",
    ],
)
def test_a_proxy_that_is_no_unit_knows_no_server(kernel: FakeKernel, content: str) -> None:
    kernel.own.write_text(content)
    assert gpu(kernel, CARD).server_pids() == set()
    assert in_use(kernel) is None


def test_the_old_hierarchies_beside_the_new_are_passed_over(kernel: FakeKernel) -> None:
    own = kernel.own.read_text()
    kernel.own.write_text(f"9:name=systemd:/other\n1:cpu:/\n{own}")
    assert gpu(kernel, CARD).server_pids() == {"10"}


def test_a_server_that_is_no_unit_is_not_known(kernel: FakeKernel) -> None:
    kernel.server.unlink()
    assert in_use(kernel) is None
    (kernel.cgroups / SLICE / "voicemode-whisper.service").rmdir()
    assert in_use(kernel) is None


def test_what_must_not_be_read_says_nothing(
    kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.uses_gpu("10", MODEL)

    def refuse(path: Path, *_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    pids = gpu(kernel, CARD).server_pids()
    monkeypatch.setattr(Path, "read_text", refuse)
    assert gpu(kernel, CARD).server_pids() == set()
    assert gpu(kernel, CARD).in_use(pids) is None


ADDRESS = "0000:03:00.0"


def client(kib: int, number: int = 42, address: str = ADDRESS, key: str = "resident") -> str:
    """What amdgpu says of a client of a card, cut short (drm-usage-stats.rst)."""
    return (
        f"pos:\t0\ndrm-driver:\tamdgpu\ndrm-client-id:\t{number}\ndrm-pdev:\t{address}\n"
        f"drm-{key}-vram:\t{kib} KiB\ndrm-{key}-gtt:\t0\ndrm-total-vram:\t{kib} KiB\n"
    )


def by_vulkan(kernel: FakeKernel, *texts: str) -> str | None:
    for number, text in enumerate(texts):
        kernel.opens_card("10", number, text)
    there = Gpu(kernel.kfd, CARD, kernel.proc, kernel.cgroups, ADDRESS)
    return there.in_use(there.server_pids())


@pytest.mark.parametrize("key", ["resident", "memory"])
def test_the_model_in_the_card_s_memory_is_use_of_it_by_vulkan(
    kernel: FakeKernel, key: str
) -> None:
    assert by_vulkan(kernel, "pos:\t0\n", client(MODEL // 1024, key=key)) == "gpu"


def test_a_client_with_two_files_counts_once(kernel: FakeKernel) -> None:
    half = client(CARD // 2048)
    assert by_vulkan(kernel, half, half) == "cpu"
    assert by_vulkan(kernel, half, half.replace("\t42", "\t43"), client(4, 44)) == "gpu"


def test_another_card_s_memory_does_not_count(kernel: FakeKernel) -> None:
    assert by_vulkan(kernel, client(MODEL // 1024, address="0000:13:00.0")) == "cpu"


def test_a_process_that_has_not_opened_the_card_runs_on_the_cpu(kernel: FakeKernel) -> None:
    assert by_vulkan(kernel, "pos:\t0\n") == "cpu"


def test_an_older_kernel_says_nothing_of_vulkan_s_memory(kernel: FakeKernel) -> None:
    assert by_vulkan(kernel, f"drm-client-id:\t42\ndrm-pdev:\t{ADDRESS}\n") is None


def test_a_process_that_must_not_be_read_says_nothing(kernel: FakeKernel) -> None:
    there = Gpu(kernel.kfd, CARD, kernel.proc, kernel.cgroups, ADDRESS)
    assert there.in_use({"10"}) is None
