// Times in the reader's own language and zone.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const SHORT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const DAY_AND_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const DAY_MS = 24 * 3600_000;

export const clock = (at) => CLOCK.format(at);
export const fullTime = (at) => FULL.format(at);

export function isSameDay(a, b) {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

export function dayName(at) {
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (isSameDay(at, today)) return "Today";
  if (isSameDay(at, yesterday)) return "Yesterday";
  return (new Date(at).getFullYear() === today.getFullYear() ? DAY : DAY_AND_YEAR).format(at);
}

// As short as a list wants it: a clock today, a weekday this week, a date before.
export function briefTime(at) {
  if (isSameDay(at, Date.now())) return clock(at);
  return (Date.now() - at < 6 * DAY_MS ? WEEKDAY : SHORT).format(at);
}

export function ago(at) {
  const minutes = Math.round((at - Date.now()) / 60_000);
  if (minutes > -1) return "just now";
  if (minutes > -60) return AGO.format(minutes, "minute");
  if (minutes > -24 * 60) return AGO.format(Math.round(minutes / 60), "hour");
  if (minutes > -30 * 24 * 60) return AGO.format(Math.round(minutes / 60 / 24), "day");
  return SHORT.format(at);
}
