"""Real machines to test the deploy on: systemd in systemd-nspawn, posing as CachyOS.

    from tests import boxes

    [box] = boxes.up("alpha")               # or up("alpha", base="converged")
    [card] = boxes.up("card", kind=boxes.HIP)   # its pacman has ROCm; five minutes the first time
    box.run("id").stdout                    # over ssh, as ada; user="grace" or "root"
    box.reboot(), box.stop(), box.kill(), box.start()
    box.save("converged")                   # a snapshot for other boxes to start from
    point = boxes.mark()
    boxes.requests_since(point, box.address)  # what that box has downloaded since
    boxes.down()

Needs root on Debian; `boxes.unusable()` says why it cannot work here, or None.
"""

from .box import Box
from .fleet import down, gpu_toolchain, rest, up, whisper_sources
from .kinds import HIP
from .requirements import unusable
from .server import Request, mark, requests_since
from .shell import BoxError
from .system import BOX_PASSWORD

__all__ = [
    "BOX_PASSWORD",
    "HIP",
    "Box",
    "BoxError",
    "Request",
    "down",
    "gpu_toolchain",
    "mark",
    "requests_since",
    "rest",
    "unusable",
    "up",
    "whisper_sources",
]
