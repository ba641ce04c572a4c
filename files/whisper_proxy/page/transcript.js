// The transcript that can be read, and played from each word.

import { clock } from "./text.js";

// Words' times are in hundredths of a second.
const CLOSE = 0.005;

/** Show a verbose_json answer in an element, whose words play `audio`. */
export class TranscriptView {
  constructor(element, audio) {
    this.element = element;
    this.audio = audio;
    this.clear();
    element.addEventListener("click", (event) => this.#play(event.target));
    element.addEventListener("keydown", (event) => this.#key(event));
    audio.addEventListener("timeupdate", () => this.#follow());
    audio.addEventListener("playing", () => this.#run());
  }

  clear() {
    this.show({ segments: [] }, "");
  }

  show(answer, code) {
    const words = [...(answer.words ?? [])].reverse(); // four hours have 40,000, taken off its end
    this.element.replaceChildren(...answer.segments.map((one) => segmentRow(one, words)));
    this.element.lang = code;
    this.words = [...this.element.querySelectorAll(".word")];
    this.starts = this.words.map((word) => Number(word.dataset.start));
    this.now = null;
    if (this.words[0]) this.words[0].tabIndex = 0;
  }

  #play(target) {
    const start = target.closest("[data-start]")?.dataset.start;
    if (start === undefined || !this.audio.src || !getSelection().isCollapsed) return;
    if (target.matches(".word")) this.#focus(target);
    this.audio.currentTime = Number(start) + CLOSE;
    this.audio.play().catch(() => {}); // it cannot be played, which the page says beside it
  }

  // One stop of the Tab key for all words; the arrows go from one to the next.
  #key(event) {
    const at = this.words.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") this.#play(event.target);
    else if (!this.#move(event.key, at)) return;
    event.preventDefault();
  }

  #move(key, at) {
    const last = this.words.length - 1;
    const there = {
      ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last,
      ArrowDown: this.#beside(at, 1), ArrowUp: this.#beside(at, -1),
    }[key];
    if (there === undefined) return false;
    this.#focus(this.words[Math.min(last, Math.max(0, there))]);
    return true;
  }

  // The first word of the next segment that has any, or of the one before.
  #beside(at, step) {
    let row = this.words[at].closest(".segment");
    do row = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    while (row && !row.querySelector(".word"));
    return row ? this.words.indexOf(row.querySelector(".word")) : at;
  }

  #focus(word) {
    this.element.querySelector(".word[tabindex='0']")?.setAttribute("tabindex", "-1");
    word.tabIndex = 0;
    word.focus();
  }

  #run() {
    cancelAnimationFrame(this.frame); // it plays from elsewhere now: one of these is enough
    this.#follow();
    if (!this.audio.paused) this.frame = requestAnimationFrame(() => this.#run());
  }

  #follow() {
    const word = this.audio.currentTime ? this.words[this.#at(this.audio.currentTime)] : null;
    if (word === this.now) return;
    this.now?.classList.remove("now");
    word?.classList.add("now");
    this.now = word;
  }

  // The last word that has begun by then.
  #at(time) {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function segmentRow(segment, words) {
  const row = document.createElement("div");
  row.className = "segment";
  const time = document.createElement("button");
  time.className = "time";
  time.dataset.start = segment.start;
  time.textContent = clock(segment.start);
  time.setAttribute("aria-label", `Play from ${clock(segment.start)}`);
  const text = document.createElement("p");
  text.dir = "auto";
  text.append(...pieces(segment, words));
  row.append(time, text);
  return row;
}

// The segment's own text, in which each word of its time is an element. Takes those from `words`.
function pieces(segment, words) {
  const text = segment.text.trim();
  const found = [];
  let at = 0;
  while (words.length && words.at(-1).start < segment.end - CLOSE) {
    const { word, start } = words.pop();
    const place = text.indexOf(word, at);
    if (place < 0) continue; // it was split between segments
    found.push(text.slice(at, place), wordElement(word, start));
    at = place + word.length;
  }
  return [...found, text.slice(at)];
}

function wordElement(word, start) {
  const element = document.createElement("span");
  element.className = "word";
  element.dataset.start = start;
  element.tabIndex = -1;
  element.textContent = word;
  return element;
}
