// Numbers and times as people read them.

const HOUR = 3600;

/** Seconds as a clock shows them: 0:07, 12:30, 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / HOUR);
  const minutes = Math.floor((whole % HOUR) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Seconds with their unit: 0.4 s, 12 s, 3 min. */
export function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** A number of bytes: 340 KiB, 12 MiB, 15.9 GiB, each 1024 times the one before. */
export function bytes(count) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; count >= 1023.5 && unit < units.length - 1; unit++) count /= 1024;
  const shown = unit && count < 9.95 ? count.toFixed(1).replace(/\.0$/, "") : Math.round(count);
  return `${shown} ${units[unit]}`;
}

/** How many times faster than speech: 0.7×, 4.2×, 48×. */
export function times(factor) {
  return `${factor < 9.95 ? factor.toFixed(1) : Math.round(factor)}×`;
}

/** A count with its noun: 1 request, 3 requests. */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
