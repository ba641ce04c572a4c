// OpenAI's own client for Node in live sessions: with the package ws, or as a page would.

import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import OpenAI from "openai";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { serve } from "./lines.mjs";

const BYTES_A_SECOND = 2 * 24000;
const PIECE = BYTES_A_SECOND / 10;
const COMPLETED = "conversation.item.input_audio_transcription.completed";
const KINDS = { ws: OpenAIRealtimeWS, page: OpenAIRealtimeWebSocket };

await serve(async ({ url, key, recording, options: { kind, input, turns, secret = false } }) => {
  const session = { type: "transcription", audio: { input } };
  let client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
  if (secret) {
    const made = await client.realtime.clientSecrets.create({ session });
    client = new OpenAI({ baseURL: url, apiKey: made.value });
  }
  const connection = new KINDS[kind]({ intent: "transcription" }, client);
  const events = collected(connection, turns);
  await opened(connection.socket);
  if (!secret) connection.send({ type: "session.update", session });
  await send(connection, await readFile(recording), "turn_detection" in input);
  const found = await events;
  connection.close();
  return found;
});

function opened(socket) {
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", (event) => reject(new Error(event.message || "refused")));
  });
}

function collected(connection, turns) {
  const events = [];
  return new Promise((resolve, reject) => {
    connection.on("error", reject);
    connection.on("event", (event) => {
      events.push(event);
      if (event.type === COMPLETED && --turns === 0) resolve(events);
    });
  });
}

async function send(connection, pcm, commits) {
  for (let at = 0; at < pcm.length; at += PIECE) {
    const audio = pcm.subarray(at, at + PIECE).toString("base64");
    connection.send({ type: "input_audio_buffer.append", audio });
    await pause((1000 * PIECE) / BYTES_A_SECOND);
  }
  if (commits) connection.send({ type: "input_audio_buffer.commit" });
}
