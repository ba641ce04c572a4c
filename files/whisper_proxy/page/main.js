// The page: what is chosen or recorded is transcribed, and how the server is.

import { ApiError, getLanguages, getStatus, hasKey, transcribe, useKey } from "./api.js";
import { FORMATS } from "./formats.js";
import { meanFactor, showMachine, summary } from "./machine.js";
import { microphoneProblem, record, whyNoMicrophone } from "./recorder.js";
import { browser } from "./storage.js";
import { bytes, clock, duration, times } from "./text.js";
import { TranscriptView } from "./transcript.js";

const TITLE = document.title;
const STATUS_SECONDS = 5;
const WORK_STATUS_SECONDS = 1;
// What passes: the queue or the disk is full, or something restarts.
const PASSING = ["overloaded", "upstream_unavailable", "spool_full", "too_many_uploads", "out_of_resources", "disk_full"];
const TRIES = 20;
const PAUSE_SECONDS = 5;
const LANGUAGE = "language";
const WRONG_KEY = "The server does not take that key.";

const $ = (id) => document.getElementById(id);
const view = new TranscriptView($("transcript"), $("audio"));
const state = { status: null, languages: {}, work: null, recorder: null, kept: null, result: null, keyGiven: null, phase: "" };

// --- What is shown ---------------------------------------------------------------------------------

function show(name) {
  for (const id of ["drop", "recording", "work"]) $(id).hidden = id !== name;
  $("input").classList.toggle("done", !$("result").hidden);
  $("options").disabled = name !== "drop";
  $("kept").hidden = name !== "drop" || !state.kept;
}

function complain(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

function say(text) {
  $("said").textContent = text;
}

function title(text) {
  document.title = text ? `${text} · ${TITLE}` : TITLE;
}

// Says how far it is; a screen reader hears of a new kind of phase, not of each second.
function phase(kind, detail = "", value = null) {
  if (kind !== state.phase) say(kind);
  state.phase = kind;
  $("phase").textContent = kind + detail;
  if (value == null) $("progress").removeAttribute("value");
  else $("progress").value = value;
}

// --- How the server is -----------------------------------------------------------------------------

async function watchStatus() {
  for (;;) {
    await state.keyGiven;
    if (!document.hidden && !state.work) await updateStatus();
    await sleep(STATUS_SECONDS);
  }
}

async function updateStatus() {
  if (state.keyGiven) return;
  try {
    state.status = await getStatus();
  } catch (error) {
    withoutStatus(error);
    return;
  }
  const { status } = state;
  $("summary").textContent = summary(status);
  $("summary").dataset.status = status.status;
  $("machine").hidden = false;
  $("forget").hidden = !hasKey();
  showMachine(status);
  showAbilities(status);
}

function withoutStatus(error) {
  if (error.status === 401) {
    askForKey();
    return;
  }
  $("summary").dataset.status = "unavailable";
  $("summary").textContent = error.status ? error.message : "The server does not answer. Trying again…";
}

function showAbilities({ english_only: english, model, max_bytes: most, max_seconds: longest }) {
  $("limits").textContent = `Any audio or video, up to ${bytes(most)} and ${longest / 3600} hours. It stays on this server, which keeps nothing of it.`;
  $("language-label").hidden = $("translate-label").hidden = english;
  $("english-only").hidden = !english;
  $("english-only").textContent = `${model} knows English alone. Another whisper_model, without “.en”, knows a hundred languages.`;
}

// --- The key ---------------------------------------------------------------------------------------

/** Resolve when the user has given a key that the server takes. */
function askForKey() {
  if (!state.keyGiven) {
    state.keyGiven = new Promise((resolve) => { $("key-form").done = resolve; });
    state.status = null;
    $("summary").textContent = "A key is needed.";
    $("summary").dataset.status = "degraded";
    $("columns").hidden = true;
    $("key-form").hidden = false;
    refuseKey(hasKey() ? WRONG_KEY : "");
  }
  return state.keyGiven;
}

function refuseKey(why) {
  useKey("");
  $("key-problem").hidden = !why;
  $("key-problem").textContent = why;
  $("key").value = "";
  $("key").focus();
}

async function giveKey(event) {
  event.preventDefault();
  useKey($("key").value.trim());
  try {
    await getStatus();
  } catch (error) {
    refuseKey(error.status === 401 ? WRONG_KEY : error.message);
    return;
  }
  $("key-form").hidden = true;
  $("columns").hidden = false;
  state.keyGiven = null;
  $("key-form").done();
  await updateStatus();
  $("choose").focus();
}

async function forgetKey() {
  useKey("");
  await updateStatus();
}

// --- A transcription -------------------------------------------------------------------------------

function options() {
  const english = state.status?.english_only;
  return {
    language: english ? "" : $("language").value,
    prompt: $("prompt").value.trim(),
    translate: !english && $("translate").checked,
  };
}

/** Transcribe a recording; seconds is how long it is, where that is known. */
async function work(blob, name, seconds) {
  if (state.work || state.recorder) {
    complain("One recording at a time: wait for this one, or cancel it.");
    return;
  }
  complain("");
  $("result").hidden = true;
  const { signal } = state.work = new AbortController();
  try {
    const problem = await whyNot(blob, name);
    if (problem) throw new Error(problem);
    show("work");
    $("name").textContent = name;
    view.clear();
    $("cancel").focus();
    play(blob);
    const began = performance.now();
    const length = seconds ?? (await playedSeconds());
    const answer = await untilAnswered(blob, name, length, signal);
    if (state.kept?.blob === blob) state.kept = null;
    finish(answer, name, (performance.now() - began) / 1000);
  } catch (error) {
    giveUp(error, { blob, name, seconds });
  } finally {
    state.work = null;
    updateStatus();
  }
}

async function whyNot(blob, name) {
  const most = state.status?.max_bytes;
  if (most && blob.size > most) return `${name} has ${bytes(blob.size)}; at most ${bytes(most)} are taken.`;
  if (!blob.size) return `${name} is empty.`;
  try {
    await blob.slice(0, 1).arrayBuffer();
  } catch {
    return `${name} cannot be read. Is it a folder?`;
  }
  return "";
}

async function untilAnswered(blob, name, seconds, signal) {
  for (let tries = 1; ; tries++) {
    const watch = watchWork(seconds);
    try {
      return await transcribe(blob, name, options(), { onUpload: watch.onUpload, signal });
    } catch (error) {
      if (error.status === 401) {
        await askForKey();
      } else if (tries < TRIES && passes(error)) {
        watch.stop();
        await pause(error, signal);
      } else {
        throw error;
      }
    } finally {
      watch.stop();
    }
  }
}

function passes(error) {
  return error instanceof ApiError && (error.status === 0 || PASSING.includes(error.code));
}

async function pause(error, signal) {
  const why = error.message.replace(/ Try again\.$/, "");
  for (let left = error.retryAfter || PAUSE_SECONDS; left > 0; left--) {
    phase(why, ` Trying again in ${left} s.`);
    await sleep(1);
    signal.throwIfAborted();
  }
}

// Tells how far an attempt is: what was sent is known, the rest is reckoned from the last hour.
function watchWork(seconds) {
  let sent = 0;
  let since = null;
  const tick = () => {
    if (sent < 1) phase("Uploading", `, ${Math.floor(sent * 100)} %`, sent);
    else since = inferencePhase(seconds, since);
    title(sent < 1 ? "Uploading" : "Transcribing");
  };
  const timers = [setInterval(tick, 250), setInterval(updateStatus, 1000 * WORK_STATUS_SECONDS)];
  tick();
  return { onUpload: (part) => { sent = part; }, stop: () => timers.forEach(clearInterval) };
}

function inferencePhase(seconds, since) {
  const other = waitingPhase(state.status);
  if (other) {
    phase(other);
    return null;
  }
  const began = since ?? performance.now();
  const factor = state.status ? meanFactor(state.status.last_hour.real_time_factor) : null;
  if (!factor || !Number.isFinite(seconds)) {
    phase("Transcribing");
    return began;
  }
  const expected = seconds * factor;
  const left = expected - (performance.now() - began) / 1000;
  if (left > 1) phase("Transcribing", `, about ${duration(Math.round(left))} left`, 1 - left / expected);
  else phase("Transcribing");
  return began;
}

function waitingPhase(status) {
  if (!status) return "Waiting for the server";
  if (status.whisper_server === "idle") return "Waking whisper-server";
  if (status.whisper_server === "unreachable") return "whisper-server restarts; the recording waits for it.";
  const { queue, decoding } = status;
  if (queue.waiting) return `In the queue: ${queue.running} running, ${queue.waiting} waiting`;
  return decoding?.running && !queue.running ? "Decoding" : "";
}

function finish(answer, name, took) {
  state.result = { answer, name: name.replace(/\.[^.]*$/, "") };
  const empty = !answer.segments.length;
  const code = Object.keys(state.languages).find((one) => state.languages[one] === answer.language);
  view.show(answer, code ?? "");
  const facts = [clock(answer.duration), answer.language && capital(answer.language), `done in ${duration(took)}`];
  if (answer.duration > took) facts.push(`${times(answer.duration / took)} faster than real time`);
  $("facts").textContent = facts.filter(Boolean).join(" · ");
  $("transcript").hidden = $("save").hidden = $("how").hidden = empty;
  title(document.hidden ? "Done" : "");
  $("result").hidden = false;
  show("drop");
  if (empty) complain("No speech was found in the recording.");
  else say("The transcript is there.");
  $("result-title").focus();
}

// A file can be chosen again; of what was spoken there is nothing else.
function giveUp(error, recording) {
  const spoken = !(recording.blob instanceof File);
  if (spoken && recording.blob.size) state.kept = recording;
  show("drop");
  title("");
  if (error.name !== "AbortError") complain(error.message);
  $(spoken && state.kept ? "again" : "choose").focus();
}

function tryAgain() {
  const { blob, name, seconds } = state.kept;
  work(blob, name, seconds);
}

function forgetRecording() {
  state.kept = null;
  show("drop");
  $("record").focus();
}

function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

// --- The recording ---------------------------------------------------------------------------------

function play(blob) {
  if ($("audio").src) URL.revokeObjectURL($("audio").src);
  $("audio").src = URL.createObjectURL(blob);
  $("audio").hidden = false;
  $("silent").hidden = true;
}

function cannotPlay() {
  $("audio").hidden = true;
  $("silent").hidden = false;
}

// How long the browser finds it; NaN where it cannot read it.
async function playedSeconds() {
  const audio = $("audio");
  const known = new Promise((resolve) => {
    for (const event of ["durationchange", "error"]) audio.addEventListener(event, resolve, { once: true });
  });
  await Promise.race([known, sleep(1)]);
  return audio.duration;
}

// What was recorded names no length; only at its end does the browser know it.
function findLength() {
  const audio = $("audio");
  if (audio.duration !== Infinity) return;
  audio.addEventListener("timeupdate", () => { audio.currentTime = 0; }, { once: true });
  audio.currentTime = Number.MAX_SAFE_INTEGER;
}

async function startRecording() {
  complain("");
  $("record").disabled = true;
  try {
    state.recorder = await record();
  } catch (error) {
    complain(microphoneProblem(error));
    return;
  } finally {
    $("record").disabled = false;
  }
  const { recorder } = state;
  if (state.work) { // begun while the browser asked whether it may
    state.recorder = null;
    await recorder.stop();
    return;
  }
  $("result").hidden = true;
  show("recording");
  title("Recording");
  $("stop").focus();
  recorder.began = performance.now();
  recorder.ended.then(() => stopRecording(recorder));
  drawLevel(recorder);
}

function recordedSeconds(recorder) {
  return (performance.now() - recorder.began) / 1000;
}

function drawLevel(recorder) {
  if (state.recorder !== recorder) return;
  $("level").firstElementChild.style.scale = `${recorder.level()} 1`;
  const time = clock(recordedSeconds(recorder));
  if ($("recorded").textContent !== time) $("recorded").textContent = time;
  requestAnimationFrame(() => drawLevel(recorder));
}

async function stopRecording(recorder = state.recorder) {
  if (!recorder || state.recorder !== recorder || recorder.seconds) return;
  recorder.seconds = recordedSeconds(recorder);
  const blob = await recorder.stop();
  state.recorder = null; // not before: another recording could begin, and this one had no place
  await work(blob, `recording-${new Date().toLocaleString("sv").replace(/\D+/g, "-")}.webm`, recorder.seconds);
}

async function discardRecording() {
  const { recorder } = state;
  state.recorder = null;
  await recorder?.stop();
  show("drop");
  title("");
  $("record").focus();
}

// --- Taking it along -------------------------------------------------------------------------------

function save(format) {
  const { type, make } = FORMATS[format];
  download(new Blob([make(state.result.answer)], { type }), `${state.result.name}.${format}`);
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function copy() {
  const done = await copied(state.result.answer.text);
  $("copy").textContent = done ? "Copied" : "Not copied";
  say(done ? "Copied" : "The browser does not let this page copy. Select the text instead.");
  setTimeout(() => { $("copy").textContent = "Copy"; }, 2000);
}

// Browsers give the clipboard to pages over HTTPS or on localhost only; others have the old way.
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

// --- Wiring ----------------------------------------------------------------------------------------

function take(files) {
  const [file] = files;
  if (file) work(file, file.name);
}

function dragged(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.toggle("over", event.type === "dragenter" || event.type === "dragover");
  if (event.type === "drop") take(event.dataTransfer.files);
}

function warnBeforeLeaving(event) {
  if (state.work || state.recorder || state.kept) event.preventDefault();
}

function on(id, event, listener) {
  $(id).addEventListener(event, listener);
}

function sleep(seconds) {
  return new Promise((resolve) => { setTimeout(resolve, 1000 * seconds); });
}

function wire() {
  on("choose", "click", () => $("file").click());
  on("file", "change", () => { take($("file").files); $("file").value = ""; });
  on("record", "click", startRecording);
  on("stop", "click", () => stopRecording());
  on("discard", "click", discardRecording);
  on("cancel", "click", () => state.work?.abort());
  on("again", "click", tryAgain);
  on("keep", "click", () => download(state.kept.blob, state.kept.name));
  on("forget-recording", "click", forgetRecording);
  on("copy", "click", copy);
  on("save", "click", ({ target }) => { if (target.dataset.format) save(target.dataset.format); });
  on("audio", "error", cannotPlay);
  on("audio", "loadedmetadata", findLength);
  on("key-form", "submit", giveKey);
  on("forget", "click", forgetKey);
  on("translate", "change", () => { $("language").disabled = $("translate").checked; });
  on("language", "change", () => browser?.setItem(LANGUAGE, $("language").value));
  for (const event of ["dragenter", "dragover", "dragleave", "drop"]) addEventListener(event, dragged);
  addEventListener("paste", ({ clipboardData }) => take(clipboardData.files));
  addEventListener("beforeunload", warnBeforeLeaving);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) title(""); });
}

function showMicrophone() {
  const why = whyNoMicrophone();
  $("record").hidden = $("microphone").hidden = Boolean(why);
  $("microphone").hidden = !why;
  $("microphone").textContent = why;
}

async function showLanguages() {
  state.languages = await getLanguages().catch(() => ({}));
  const named = Object.entries(state.languages).map(([code, name]) => new Option(capital(name), code));
  named.sort((one, other) => one.text.localeCompare(other.text));
  $("language").append(...named);
  $("language").value = browser?.getItem(LANGUAGE) ?? "";
}

function nameServer() {
  const local = /^(localhost|127\..*|\[::1\])$/.test(location.hostname);
  $("machine-title").textContent = local ? "This machine" : location.hostname;
}

wire();
nameServer();
showMicrophone();
showLanguages();
watchStatus();
