"""Devices as vulkaninfo prints them, and which of them is the GPU."""

from voicemode_whisper.core.gpu import LLVMPIPE, Gpu
from voicemode_whisper.core.vulkan import VulkanDevice, choose_device, parse_devices

CARD = Gpu(0, "gfx1201", 16 << 30, "0000:0d:00.0")
# As vulkaninfo 1.4.309 writes it, cut short; numbers of the bus are decimal.
REPORT = """\
Instance Extensions: count = 24
GPU0:
	some surface
Device Properties and Extensions:
=================================
GPU0:
VkPhysicalDeviceProperties:
---------------------------
	apiVersion        = 1.4.305 (4210993)
	deviceType        = PHYSICAL_DEVICE_TYPE_DISCRETE_GPU
	deviceName        = AMD Radeon Graphics (RADV GFX1201)
VkPhysicalDevicePCIBusInfoPropertiesEXT:
----------------------------------------
	pciDomain   = 0
	pciBus      = 13
	pciDevice   = 0
	pciFunction = 0
VkPhysicalDeviceVulkan12Properties:
-----------------------------------
	driverName                                           = radv
GPU1:
	deviceType        = PHYSICAL_DEVICE_TYPE_CPU
	deviceName        = llvmpipe (LLVM 19.1.7, 256 bits)
	driverName                                           = llvmpipe
""".splitlines()
RADV = VulkanDevice(0, "AMD Radeon Graphics (RADV GFX1201)", "radv", "0000:0d:00.0")
SOFTWARE = VulkanDevice(1, "llvmpipe (LLVM 19.1.7, 256 bits)", "llvmpipe", "", is_cpu=True)


def test_the_devices_are_read():
    assert parse_devices(REPORT) == [RADV, SOFTWARE]


def test_a_report_without_devices_has_none():
    assert parse_devices(REPORT[:4]) == []


def test_the_gpu_is_the_one_at_its_address():
    twin = VulkanDevice(1, RADV.name, "radv", "0000:03:00.0")
    assert choose_device([twin, RADV], CARD) == RADV
    assert choose_device([SOFTWARE, twin], CARD) is None


def test_llvmpipe_stands_in_for_a_gpu_where_it_may():
    assert choose_device([RADV, SOFTWARE], LLVMPIPE) == SOFTWARE
    assert choose_device([RADV], LLVMPIPE) is None
