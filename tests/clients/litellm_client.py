"""LiteLLM; runs in its own environment."""

import asyncio
import os
from typing import Any

from lines import serve

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # otherwise it downloads a table of prices

import litellm


def transcribe(url: str, key: str, recording: str, options: dict[str, Any]) -> Any:
    """Return LiteLLM's answer or all events of a stream; its coroutine's if `asynchronous`."""
    coroutine = options.pop("asynchronous", False)
    provider = {"custom_llm_provider": "openai", "api_base": url, "api_key": key, "max_retries": 0}
    with open(recording, "rb") as file:
        wishes = {"model": "whisper-1", "file": file, **provider, **options}
        if coroutine:
            return asyncio.run(litellm.atranscription(**wishes))
        answer = litellm.transcription(**wishes)
        return list(answer) if options.get("stream") else answer


if __name__ == "__main__":
    serve(transcribe)
