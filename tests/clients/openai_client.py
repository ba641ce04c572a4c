"""OpenAI's own client for Python."""

from pathlib import Path
from typing import Any

import openai
from lines import serve


def transcribe(url: str, key: str, recording: str, options: dict[str, Any]) -> Any:
    """Return the client's answer, or all events of a stream."""
    with openai.OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        wishes = {"model": "whisper-1", "file": Path(recording), **options}
        answer = client.audio.transcriptions.create(**wishes)
        return list(answer) if options.get("stream") else answer


if __name__ == "__main__":
    serve(transcribe)
