"""Silero's VAD model from its own Python package to whisper.cpp's form (ggml).

The form is what whisper.cpp's models/convert-silero-vad-to-ggml.py writes. The package has the
weights as a TorchScript archive, which is a zip file with one member a tensor, f32 little-endian.
"""

from __future__ import annotations

import hashlib
import io
import math
import struct
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicemode_whisper.core.build import VAD_SHA256

from .ggml import MAGIC
from .model import download
from .shell import BoxError

PACKAGE = "silero-vad==6.2.0"
VERSION = (6, 2, 0)
TYPE = b"silero-16k"
WINDOW, CONTEXT = 512, 64  # samples
LAYERS = ((129, 128), (128, 64), (64, 64), (64, 128))  # of the encoder: channels in and out
KERNEL = 3
LSTM = (128, 128)  # in and hidden
FINAL = (128, 1)  # channels in and out

# Of the model for 16 kHz, in whisper.cpp's order: number of the archive's member, shape, type.
Tensor = tuple[str, int, tuple[int, ...], str]
HALF, FULL = "<f2", "<f4"
ENCODER: tuple[Tensor, ...] = (
    ("encoder.0.reparam_conv.weight", 3, (128, 129, KERNEL), HALF),
    ("encoder.0.reparam_conv.bias", 4, (128,), FULL),
    ("encoder.1.reparam_conv.weight", 5, (64, 128, KERNEL), HALF),
    ("encoder.1.reparam_conv.bias", 6, (64,), FULL),
    ("encoder.2.reparam_conv.weight", 7, (64, 64, KERNEL), HALF),
    ("encoder.2.reparam_conv.bias", 8, (64,), FULL),
    ("encoder.3.reparam_conv.weight", 9, (128, 64, KERNEL), HALF),
    ("encoder.3.reparam_conv.bias", 10, (128,), FULL),
)
DECODER: tuple[Tensor, ...] = (
    ("decoder.rnn.weight_ih", 11, (512, 128), FULL),
    ("decoder.rnn.weight_hh", 12, (512, 128), FULL),
    ("decoder.rnn.bias_ih", 13, (512,), FULL),
    ("decoder.rnn.bias_hh", 14, (512,), FULL),
    ("decoder.decoder.2.weight", 15, (128,), HALF),
    ("decoder.decoder.2.bias", 16, (), FULL),
)
STFT: Tensor = ("stft.forward_basis_buffer", 2, (258, 1, 256), HALF)


def fetch(work: Path) -> bytes:
    """The model in whisper.cpp's form. Raises BoxError if it is not what whisper.cpp has."""
    with zipfile.ZipFile(download(PACKAGE, work)) as wheel:
        model = convert(wheel.read("silero_vad/data/silero_vad.jit"))
    if hashlib.sha256(model).hexdigest() != VAD_SHA256:
        raise BoxError(f"{PACKAGE} is not the model that whisper.cpp carries")
    return model


def convert(archive: bytes) -> bytes:
    """The ggml model from a TorchScript archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        root = members.namelist()[0].partition("/")[0]
        tensors = [_tensor(members, root, *tensor) for tensor in (*ENCODER, *DECODER, STFT)]
    return _header() + b"".join(tensors)


def _header() -> bytes:
    sizes = (*VERSION, WINDOW, CONTEXT, len(LAYERS))
    layers = (number for inputs, outputs in LAYERS for number in (inputs, outputs, KERNEL))
    numbers = (*sizes, *layers, *LSTM, *FINAL)
    return struct.pack("<2i", MAGIC, len(TYPE)) + TYPE + struct.pack(f"<{len(numbers)}i", *numbers)


def _tensor(
    members: zipfile.ZipFile, root: str, name: str, member: int, shape: tuple[int, ...], kind: str
) -> bytes:
    """One tensor: rank, length of name, type (0 f32, 1 f16), dimensions reversed, name, data."""
    raw = members.read(f"{root}/data/{member}")
    data: NDArray[np.floating] = np.frombuffer(raw, "<f4", count=math.prod(shape))
    full_name = f"_model.{name}".encode()
    head = struct.pack("<3i", len(shape), len(full_name), int(kind == HALF))
    dimensions = struct.pack(f"<{len(shape)}i", *reversed(shape))
    return head + dimensions + full_name + data.astype(kind).tobytes()
