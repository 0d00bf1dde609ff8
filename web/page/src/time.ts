// Times as people read them, in their own locale and time zone.

const DAY_MS = 86_400_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const fullDay = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const anyDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** From microseconds since 1970. */
export function dateOf(timeUs: bigint): Date {
  return new Date(Number(timeUs / 1000n));
}

export function clockTime(timeUs: bigint): string {
  return clock.format(dateOf(timeUs));
}

export function exactTime(timeUs: bigint): string {
  return exact.format(dateOf(timeUs));
}

/** Days before today, by the calendar. */
function daysAgo(date: Date): number {
  const midnight = (d: Date): number => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  return Math.round((midnight(new Date()) - midnight(date)) / DAY_MS);
}

/** For a list: the time today, else the day. */
export function shortTime(timeUs: bigint): string {
  const date = dateOf(timeUs);
  const ago = daysAgo(date);
  if (ago <= 0) return clock.format(date);
  return ago < 7 ? weekday.format(date) : dayOfYear.format(date);
}

/** The line between two days. */
export function dayLine(timeUs: bigint): string {
  const date = dateOf(timeUs);
  const ago = daysAgo(date);
  if (ago <= 0) return "Today";
  if (ago === 1) return "Yesterday";
  return date.getFullYear() === new Date().getFullYear() ? fullDay.format(date) : anyDay.format(date);
}

export function isSameDay(one: bigint, other: bigint): boolean {
  return dateOf(one).toDateString() === dateOf(other).toDateString();
}

/** When somebody was last there. */
export function lastActive(timeUs: bigint): string {
  const date = dateOf(timeUs);
  const ago = daysAgo(date);
  if (Date.now() - date.getTime() < 90_000) return "active just now";
  if (ago <= 0) return `last active at ${clock.format(date)}`;
  if (ago === 1) return `last active yesterday at ${clock.format(date)}`;
  return `last active on ${dayOfYear.format(date)}`;
}
