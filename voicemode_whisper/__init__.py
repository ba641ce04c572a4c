"""Private speech-to-text servers on Arch and CachyOS machines, as a pyinfra deploy."""

from voicemode_whisper.resources import ROOT

# A wheel has tasks/ inside the package, a checkout beside it: voicemode_whisper.tasks is either.
if str(ROOT) not in __path__:
    __path__.append(str(ROOT))
