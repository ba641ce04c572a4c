"""Decisions on what ffprobe and ffmpeg print; the programs themselves run in test_formats.py."""

import json
from typing import Any

import pytest
from whisper_proxy.ffmpeg import (
    ENCRYPTION_KEY,
    NotAudioError,
    Probe,
    Track,
    cancels_out,
    decode_command,
    probed,
)

PACKETS = {"packets": [{"stream_index": 0}]}


def audio(index: int = 0, **fields: Any) -> dict[str, Any]:
    given = {"index": index, "codec_type": "audio", "codec_name": "aac", "channels": 2}
    return given | {"disposition": {"default": 0}} | fields


def found(*streams: dict[str, Any]) -> Probe:
    return probed(json.dumps({"streams": streams} | PACKETS), "", b"")


def refused(*streams: dict[str, Any]) -> str:
    with pytest.raises(NotAudioError) as caught:
        found(*streams)
    return str(caught.value)


def levels(*pairs: tuple[str, str]) -> str:
    """Return what the filters print: the levels of the sum and the difference, in dB."""
    lines = [
        f"frame:{number} pts:0 pts_time:0\nlavfi.astats.1.RMS_level={mid}\n"
        f"lavfi.astats.2.RMS_level={side}\n"
        for number, (mid, side) in enumerate(pairs)
    ]
    return "".join(lines)


def test_the_default_track_is_chosen() -> None:
    film = {"index": 0, "codec_type": "video", "codec_name": "h264"}
    tracks = [audio(1), audio(2, disposition={"default": 1}, channels=6), audio(3)]
    assert found(film, *tracks).track == Track(None, "2", 6)
    assert found(film, audio(1), audio(2)).track == Track(None, "1", 2)


def test_speex_is_decoded_by_its_own_library() -> None:
    """ffmpeg 7.1's own decoder makes 18 s of 9 s, in which few words are to be understood."""
    track = found(audio(3, codec_name="speex", channels=1)).track
    assert track == Track(None, "3", 1, "libspeex")
    line = " ".join(decode_command(track, 1))
    assert line.index(" -c:3 libspeex ") < line.index(" -i ")
    assert "-c:3" not in decode_command(Track(None, "3", 1), 1)


def test_a_track_that_ffmpeg_does_not_know_is_passed_over() -> None:
    spatial = audio(0, codec_name="unknown", disposition={"default": 1})
    assert found(spatial, audio(1)).track == Track(None, "1", 2)
    assert refused(spatial) == "`file` has sound of a kind that ffmpeg does not know."


def test_no_audio_track_is_refused() -> None:
    assert refused({"index": 0, "codec_type": "video"}) == "`file` has no audio track."


@pytest.mark.parametrize(
    "stream",
    [
        audio(codec_tag_string="enca"),
        audio(codec_tag_string="drms", codec_name="unknown"),
        audio(codec_tag_string="[0][0][0][0]", side_data_list=[{"side_data_type": ENCRYPTION_KEY}]),
    ],
)
def test_an_encrypted_track_is_refused(stream: dict[str, Any]) -> None:
    assert refused(stream) == "`file` is encrypted."


def test_keys_of_other_tracks_of_an_mp4_do_no_harm() -> None:
    clear = audio(codec_tag_string="mp4a", side_data_list=[{"side_data_type": ENCRYPTION_KEY}])
    probe = found(clear)
    assert (probe.track, probe.encrypted) == (Track(None, "0", 2), True)


def test_what_warns_of_encryption_may_be_encrypted() -> None:
    output = json.dumps({"streams": [audio()]} | PACKETS)
    assert probed(output, "[asf] DRM protected stream detected", b"").encrypted
    assert not probed(output, "[asf] some other warning", b"").encrypted


def test_nothing_was_recorded_where_no_packet_follows_a_header() -> None:
    assert probed('{"streams": []}', "", b"").track is None
    for packets in ({}, {"packets": []}):
        assert probed(json.dumps({"streams": [audio()]} | packets), "", b"").track is None
    # A file of megabytes without a packet is damaged.
    assert probed(json.dumps({"streams": [audio()]}), "", bytes(64 * 1024)).track


def test_a_header_alone_is_nothing_recorded() -> None:
    end = '{"error": {"code": -541478725}}'
    assert probed(end, "", b"\x1aE\xdf\xa3 \x16\x54\xae\x6b").track is None
    with pytest.raises(NotAudioError, match="damaged"):
        probed(end, "", b"OggS" + bytes(100))


@pytest.mark.parametrize("output", ["", "{", '{"error": {"code": -22}}'])
def test_what_ffprobe_does_not_know_is_refused(output: str) -> None:
    with pytest.raises(NotAudioError, match="in no format that is known here"):
        probed(output, "", b"")


@pytest.mark.parametrize(
    ("printed", "cancelled"),
    [
        ("", False),
        (levels(("-20.0", "-inf")), False),  # mono
        (levels(("-20.0", "-26.0"), ("-18.0", "-17.0")), False),  # stereo
        (levels(("-inf", "-inf")), False),  # silence
        (levels(("-100.1", "-20.2")), True),
        (levels(("-33.0", "-20.0")), True),
        (levels(("-20.0", "-inf"), ("-90.0", "-20.0")), True),  # half of it
        (levels(("-20.0", "-inf"), ("-90.0", "-60.0")), False),  # hiss
        (levels(("nan", "nan"), ("-90.0", "-20.0")), True),  # of samples that are no numbers
        (levels(("oops", "9999999.0")), False),  # text of the file's, in a message of ffmpeg's
    ],
)
def test_channels_cancel_out_if_speech_is_lost(printed: str, cancelled: bool) -> None:
    assert cancels_out(printed) == cancelled


@pytest.mark.parametrize(
    ("channels", "graph"),
    [(1, "[0:0]anull[out]"), (9, "[0:0]pan=mono|c0<c0+c1+c2+c3+c4+c5+c6+c7+c8[out]")],
)
def test_channels_without_names_are_averaged(channels: int, graph: str) -> None:
    assert graph in decode_command(Track(None, "0", channels), 1)
