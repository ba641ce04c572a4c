// Calls to the server that the page came from.

import { tab } from "./storage.js";

const STORED = "api-key";
let key = tab?.getItem(STORED) ?? "";

/** An answer that is an error. status is 0 where there was none; retryAfter is in seconds. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = "", retryAfter = 0 } = {}) {
    super(message);
    Object.assign(this, { status, code, retryAfter });
  }
}

/** Send this key from now on, and keep it for as long as the tab is open; "" forgets it. */
export function useKey(given) {
  key = given;
  if (key) tab?.setItem(STORED, key);
  else tab?.removeItem(STORED);
}

export function hasKey() {
  return key !== "";
}

// A header takes no other characters. A key has none of them, so that what has is a wrong one.
function authorization() {
  return key ? { Authorization: `Bearer ${key.replace(/[^\x21-\x7e]/g, "?")}` } : {};
}

function unreachable() {
  return new ApiError("The server does not answer.");
}

function failed(status, text, header) {
  let error = {};
  try {
    error = JSON.parse(text).error ?? {};
  } catch {
    // Somebody between: a reverse proxy, say.
  }
  const retryAfter = Number(header) || 0;
  const message = error.message ?? `The server answers with status ${status}.`;
  return new ApiError(message, { status, code: error.code ?? "", retryAfter });
}

async function getJson(path) {
  let response;
  try {
    response = await fetch(path, { headers: authorization(), signal: AbortSignal.timeout(10000) });
    if (response.ok) return await response.json();
  } catch {
    throw unreachable();
  }
  throw failed(response.status, await response.text(), response.headers.get("Retry-After"));
}

/** What /status says: docs/api.md. */
export function getStatus() {
  return getJson("/status");
}

/** Whisper's languages: {code: English name}. */
export function getLanguages() {
  return getJson("/page/languages.json");
}

/**
 * Have a recording transcribed, and return verbose_json with segments and words.
 *
 * onUpload is called with what was sent of the whole, 0 to 1. Raises ApiError, and AbortError where
 * the signal says so. fetch does not tell how far an upload is.
 */
export function transcribe(blob, name, { language, prompt, translate }, { onUpload, signal }) {
  signal.throwIfAborted(); // by now: it will not say so again
  const form = new FormData();
  form.append("model", "whisper-1");
  form.append("response_format", "verbose_json");
  form.append("timestamp_granularities[]", "word");
  form.append("timestamp_granularities[]", "segment");
  if (language && !translate) form.append("language", language);
  if (prompt) form.append("prompt", prompt);
  form.append("file", blob, name);
  const request = new XMLHttpRequest();
  request.open("POST", `/v1/audio/${translate ? "translations" : "transcriptions"}`);
  for (const [header, value] of Object.entries(authorization())) {
    request.setRequestHeader(header, value);
  }
  return new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => onUpload(event.loaded / event.total);
    request.upload.onload = () => onUpload(1);
    request.onload = () => finish(request, resolve, reject);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

function finish(request, resolve, reject) {
  const { status, responseText } = request;
  if (status !== 200) {
    reject(failed(status, responseText, request.getResponseHeader("Retry-After")));
    return;
  }
  try {
    resolve(JSON.parse(responseText));
  } catch {
    reject(new ApiError("The server's answer is no JSON.", { status }));
  }
}
