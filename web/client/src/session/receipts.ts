// The marks of this device: what it holds, and what its person has seen.
//
// Promises: received entries are acknowledged in batches; marks only rise, and the last ones are repeated after each
// login, so that one lost with a connection is made good.

import { type Conversation, type Seq, toWire } from "../ids.ts";
import type { Core } from "./core.ts";

/** The person has seen `conversation` up to `seq`. */
export function read(core: Core, nowMs: number, conversation: Conversation, seq: Seq): void {
  const track = core.tracks.entry(conversation);
  if (seq <= track.read) return;
  track.read = seq;
  if (core.link.isReady) writeRead(core, nowMs, conversation, seq);
}

/** Counts entries that the device holds from now on. */
export function noteReceived(core: Core, nowMs: number, conversation: Conversation, entries: number): void {
  core.tracks.entry(conversation).unacknowledged = true;
  core.unacknowledgedEntries += entries;
  if (!core.timers.isSet("delivered")) core.timers.set("delivered", nowMs + core.config.deliveredIntervalMs);
  if (core.unacknowledgedEntries >= core.config.deliveredEntries) acknowledge(core, nowMs);
}

/** Acknowledges what was received, without waiting for the interval. */
export function acknowledge(core: Core, nowMs: number): void {
  if (!core.link.isReady) return; // The next login repeats all marks.
  core.timers.clear("delivered");
  core.unacknowledgedEntries = 0;
  for (const track of core.tracks.values()) {
    if (!track.unacknowledged) continue;
    track.unacknowledged = false;
    writeDelivered(core, nowMs, track.conversation, track.cursor);
  }
}

/** After a login: what may have been lost with the connection before. */
export function repeatMarks(core: Core, nowMs: number): void {
  core.timers.clear("delivered");
  core.unacknowledgedEntries = 0;
  for (const track of core.tracks.values()) {
    track.unacknowledged = false;
    // `Read` implies `Delivered`.
    if (track.cursor > track.read) writeDelivered(core, nowMs, track.conversation, track.cursor);
    if (track.read > 0n) writeRead(core, nowMs, track.conversation, track.read);
  }
}

function writeDelivered(core: Core, nowMs: number, conversation: Conversation, upToSeq: Seq): void {
  core.write(nowMs, 0n, { case: "delivered", value: { conversation: toWire(conversation), upToSeq } });
}

function writeRead(core: Core, nowMs: number, conversation: Conversation, upToSeq: Seq): void {
  core.write(nowMs, 0n, { case: "read", value: { conversation: toWire(conversation), upToSeq } });
}
