"""Whisper's weights from CTranslate2's form to whisper.cpp's (ggml).

Both forms are little-endian. CTranslate2's `model.bin`: u32 6 (its format), name of the
spec, u32 revision, u32 count; then per variable its name (u16 length, trailing NUL
included), u8 rank, u32 dimensions, u8 type, u32 bytes, data. ggml's is what whisper.cpp's
models/convert-pt-to-ggml.py writes. Nothing here reads or writes a file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Weights = Mapping[str, Array]

FORMAT = 6
FLOATS: dict[int, str] = {0: "<f4", 4: "<f2"}  # CTranslate2's types that are weights
MAGIC = 0x67676D6C
N_MELS = 80
N_FFT = 400
SAMPLE_RATE = 16000  # Hz
N_TOKENS = 50257  # byte-level BPE tokens; whisper.cpp makes the special ones itself
HEAD_SIZE = 64  # in every Whisper model
FULL_PRECISION = {
    "encoder.conv1.bias",
    "encoder.conv2.bias",
    "encoder.positional_embedding",
    "decoder.positional_embedding",
}


def convert(model: bytes, vocabulary: str) -> bytes:
    """A ggml model from `model.bin` and `vocabulary.txt` (one token a line)."""
    weights = tensors(read_variables(model))
    tokens = vocabulary.split("\n")
    parts = (
        header(weights),
        mel_bytes(mel_filters()),
        token_bytes(tokens[:N_TOKENS]),
        *(tensor_bytes(name, value) for name, value in weights.items()),
    )
    return b"".join(parts)


def read_variables(model: bytes) -> dict[str, Array]:
    """The floating-point variables of a CTranslate2 model by name; others are settings."""
    reader = _Reader(model)
    if reader.number("I") != FORMAT:
        raise ValueError("not a CTranslate2 model of format 6")
    reader.text()
    reader.number("I")
    found = (reader.variable() for _ in range(reader.number("I")))
    return {name: value for name, value in found if value is not None}


class _Reader:
    """A cursor over CTranslate2's bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self, code: str) -> int:
        """An unsigned number of the struct code's size."""
        (value,) = struct.unpack_from(f"<{code}", self.data, self.at)
        self.at += struct.calcsize(code)
        return int(value)

    def take(self, size: int) -> bytes:
        """So many bytes."""
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self) -> str:
        """A string with its length before it and a NUL behind it."""
        return self.take(self.number("H")).rstrip(b"\0").decode()

    def variable(self) -> tuple[str, Array | None]:
        """A variable's name, and its value if it is floating-point."""
        name = self.text()
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = FLOATS.get(self.number("B"))
        data = self.take(self.number("I"))
        return name, None if kind is None else np.frombuffer(data, kind).reshape(shape)


def tensors(variables: Weights) -> dict[str, Array]:
    """The same weights under OpenAI's names, with stacked projections taken apart."""
    renamed: dict[str, Array] = {}
    for name, value in variables.items():
        if name != "decoder/projection/weight":
            renamed |= _tensor(name.split("/"), value)
    return renamed


# CTranslate2's name below a layer: OpenAI's. One name a part where several are stacked.
_STACKED = {
    "self_attention/linear_0": ("attn.query", "attn.key", "attn.value"),
    "self_attention/linear_1": ("attn.out",),
    "self_attention/layer_norm": ("attn_ln",),
    "attention/linear_0": ("cross_attn.query",),
    "attention/linear_1": ("cross_attn.key", "cross_attn.value"),
    "attention/linear_2": ("cross_attn.out",),
    "attention/layer_norm": ("cross_attn_ln",),
    "ffn/linear_0": ("mlp.0",),
    "ffn/linear_1": ("mlp.2",),
    "ffn/layer_norm": ("mlp_ln",),
}
_TOP = {
    "encoder/layer_norm": "encoder.ln_post",
    "encoder/conv1": "encoder.conv1",
    "encoder/conv2": "encoder.conv2",
    "decoder/layer_norm": "decoder.ln",
    "decoder/embeddings": "decoder.token_embedding",
}
_KIND = {"gamma": "weight", "beta": "bias", "weight": "weight", "bias": "bias"}


def _tensor(path: list[str], value: Array) -> dict[str, Array]:
    """What one variable becomes: several tensors where it is a stack."""
    side, *middle, last = path
    if middle == ["position_encodings"]:
        return {f"{side}.positional_embedding": value}
    kind = _KIND[last]
    if not middle[0].startswith("layer_") or middle == ["layer_norm"]:
        name = _TOP["/".join([side, *middle])]
        return {f"{name}.{kind}": value[:, None] if (".conv" in name and kind == "bias") else value}
    block = f"{side}.blocks.{middle[0].removeprefix('layer_')}"
    names = _STACKED["/".join(middle[1:])]
    parts = np.split(value, len(names))
    pairs = zip(names, parts, strict=True)
    # Whisper's keys have no bias; CTranslate2 fills its place in the stack with zeros.
    kept = ((name, part) for name, part in pairs if not (kind == "bias" and name.endswith(".key")))
    return {f"{block}.{name}.{kind}": part for name, part in kept}


def header(weights: Weights) -> bytes:
    """Magic and the eleven hyper-parameters, read off the weights' shapes."""
    vocabulary, text_state = weights["decoder.token_embedding.weight"].shape
    text_context = len(weights["decoder.positional_embedding"])
    audio_context, audio_state = weights["encoder.positional_embedding"].shape
    numbers = (
        *(MAGIC, vocabulary),
        *(audio_context, audio_state, audio_state // HEAD_SIZE, _layers(weights, "encoder")),
        *(text_context, text_state, text_state // HEAD_SIZE, _layers(weights, "decoder")),
        *(N_MELS, 1),  # 1: weights are f16
    )
    return struct.pack(f"<{len(numbers)}i", *numbers)


def _layers(weights: Weights, side: str) -> int:
    return len({name.split(".")[2] for name in weights if name.startswith(f"{side}.blocks.")})


def mel_filters() -> NDArray[np.float32]:
    """Slaney's mel filter bank, (80, 201), as librosa.filters.mel(sr=16000, n_fft=400) has it."""
    bins = np.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1)  # Hz
    top = _hertz_to_mel(SAMPLE_RATE / 2)
    edges = _mel_to_hertz(np.linspace(0.0, top, N_MELS + 2))
    width = np.diff(edges)
    ramps = edges[:, None] - bins[None, :]
    rising = -ramps[:-2] / width[:-1, None]
    falling = ramps[2:] / width[1:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    filters = np.maximum(0, np.minimum(rising, falling)) * area[:, None]
    return filters.astype(np.float32)


# Slaney's scale: linear (3 mels to 200 Hz) to 1 kHz, then 27 mels to a factor of 6.4.
_BREAK_HZ, _BREAK_MEL, _STEP = 1000.0, 15.0, np.log(6.4) / 27


def _hertz_to_mel(hertz: float) -> float:
    return float(_BREAK_MEL + np.log(hertz / _BREAK_HZ) / _STEP)  # above 1 kHz


def _mel_to_hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    curved = _BREAK_HZ * np.exp(_STEP * (mels - _BREAK_MEL))
    return np.where(mels < _BREAK_MEL, mels * 200 / 3, curved)


def mel_bytes(filters: NDArray[np.float32]) -> bytes:
    """The filter bank behind its two dimensions."""
    return struct.pack("<2i", *filters.shape) + filters.astype("<f4").tobytes()


def token_bytes(tokens: Iterable[str]) -> bytes:
    """The count of tokens, then each as the bytes that it stands for, behind their length."""
    byte = {character: value for value, character in _gpt2_characters()}
    raw = [bytes(byte[character] for character in token) for token in tokens]
    return struct.pack("<i", len(raw)) + b"".join(struct.pack("<i", len(t)) + t for t in raw)


def _gpt2_characters() -> Iterator[tuple[int, str]]:
    """GPT-2's map of bytes to characters: printable ones stand for themselves."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    stand_in = 0x100
    for value in range(256):
        if value in printable:
            yield value, chr(value)
        else:
            yield value, chr(stand_in)
            stand_in += 1


def tensor_bytes(name: str, value: Array) -> bytes:
    """One tensor: rank, length of name, type (0 f32, 1 f16), dimensions reversed, name, data."""
    half = value.ndim > 1 and name not in FULL_PRECISION
    data = value.astype("<f2" if half else "<f4").tobytes()
    head = struct.pack("<3i", value.ndim, len(name), int(half))
    return head + struct.pack(f"<{value.ndim}i", *reversed(value.shape)) + name.encode() + data
