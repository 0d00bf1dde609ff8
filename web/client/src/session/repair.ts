// Gaps: a push that does not follow what is held.
//
// Promises: nothing after a gap is reported before the gap is closed by `History`; what is pushed meanwhile waits within
// a bound, and beyond it is dropped and fetched as well. Never asks again without a pause when the answer does not help.

import type { Entries } from "../gen/chat/v1/chat_pb.ts";
import { type Conversation, keyOf, type Seq, toWire } from "../ids.ts";
import type { Core } from "./core.ts";
import type { Source } from "./event.ts";
import { lastSeq } from "./tracks.ts";

/** The most that one `History` may ask for, by the protocol. */
const HISTORY_LIMIT = 200;

/** The pause before a gap is asked for again after an answer that did not help. */
const REPAIR_PAUSE_MS = 1_000;

/** What is known of the other side of a gap. */
export class Gap {
  /** The `History` on the wire. */
  requestId: bigint | undefined;
  notBefore = 0;
  /** The highest seq that was pushed; the gap is closed when the cursor is here. */
  target: Seq = 0n;
  readonly waiting: Entries[] = [];
  #waitingEntries = 0;

  /** Keeps a run until the gap is closed; false when there is no room for it. */
  hold(run: Entries, entriesMax: number): boolean {
    if (lastSeq(run) > this.target) this.target = lastSeq(run);
    if (this.#waitingEntries + cost(run) > entriesMax) return false;
    this.#waitingEntries += cost(run);
    this.waiting.push(run);
    return true;
  }

  /** The next run, if `take` wants it. */
  release(take: (run: Entries) => boolean): boolean {
    const run = this.waiting[0];
    if (!run || !take(run)) return false;
    this.waiting.shift();
    this.#waitingEntries -= cost(run);
    return true;
  }
}

/** An empty run counts as one, so that the number of runs is bounded too. */
function cost(run: Entries): number {
  return Math.max(run.entries.length, 1);
}

/** Hands entries that have moved the cursor to the application. */
export type Report = (run: Entries, duplicates: number, source: Source) => void;

/** Holds a run that came too early, and asks for what is before it. */
export function holdBehindGap(core: Core, conversation: Conversation, run: Entries): void {
  const track = core.tracks.entry(conversation);
  const opened = track.gap === undefined;
  track.gap ??= new Gap();
  if (!track.gap.hold(run, core.config.bufferedEntriesMax)) core.stats.droppedBuffered += run.entries.length;
  if (opened) queue(core, conversation);
}

/** Puts `History` requests on the wire, at most `room` of them; returns how many. */
export function transmitRepairs(core: Core, nowMs: number, room: number): number {
  let sent = 0;
  for (const conversation of core.repairs.splice(0)) {
    const track = core.tracks.get(conversation);
    const gap = track?.gap;
    if (!track || !gap) continue;
    if (gap.notBefore > nowMs || sent === room) {
      if (gap.notBefore > nowMs) core.timers.setEarliest("repair", gap.notBefore);
      core.repairs.push(conversation);
      continue;
    }
    const id = core.takeRequestId();
    gap.requestId = id;
    core.repairsInFlight.set(id, conversation);
    sent += 1;
    const value = {
      conversation: toWire(conversation),
      position: { case: "afterSeq", value: track.cursor },
      limit: HISTORY_LIMIT,
      raw: true, // As they would have been pushed.
    } as const;
    core.write(nowMs, id, { case: "history", value });
  }
  return sent;
}

/** The conversation whose gap a reply is about; the request is then over. */
export function takeRepair(core: Core, requestId: bigint): Conversation | undefined {
  const conversation = core.repairsInFlight.get(requestId);
  if (!conversation) return undefined;
  core.repairsInFlight.delete(requestId);
  const gap = core.tracks.get(conversation)?.gap;
  // A reset may have opened another gap since.
  if (gap?.requestId !== requestId) return undefined;
  gap.requestId = undefined;
  return conversation;
}

/** A part of the gap came: report it, then what waited behind it as far as it follows. */
export function handleRepair(core: Core, nowMs: number, conversation: Conversation, run: Entries, report: Report): void {
  const track = core.tracks.get(conversation);
  if (!track) return;
  const before = track.cursor;
  const verdict = track.advance(run);
  if (verdict !== "gap") {
    core.stats.repairedEntries += run.entries.length - verdict.duplicates;
    report(run, verdict.duplicates, "repair");
  }
  const takeWaiting = (waiting: Entries): boolean => {
    const follows = track.advance(waiting);
    if (follows === "gap") return false;
    report(waiting, follows.duplicates, "live");
    return true;
  };
  while (track.gap?.release(takeWaiting));
  if (track.gap && track.cursor >= track.gap.target) {
    track.gap = undefined;
    core.stats.repairedGaps += 1;
  } else {
    postponeRepair(core, conversation, nowMs + (track.cursor > before ? 0 : REPAIR_PAUSE_MS));
  }
}

/** Asks for the gap again at `atMs`. */
export function postponeRepair(core: Core, conversation: Conversation, atMs: number): void {
  const gap = core.tracks.get(conversation)?.gap;
  if (!gap) return;
  gap.notBefore = atMs;
  queue(core, conversation);
}

/** The server will not tell: this user is no member any more. What waited cannot be reported. */
export function abandonRepair(core: Core, conversation: Conversation): void {
  const track = core.tracks.get(conversation);
  if (track) track.gap = undefined;
}

/** Forgets all gaps: the sync after the next login begins at the cursors. */
export function forgetRepairs(core: Core): void {
  core.repairs = [];
  core.repairsInFlight.clear();
  for (const track of core.tracks.values()) track.gap = undefined;
}

function queue(core: Core, conversation: Conversation): void {
  const key = keyOf(conversation);
  if (!core.repairs.some((queued) => keyOf(queued) === key)) core.repairs.push(conversation);
}
