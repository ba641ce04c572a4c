# The proxy of the hand-written guide that this project began as: the baseline. It is that guide's
# code as it stood, except that port and upstream come from the environment.
# ruff: noqa
# mypy: ignore-errors
# fmt: off
"""
Simple proxy to make whisper.cpp server OpenAI API compatible.
Translates /v1/audio/transcriptions -> /inference
"""

import asyncio
import os
import aiohttp
from aiohttp import web

WHISPER_URL = os.environ["GUIDE_UPSTREAM"]

async def health(request):
    return web.json_response({"status": "ok"})

async def transcriptions(request):
    """Handle OpenAI-compatible /v1/audio/transcriptions endpoint"""
    reader = await request.multipart()

    audio_data = None
    response_format = "json"

    async for part in reader:
        if part.name == "file":
            audio_data = await part.read()
        elif part.name == "response_format":
            response_format = (await part.read()).decode()

    if not audio_data:
        return web.json_response({"error": "No audio file provided"}, status=400)

    data = aiohttp.FormData()
    data.add_field("file", audio_data, filename="audio.wav", content_type="audio/wav")
    data.add_field("response_format", "json")
    data.add_field("temperature", "0.0")

    async with aiohttp.ClientSession() as session:
        async with session.post(f"{WHISPER_URL}/inference", data=data) as resp:
            if resp.status != 200:
                error_text = await resp.text()
                return web.json_response({"error": error_text}, status=resp.status)

            result = await resp.json()
            text = result.get("text", "").strip()
            return web.json_response({"text": text})

async def models(request):
    """Return fake models list for compatibility"""
    return web.json_response({
        "object": "list",
        "data": [{"id": "whisper-1", "object": "model"}]
    })

app = web.Application()
app.router.add_get("/health", health)
app.router.add_get("/v1/models", models)
app.router.add_post("/v1/audio/transcriptions", transcriptions)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(os.environ["GUIDE_PORT"]))
