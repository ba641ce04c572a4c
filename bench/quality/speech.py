"""Speech whose words are known: what packages have recorded, and what eSpeak NG reads."""

import gzip
import re
import subprocess
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from whisper_proxy.audio import RATE, wav_bytes

from tests.boxes.shell import BoxError, run

from .espeak import Espeak

JFK = Path(__file__).parents[2] / "files" / "jfk.opus"
JFK_WORDS = (
    "And so, my fellow Americans, ask not what your country can do for you, ask what you can do "
    "for your country."
)
RECORDED, READ = "recorded", "eSpeak NG"

# A reader of LibriVox with Jane Austen's Sense and Sensibility, of PocketSphinx's tests.
NOVEL = "pocketsphinx-testdata"
NOVEL_FOLDER = "usr/share/pocketsphinx/test/data/librivox"
# Allison Smith with announcements of a telephone exchange, 16 kHz in G.722.
PROMPTS, PROMPTS_TEXT = "asterisk-core-sounds-en-g722", "asterisk-core-sounds-en"
PROMPTS_FOLDER = "usr/share/asterisk/sounds/en_US_f_Allison"
PROMPTS_FILE = "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
# The longest whose text says what is heard.
CHOSEN_PROMPTS = (
    "demo-abouttotry",
    "demo-congrats",
    "demo-echotest",
    "demo-moreinfo",
    "demo-nogo",
    "dir-intro",
    "tt-allbusy",
    "vm-options",
)

# Harvard sentences (IEEE Recommended Practice for Speech Quality Measurements, 1969), lists 1 to 3,
# each with the voice that reads it.
HARVARD = {
    "en-us": (
        "The birch canoe slid on the smooth planks.",
        "Glue the sheet to the dark blue background.",
        "It's easy to tell the depth of a well.",
        "These days a chicken leg is a rare dish.",
        "Rice is often served in round bowls.",
        "The juice of lemons makes fine punch.",
        "The box was thrown beside the parked truck.",
        "The hogs were fed chopped corn and garbage.",
        "Four hours of steady work faced us.",
        "A large size in stockings is hard to sell.",
    ),
    "en-gb-x-rp": (
        "The boy was there when the sun rose.",
        "A rod is used to catch pink salmon.",
        "The source of the huge river is the clear spring.",
        "Kick the ball straight and follow through.",
        "Help the woman get back to her feet.",
        "A pot of tea helps to pass the evening.",
        "Smoky fires lack flame and heat.",
        "The soft cushion broke the man's fall.",
        "The salt breeze came across from the sea.",
        "The girl at the booth sold fifty bonds.",
    ),
    "en-us+f3": (
        "The small pup gnawed a hole in the sock.",
        "The fish twisted and turned on the bent hook.",
        "Press the pants and sew a button on the vest.",
        "The swan dive was far short of perfect.",
        "The beauty of the view stunned the young boy.",
        "Two blue fish swam in the tank.",
        "Her purse was full of useless trash.",
        "The colt reared and threw the tall rider.",
        "It snowed, rained, and hailed the same morning.",
        "Read verse out loud for pleasure.",
    ),
}


@dataclass(frozen=True)
class Recording:
    """Speech as WAV of 16 kHz, mono, 16 bits, and what is said in it.

    kind: RECORDED or READ. starts: the second at which each of the words begins, None where it is
    not known; empty where none is.
    """

    name: str
    kind: str
    wav: bytes
    text: str
    starts: Sequence[float | None] = ()

    @property
    def seconds(self) -> float:
        """Its length."""
        return wav_seconds(self.wav)


def recordings(temporary: Path) -> list[Recording]:
    """Return all speech; the packages are fetched into the directory."""
    root = _unpacked((NOVEL, PROMPTS, PROMPTS_TEXT), temporary)
    jfk = Recording("jfk", RECORDED, _converted("-i", str(JFK)), JFK_WORDS)
    return [jfk, *_novel(root), *_prompts(root), *_harvard()]


def _unpacked(packages: Sequence[str], temporary: Path) -> Path:
    """Return a directory with what these packages of Debian's have; none is installed."""
    archives, root = temporary / "archives", temporary / "root"
    archives.mkdir()
    download = ("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *packages)
    try:
        run(*download, cwd=archives)
    except BoxError:  # apt's lists are missing, or older than the mirror
        run("apt-get", "-qq", "update")
        run(*download, cwd=archives)
    for archive in archives.iterdir():
        run("dpkg-deb", "--extract", archive, root)
    return root


def _novel(root: Path) -> Iterator[Recording]:
    folder = root / NOVEL_FOLDER
    for name, text in novel_texts((folder / "transcription").read_text()).items():
        wav = _converted("-i", str(folder / f"{name}.wav"))
        yield Recording(f"austen-{name[-4:]}", RECORDED, wav, text)


def novel_texts(transcription: str) -> dict[str, str]:
    """Return the texts of a transcription of CMU Sphinx's, by the names of their files."""
    found = re.findall(r"^<s> (.*) </s> \((\S+)\)$", transcription, re.MULTILINE)
    return {name: text for text, name in found}


def _prompts(root: Path) -> Iterator[Recording]:
    known = prompt_texts(gzip.decompress((root / PROMPTS_FILE).read_bytes()).decode())
    for name in CHOSEN_PROMPTS:
        wav = _converted("-f", "g722", "-i", str(root / PROMPTS_FOLDER / f"{name}.g722"))
        yield Recording(name, RECORDED, wav, known[name])


def prompt_texts(listing: str) -> dict[str, str]:
    """Return the texts of Asterisk's prompts by their names."""
    lines = (line.partition(": ") for line in listing.splitlines() if not line.startswith(";"))
    return {name: text.strip() for name, colon, text in lines if colon}


def _harvard() -> Iterator[Recording]:
    espeak = Espeak()
    for voice, sentences in HARVARD.items():
        text = "\n".join(sentences)
        spoken = espeak.say(voice, text)
        raw = ("-f", "s16le", "-ac", "1", "-ar", str(spoken.rate), "-i", "-")
        wav = _converted(*raw, source=spoken.pcm)
        yield Recording(voice, READ, wav, text, spoken.starts)


def _converted(*source_options: str, source: bytes = b"") -> bytes:
    """Return what ffmpeg reads with these options as WAV."""
    output = ("-ac", "1", "-ar", str(RATE), "-f", "s16le", "-")
    command = ["ffmpeg", "-v", "error", *source_options, *output]
    return wav_bytes(subprocess.run(command, input=source, check=True, capture_output=True).stdout)


def wav_seconds(wav: bytes) -> float:
    """Return the length of a WAV file."""
    with wave.open(BytesIO(wav)) as file:
        return float(file.getnframes() / file.getframerate())
