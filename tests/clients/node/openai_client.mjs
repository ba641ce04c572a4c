// OpenAI's own client for Node.

import { createReadStream } from "node:fs";
import OpenAI from "openai";
import { serve } from "./lines.mjs";

await serve(async ({ url, key, recording, options }) => {
  const client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
  const file = createReadStream(recording);
  const answer = await client.audio.transcriptions.create({ model: "whisper-1", file, ...options });
  return options.stream ? await Array.fromAsync(answer) : answer;
});
