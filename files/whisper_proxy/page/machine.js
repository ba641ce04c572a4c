// How the server is: its parts, and the last hour as small charts.

import { bytes, count, duration, times } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 32;
const SHORTEST_WAIT = 0.05; // what is shown as 0.1 s
const BACKENDS = { hip: "HIP", vulkan: "Vulkan" };
const STATES = { ok: "Ready", degraded: "Limited", unavailable: "Not available" };

/** What is shown of /status, in one line. */
export function summary({ status, model, device }) {
  return `${STATES[status] ?? status} · ${model}${device ? ` on ${named(device)}` : ""}`;
}

/** Show /status: its parts, its charts, and a pool's members. */
export function showMachine(status) {
  const reason = document.getElementById("reason");
  reason.hidden = !status.reason;
  reason.textContent = status.reason ?? "";
  document.getElementById("parts").replaceChildren(...rows(status).flatMap(row));
  document.getElementById("charts").replaceChildren(...charts(status.last_hour));
  showMembers(status.pool?.members ?? []);
}

function row([name, value]) {
  const term = document.createElement("dt");
  const detail = document.createElement("dd");
  term.textContent = name;
  detail.textContent = value;
  return [term, detail];
}

function rows(status) {
  const { gpu } = status;
  return [
    ["Device", status.device && named(status.device)],
    ["Backend", backend(status)],
    ["Model", status.model],
    ["whisper.cpp", status.whisper_version],
    ["Proxy", status.version],
    ["Generation", status.generation],
    ["Queue", queued(status.queue)],
    ["Power", gpu?.watts == null ? null : `${Math.round(gpu.watts)} W`],
    ["Load", gpu?.busy == null ? null : `${gpu.busy} %`],
    ["GPU memory", memory(gpu)],
    ["whisper-server", idle(status)],
  ].filter(([, value]) => value != null && value !== "");
}

function queued({ running, waiting, limit }) {
  if (waiting >= limit) return `full: ${waiting} waiting`;
  return running + waiting ? `${running} running, ${waiting} waiting` : "empty";
}

// A GPU's name without what stands behind it: architecture, memory and address.
function named(device) {
  return device.replace(/ \(.*$/, "");
}

function backend({ backend: name, in_use: inUse }) {
  if (name === "cpu") return null; // which is the device's name
  const shown = BACKENDS[name] ?? name;
  return inUse === "cpu" ? `${shown}, but it runs on the CPU` : shown;
}

function memory(gpu) {
  if (gpu?.memory_used == null) return null;
  const total = gpu.memory_total == null ? "" : ` of ${bytes(gpu.memory_total)}`;
  return `${bytes(gpu.memory_used)}${total}`;
}

function idle({ whisper_server: state, wake_seconds: seconds }) {
  if (state !== "idle") return state === "ready" ? null : state;
  return `idle; wakes with the next request${seconds ? `, in ${duration(seconds)}` : ""}`;
}

function charts(hour) {
  return [requestsChart(hour), waitChart(hour), speedChart(hour)];
}

function requestsChart({ requests, failed }) {
  const all = sum(requests);
  const bad = sum(failed);
  const figure = bad ? `${all}, ${bad} failed` : `${all}`;
  return chart("Requests", figure, requests, failed, (at) =>
    `${count(requests[at], "request")}${failed[at] ? `, ${failed[at]} failed` : ""}`);
}

function waitChart({ longest_wait: waits }) {
  const felt = waits.map((wait) => (wait < SHORTEST_WAIT ? 0 : wait));
  const most = Math.max(...felt);
  const figure = most ? duration(most) : "none";
  return chart("Longest wait", figure, felt, [], (at) => duration(waits[at] ?? 0));
}

function speedChart({ real_time_factor: factors }) {
  const mean = meanFactor(factors);
  const speeds = factors.map((factor) => (factor ? 1 / factor : null));
  const figure = mean ? `${times(1 / mean)} real time` : "none";
  const about = mean ? `real-time factor ${mean.toPrecision(2)}` : "";
  return chart("Speed", figure, speeds, [], (at) => (speeds[at] ? times(speeds[at]) : "none"), about);
}

/** The mean real-time factor of the minutes that have one: seconds of inference a second; or null. */
export function meanFactor(factors) {
  const known = factors.filter((factor) => factor != null);
  return known.length ? sum(known) / known.length : null;
}

function sum(values) {
  return values.reduce((total, value) => total + (value ?? 0), 0);
}

// A title with its figure, and a bar for each minute; what failed is the bar's striped lower part.
function chart(title, figure, values, failed, describe, about = "") {
  const element = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.append(part("span", title), part("strong", figure), part("small", about));
  element.append(caption, bars(values, failed, describe, `${title} in the last hour: ${figure}`));
  return element;
}

function part(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function bars(values, failed, describe, label) {
  const svg = shape("svg", { viewBox: `0 0 ${values.length} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  svg.setAttribute("aria-label", label);
  const most = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  values.forEach((value, at) => {
    const height = value ? Math.max(1.5, (value / most) * (HEIGHT - 1)) : 0;
    const bad = value && failed[at] ? (failed[at] / value) * height : 0;
    svg.append(minute(at, height, bad, `${ago(values.length - 1 - at)}: ${describe(at)}`));
  });
  svg.append(shape("path", { d: `M0 ${HEIGHT}H${values.length}`, class: "base" }));
  return svg;
}

function minute(at, height, bad, title) {
  const group = shape("g", {});
  const top = HEIGHT - height;
  group.append(
    shape("rect", { x: at, y: 0, width: 1, height: HEIGHT, class: "room" }),
    shape("rect", { x: at + 0.1, y: top, width: 0.8, height: height - bad, class: "bar" }),
    shape("rect", { x: at + 0.1, y: HEIGHT - bad, width: 0.8, height: bad, class: "failed" }),
    Object.assign(shape("title", {}), { textContent: title }),
  );
  return group;
}

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function ago(minutes) {
  return minutes ? `${count(minutes, "minute")} ago` : "this minute";
}

function showMembers(members) {
  const box = document.getElementById("members");
  box.hidden = !members.length;
  box.querySelector("ul").replaceChildren(...members.map(({ name, state, running, waiting }) =>
    part("li", `${name}: ${state}, ${running} running, ${waiting} waiting`)));
}
