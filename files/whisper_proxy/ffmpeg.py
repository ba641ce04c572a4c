"""The command lines of ffprobe and ffmpeg, and what they print."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .audio import RATE
from .formats import DEMUXERS

INPUT = "/proc/self/fd/0"  # a seekable file
END_OF_FILE = -541478725  # AVERROR_EOF: what opening a file without a packet ends with
# In the header of a file that has an audio track: of Matroska, Ogg.
HEADER_MARKS = (b"\x16\x54\xae\x6b", b"OpusHead", b"\x01vorbis", b"Speex  ", b"\x7fFLAC")
# LAME's first frame, which has no sound; MPEG audio is found only if another follows.
MP3_MARK, MP3_BYTES = b"Info\0\0", 1500
HEADER_BYTES = 64 * 1024
# Of the sample entry of an MP4 track: Common Encryption, FairPlay, Audible.
ENCRYPTED_TAGS = ("enca", "drms", "aavd")
UNTAGGED = "[0][0][0][0]"  # as in Matroska
ENCRYPTION_KEY = "Encryption initialization data"
ENCRYPTION = re.compile(rf"DRM protected|Ext DRM|activation_bytes|{ENCRYPTION_KEY}")
# Up to 7.1 ffmpeg knows how to mix; beyond it often does not know which channel is which.
MAX_LAID_OUT = 8
MAX_CHANNELS = 64  # of the filter `pan`
# By codec, where ffmpeg's own decoder is the worse one: since 7.0 that of Speex makes 16 kHz sound
# twice as long as it is, and hardly a word is understood (ffmpeg's tickets 11054 and 11078).
DECODERS = {"speex": "libspeex"}
# One frame in so many is measured: 2 ms for a sentence, a seventh of the decoding for hours. The
# first ones are not, as MP3 begins with silence, but for the very first: that an output got nothing
# is an error to ffmpeg 7.
MEASURED_FRAMES, FIRST_FRAME = 20, 3
LEVELS = "[levels]"
LEVEL = re.compile(r"lavfi\.astats\.([12])\.RMS_level=(-?(?:\d{1,3}\.\d+|inf))\b")
CANCELLED = 1 / 16  # of the energy is left by mixing: -12 dB
CANCELLED_SHARE = 0.1  # of the recording's energy


class NotAudioError(Exception):
    """One line about a file that cannot be transcribed."""


@dataclass(frozen=True)
class Track:
    """The audio track to decode.

    demuxer: None if ffmpeg is to detect it. selector: ffmpeg's stream specifier. channels: 0 if
    not known. decoder: None if ffmpeg is to choose it.
    """

    demuxer: str | None
    selector: str
    channels: int = 0
    decoder: str | None = None


@dataclass(frozen=True)
class Probe:
    """What ffprobe found. track: None if nothing was recorded. encrypted: some of it may be."""

    track: Track | None
    encrypted: bool


def _input(demuxer: str | None) -> list[str]:
    """Return the options before the input: which formats and protocols may be opened.

    A crafted file can refer to other files, even over the network. The demuxers that follow such
    references are shut out; MP4's follows its own only with -enable_drefs, which is never given.
    """
    fixed = ["-f", demuxer] if demuxer else []
    whitelists = ["-protocol_whitelist", "file", "-format_whitelist", DEMUXERS]
    return [*whitelists, *fixed, "-i", INPUT]


def probe_command() -> list[str]:
    """Return ffprobe's command line; it prints the tracks, and the first packet, as JSON."""
    entries = (
        "stream=index,codec_type,codec_name,codec_tag_string,channels"
        ":stream_disposition=default:stream_side_data=side_data_type:packet=stream_index:error=code"
    )
    options = ["-hide_banner", "-v", "warning", "-show_error", "-show_entries", entries]
    first_packet = ["-read_intervals", "%+#1"]
    return ["ffprobe", *options, *first_packet, "-of", "json=compact=1", *_input(None)]


def probed(output: str, errors: str, head: bytes) -> Probe:
    """Return what ffprobe found, or raise NotAudioError.

    head: the first HEADER_BYTES of the file.
    """
    try:
        found = json.loads(output)
    except ValueError:
        raise NotAudioError("`file` is in no format that is known here.") from None
    encrypted = bool(ENCRYPTION.search(output) or ENCRYPTION.search(errors))
    if code := found.get("error", {}).get("code"):
        if _is_only_a_header(code, head):
            return Probe(None, encrypted)
        raise NotAudioError("`file` is damaged, or in no format that is known here.")
    streams = found.get("streams", [])
    track = _track(streams) if streams else None
    is_empty = not found.get("packets") and len(head) < HEADER_BYTES
    return Probe(None if is_empty else track, encrypted)


def _is_only_a_header(code: int, head: bytes) -> bool:
    if code == END_OF_FILE:
        return any(mark in head for mark in HEADER_MARKS)
    return MP3_MARK in head and len(head) < MP3_BYTES


def _track(streams: list[dict[str, Any]]) -> Track:
    """Return the default audio track, the first if there is none."""
    audio = [stream for stream in streams if stream.get("codec_type") == "audio"]
    if not audio:
        raise NotAudioError("`file` has no audio track.")
    known = [stream for stream in audio if stream.get("codec_name", "unknown") != "unknown"]
    defaults = [stream for stream in known if stream.get("disposition", {}).get("default")]
    chosen = (defaults or known or audio)[0]
    if _is_encrypted(chosen):
        raise NotAudioError("`file` is encrypted.")
    if not known:
        raise NotAudioError("`file` has sound of a kind that ffmpeg does not know.")
    decoder = DECODERS.get(chosen.get("codec_name", ""))
    return Track(None, str(chosen["index"]), chosen.get("channels", 0), decoder)


def _is_encrypted(stream: dict[str, Any]) -> bool:
    """Whether all of a track is. MP4 says so in its tag, and may keep keys for other tracks."""
    tag = stream.get("codec_tag_string", UNTAGGED)
    kinds = [data.get("side_data_type") for data in stream.get("side_data_list", [])]
    return tag in ENCRYPTED_TAGS or (tag == UNTAGGED and ENCRYPTION_KEY in kinds)


def decode_command(track: Track, max_seconds: int, *, first_channel: bool = False) -> list[str]:
    """Return ffmpeg's command line; it writes WAV to standard output, a seekable file.

    first_channel: take it alone instead of mixing. Metadata is dropped.
    """
    graph = _first_channel(track) if first_channel else _mix(track)
    decoder = (f"-c:{track.selector}", track.decoder) if track.decoder else ()
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-threads", "1"),
        *decoder,
        *_input(track.demuxer),
        *("-filter_complex_threads", "1", "-filter_complex", graph, "-map", "[out]"),
        *("-map_metadata", "-1", "-bitexact", "-c:a", "pcm_s16le", "-ac", "1", "-ar", str(RATE)),
        *("-t", str(max_seconds), "-f", "wav", "-y", "/proc/self/fd/1"),
        *(("-map", LEVELS, "-t", str(max_seconds), "-f", "null", "-") if LEVELS in graph else ()),
    ]


def _first_channel(track: Track) -> str:
    return f"[0:{track.selector}]pan=mono|c0=c0[out]"


def _mix(track: Track) -> str:
    """Return the filters that mix to mono; those of two channels also print what is lost by it."""
    source = f"[0:{track.selector}]"
    if track.channels == 1:
        return f"{source}anull[out]"
    if track.channels > MAX_LAID_OUT:
        channels = "+".join(f"c{number}" for number in range(min(track.channels, MAX_CHANNELS)))
        return f"{source}pan=mono|c0<{channels}[out]"
    return f"{source}asplit[all][some];[all]aformat=channel_layouts=mono[out];[some]{_measure()}"


def _measure() -> str:
    """Return the filters that print the levels of the sum and the difference of two channels."""
    return ",".join(
        [
            "asetnsamples=1024:p=0",
            f"aselect=eq(n\\,0)+eq(mod(n\\,{MEASURED_FRAMES})\\,{FIRST_FRAME})",
            "aformat=sample_fmts=fltp:channel_layouts=stereo",
            "pan=stereo|c0=.5*c0+.5*c1|c1=.5*c0-.5*c1",
            "asetnsamples=16384:p=0",
            "astats=metadata=1:reset=1:measure_perchannel=RMS_level:measure_overall=none",
            # Not `anullsink` behind it: of that ffmpeg 7.1 dies (best_input >= 0).
            f"ametadata=print:file=/proc/self/fd/2{LEVELS}",
        ]
    )


def cancels_out(errors: str) -> bool:
    """Whether mixing the channels has silenced a part of the recording that is worth hearing.

    So it is with a microphone whose two wires were connected the wrong way round: what is in both
    channels has opposite signs.
    """
    energies = list(_energies(errors))
    lost = sum(side for mid, side in energies if mid < CANCELLED * side)
    return lost > CANCELLED_SHARE * sum(mid + side for mid, side in energies)


def _energies(errors: str) -> Iterator[tuple[float, float]]:
    """Yield the energies of the sum and the difference of the channels for each few seconds."""
    levels = [(channel, float(level)) for channel, level in LEVEL.findall(errors)]
    for (_, mid), (channel, side) in pairwise(levels):
        if channel == "2":
            yield 10 ** (mid / 10), 10 ** (side / 10)
