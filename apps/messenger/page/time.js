// Times in the reader's own language and zone.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const DAY_AND_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

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
