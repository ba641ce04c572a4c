"""An OpenAI-compatible speech-to-text API in front of whisper.cpp's whisper-server."""

__version__ = "1.0.0"
