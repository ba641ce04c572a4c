// Vercel's AI SDK with its provider for OpenAI.

import { readFile } from "node:fs/promises";
import { createOpenAI } from "@ai-sdk/openai";
import { transcribe } from "ai";
import { serve } from "./lines.mjs";

await serve(async ({ url, key, recording, options: { model = "whisper-1", ...options } }) => {
  const { text, segments, words, language, durationInSeconds, warnings } = await transcribe({
    model: createOpenAI({ baseURL: url, apiKey: key }).transcription(model),
    audio: await readFile(recording),
    maxRetries: 0,
    providerOptions: { openai: options },
  });
  return { text, segments, words, language, durationInSeconds, warnings };
});
