"""CTranslate2's weights in, ggml's out, on a Whisper of toy size."""

import struct

import numpy as np
import pytest

from tests.boxes import ggml

STATE = 64
LAYER = {
    "self_attention/linear_0": 3,
    "self_attention/linear_1": 1,
    "attention/linear_0": 1,
    "attention/linear_1": 2,
    "attention/linear_2": 1,
}


def toy() -> dict[str, ggml.Array]:
    """A one-layer model's variables, each value different from all others."""
    shapes: dict[str, tuple[int, ...]] = {
        "encoder/conv1/weight": (STATE, 80, 3),
        "encoder/conv1/bias": (STATE,),
        "encoder/position_encodings/encodings": (6, STATE),
        "encoder/layer_norm/gamma": (STATE,),
        "decoder/embeddings/weight": (9, STATE),
        "decoder/position_encodings/encodings": (4, STATE),
        "encoder/layer_0/ffn/layer_norm/beta": (STATE,),
    }
    for name, stacked in LAYER.items():
        shapes[f"decoder/layer_0/{name}/weight"] = (stacked * STATE, STATE)
        shapes[f"decoder/layer_0/{name}/bias"] = (stacked * STATE,)
    random = np.random.default_rng(1)
    return {name: random.normal(size=shape).astype("<f2") for name, shape in shapes.items()}


def written(variables: dict[str, ggml.Array]) -> bytes:
    """The variables as CTranslate2 writes them, after a setting that is no weight."""

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    def variable(name: str, value: ggml.Array) -> bytes:
        shape = struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)
        return text(name) + shape + struct.pack("<BI", 4, value.nbytes) + value.tobytes()

    setting = text("decoder/num_heads") + struct.pack("<BBIh", 0, 2, 2, 6)
    head = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(variables) + 1)
    return head + setting + b"".join(variable(*item) for item in variables.items())


def test_weights_are_read_and_settings_are_not() -> None:
    read = ggml.read_variables(written(toy()))
    assert read.keys() == toy().keys()
    np.testing.assert_array_equal(read["encoder/conv1/weight"], toy()["encoder/conv1/weight"])


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 6"):
        ggml.read_variables(struct.pack("<I", 5))


def test_stacked_projections_are_taken_apart() -> None:
    tensors = ggml.tensors(toy())
    stacked = toy()["decoder/layer_0/self_attention/linear_0/weight"]
    block = "decoder.blocks.0"
    np.testing.assert_array_equal(tensors[f"{block}.attn.query.weight"], stacked[:STATE])
    np.testing.assert_array_equal(tensors[f"{block}.attn.key.weight"], stacked[STATE : 2 * STATE])
    np.testing.assert_array_equal(tensors[f"{block}.attn.value.weight"], stacked[2 * STATE :])
    cross = toy()["decoder/layer_0/attention/linear_1/weight"]
    np.testing.assert_array_equal(tensors[f"{block}.cross_attn.key.weight"], cross[:STATE])


def test_keys_have_no_bias() -> None:
    tensors = ggml.tensors(toy())
    assert "decoder.blocks.0.attn.value.bias" in tensors
    assert not [name for name in tensors if name.endswith("key.bias")]


def test_names_and_shapes_are_openais() -> None:
    tensors = ggml.tensors(toy())
    assert tensors["encoder.conv1.bias"].shape == (STATE, 1)
    assert tensors["encoder.ln_post.weight"].shape == (STATE,)
    assert tensors["encoder.blocks.0.mlp_ln.bias"].shape == (STATE,)
    assert tensors["decoder.positional_embedding"].shape == (4, STATE)


def test_the_header_is_read_off_the_shapes() -> None:
    numbers = struct.unpack("<12i", ggml.header(ggml.tensors(toy())))
    assert numbers == (0x67676D6C, 9, 6, STATE, 1, 1, 4, STATE, 1, 1, 80, 1)


def test_mel_filters_are_the_ones_that_whisper_was_trained_with() -> None:
    filters = ggml.mel_filters()
    assert (filters.shape, filters.dtype) == ((80, 201), np.float32)
    # Of OpenAI's mel_filters.npz.
    assert filters[0, 1] == pytest.approx(0.02486259490251541)
    assert filters[0, 0] == 0
    assert not filters[0, 3:].any()


def test_tokens_are_written_as_the_bytes_that_they_stand_for() -> None:
    # G with a dot is GPT-2's space, and A-tilde with a copyright sign is an e acute.
    text = ggml.token_bytes(["a", "\u0120b", "\u00c3\u00a9"])
    assert (
        text
        == struct.pack("<2i", 3, 1)
        + b"a"
        + struct.pack("<i", 2)
        + b" b"
        + struct.pack("<i", 2)
        + "é".encode()
    )


@pytest.mark.parametrize(
    ("name", "shape", "kind", "size"),
    [
        ("encoder.ln_post.bias", (3,), 0, 12),
        ("encoder.conv1.bias", (3, 1), 0, 12),
        ("decoder.positional_embedding", (2, 3), 0, 24),
        ("decoder.blocks.0.mlp.0.weight", (2, 3), 1, 12),
    ],
)
def test_only_matrices_are_halved(name: str, shape: tuple[int, ...], kind: int, size: int) -> None:
    data = ggml.tensor_bytes(name, np.ones(shape, "<f2"))
    head = struct.pack(f"<{3 + len(shape)}i", len(shape), len(name), kind, *reversed(shape))
    assert data.startswith(head + name.encode())
    assert len(data) == len(head) + len(name) + size


def test_the_same_weights_make_the_same_model() -> None:
    vocabulary = "a\nb\n"
    assert ggml.convert(written(toy()), vocabulary) == ggml.convert(written(toy()), vocabulary)
