"""Every format that ffmpeg writes sound in, and that the proxy is to read."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

PICTURE = ("-f", "lavfi", "-i", "testsrc=s=64x64:r=10:d=1")
# As long as the sound: MXF has no sound without a picture.
PICTURES = ("-f", "lavfi", "-i", "testsrc=s=64x64:r=10", "-shortest")
CD = ("-ar", "44100")  # FLV knows few rates
FRAGMENTS = ("-movflags", "+frag_keyframe+empty_moov")
# Formats that are written to a file, as they cannot be written to a pipe. Each has ffmpeg's options
# behind the source, and last its name of the format.
FORMATS: dict[str, tuple[str, ...]] = {
    "AAC (ADTS)": ("-c:a", "aac", "adts"),
    "AAC (LATM)": ("-c:a", "aac", "latm"),
    "AC-3": ("-c:a", "ac3", "ac3"),
    "E-AC-3": ("-c:a", "eac3", "eac3"),
    "AIFF": ("aiff",),
    "AIFF-C": ("-c:a", "pcm_alaw", "aiff"),
    "AIFF-C, little-endian": ("-c:a", "pcm_s16le", "aiff"),
    "AU": ("au",),
    "AU, µ-law": ("-c:a", "pcm_mulaw", "-ar", "8000", "au"),
    "AVI": (*PICTURE, "-c:v", "mpeg4", "-c:a", "libmp3lame", "avi"),
    "CAF": ("caf",),
    "CAF, Opus": ("-c:a", "libopus", "-ar", "48000", "caf"),
    "CAF, ALAC": ("-c:a", "alac", "caf"),
    "DTS": ("-c:a", "dca", "-strict", "-2", "-ar", "48000", "-ac", "2", "dts"),
    "FLAC": ("flac",),
    "FLAC, 24 bits, 96 kHz": ("-sample_fmt", "s32", "-ar", "96000", "flac"),
    "FLAC in Ogg": ("-c:a", "flac", "ogg"),
    "FLV": ("-c:a", "aac", "flv"),
    "FLV with a picture": (*PICTURE, "-c:v", "flv", "-c:a", "libmp3lame", *CD, "flv"),
    "IRCAM": ("ircam",),
    "M4A": ("-c:a", "aac", "ipod"),
    "M4A, ALAC": ("-c:a", "alac", "ipod"),
    "MKV": (*PICTURE, "-c:v", "mpeg4", "-c:a", "libvorbis", "matroska"),
    "MKV, PCM": ("-c:a", "pcm_s16le", "matroska"),
    "MOV": (*PICTURE, "-c:v", "mpeg4", "-c:a", "pcm_s16le", "mov"),
    "MP2": ("-c:a", "mp2", "mp2"),
    "MP3": ("-c:a", "libmp3lame", "mp3"),
    "MP3 in MP4": ("-c:a", "libmp3lame", "mp4"),
    "MP3 in WAV": ("-c:a", "libmp3lame", "wav"),
    "MP4": (*PICTURE, "-c:v", "mpeg4", "-c:a", "aac", "mp4"),
    "MP4, fragments": ("-c:a", "aac", *FRAGMENTS, "mp4"),
    "MP4, index first": ("-c:a", "aac", "-movflags", "+faststart", "mp4"),
    "MPEG-PS, AC-3": (*PICTURE, "-c:v", "mpeg2video", "-r", "25", "-c:a", "ac3", "vob"),
    "MPEG-TS": ("-c:a", "aac", "mpegts"),
    "MPEG-TS with a picture": (*PICTURE, "-c:v", "mpeg2video", "-r", "25", "-c:a", "mp2", "mpegts"),
    "MXF": (*PICTURES, "-c:v", "mpeg2video", "-r", "25", "-ar", "48000", "mxf"),
    "NUT": ("-c:a", "libvorbis", "nut"),
    "Opus": ("-c:a", "libopus", "opus"),
    "Opus in MP4": ("-c:a", "libopus", "-ar", "48000", "mp4"),
    "Opus in MPEG-TS": ("-c:a", "libopus", "-ar", "48000", "mpegts"),
    "RealMedia": ("-c:a", "ac3", "-ac", "2", "rm"),
    "RF64": ("-rf64", "always", "wav"),
    "SoX": ("sox",),
    "Speex": ("-c:a", "libspeex", "-ar", "16000", "ogg"),
    "TrueHD": ("-c:a", "truehd", "-strict", "-2", "truehd"),
    "TTA": ("tta",),
    "VOC": ("-c:a", "pcm_u8", "voc"),
    "Vorbis": ("-c:a", "libvorbis", "ogg"),
    "W64": ("w64",),
    "WAV, A-law": ("-c:a", "pcm_alaw", "-ar", "8000", "wav"),
    "WAV, ADPCM": ("-c:a", "adpcm_ms", "wav"),
    "WAV, 24 bits": ("-c:a", "pcm_s24le", "wav"),
    "WAV, 64-bit floats": ("-c:a", "pcm_f64le", "wav"),
    "WavPack": ("-c:a", "wavpack", "wv"),
    "WebM": ("-c:a", "libopus", "webm"),
    "WebM with a picture": (*PICTURE, "-c:v", "libvpx", "-c:a", "libopus", "webm"),
    "WMA": ("-c:a", "wmav2", "asf"),
    "WMV": (*PICTURE, "-c:v", "wmv2", "-c:a", "wmav1", "asf"),
    "WTV": ("-c:a", "mp2", "wtv"),
    "3GP": ("-c:a", "aac", "3gp"),
    "3G2": ("-c:a", "aac", "3g2"),
}


def written(folder: Path, source: Sequence[str], *options: str) -> bytes:
    """Return the source, ffmpeg's options for it, as ffmpeg writes it with options of FORMATS."""
    made = folder / "made"
    command = ["ffmpeg", "-nostdin", "-v", "error", *source, *options[:-1]]
    subprocess.run([*command, "-f", options[-1], "-y", str(made)], check=True)
    return made.read_bytes()
