// The transcript as files, from verbose_json: the same as the API's own text, srt and vtt.

function timestamp(seconds, mark) {
  const all = Math.round(seconds * 1000);
  const parts = [all / 3600000, (all / 60000) % 60, (all / 1000) % 60];
  const clock = parts.map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
  return `${clock}${mark}${String(all % 1000).padStart(3, "0")}`;
}

// A blank line would end the cue, and an arrow would begin another.
function line(text) {
  return text.trim().split(/\s+/).join(" ").replace(/(?<!-)-{2,}>/g, "->");
}

function cues(answer, mark) {
  const spoken = answer.segments.filter((segment) => line(segment.text));
  return spoken.map(({ start, end, text }) =>
    `${timestamp(start, mark)} --> ${timestamp(end, mark)}\n${line(text)}\n\n`);
}

export const FORMATS = {
  txt: { type: "text/plain", make: (answer) => `${answer.text}\n` },
  srt: {
    type: "application/x-subrip",
    make: (answer) => cues(answer, ",").map((cue, index) => `${index + 1}\n${cue}`).join(""),
  },
  vtt: { type: "text/vtt", make: (answer) => `WEBVTT\n\n${cues(answer, ".").join("")}` },
  json: { type: "application/json", make: (answer) => `${JSON.stringify(answer, null, 2)}\n` },
};
