// Continuing the logs: `Sync` after each login and after a reset, and the run of entries that follows.
//
// Promises: every conversation with a cursor is named once after each login, in pages, and `synced` is reported once,
// when all of them have been answered.

import type { ConversationState, Cursor, Entries, Synced } from "../gen/chat/v1/chat_pb.ts";
import { type Conversation, fromWire, type Seq } from "../ids.ts";
import type { Core } from "./core.ts";
import { ProtocolError } from "./errors.ts";
import type { Source } from "./event.ts";
import { noteReceived } from "./receipts.ts";
import { holdBehindGap } from "./repair.ts";
import { checkContiguous, lastSeq } from "./tracks.ts";

/** The most cursors of one `Sync`, by the protocol. */
const CURSORS_MAX = 1_000;

/** More than one encoded cursor takes. */
const CURSOR_BYTES_MAX = 48;

/** The syncs of one login. */
export interface Syncing {
  /** Requests on the wire. */
  readonly open: Set<bigint>;
  /** What they have answered; bounded by `conversationsMax`. */
  readonly states: ConversationState[];
  /** The page that names the others is still to go. */
  lastDue: boolean;
}

/** The conversation that a frame of the server names. */
export function named(wire: Parameters<typeof fromWire>[0]): Conversation {
  const conversation = fromWire(wire);
  if (!conversation) throw new ProtocolError("a conversation without a name");
  return conversation;
}

/** Names all cursors anew; the pages go out as there is room. */
export function beginSync(core: Core): void {
  for (const track of core.tracks.values()) track.syncWanted = track.named;
  core.syncing = { open: new Set(), states: [], lastDue: true };
}

/** Puts `Sync` pages on the wire, at most `room` of them; returns how many. */
export function transmitSyncs(core: Core, nowMs: number, room: number): number {
  let sent = 0;
  while (core.syncing && sent < room) {
    const { cursors, more } = takeCursors(core);
    if (cursors.length === 0 && !core.syncing.lastDue) break;
    const includeOthers = !more && core.syncing.lastDue;
    if (includeOthers) core.syncing.lastDue = false;
    const id = core.takeRequestId();
    core.syncing.open.add(id);
    core.write(nowMs, id, { case: "sync", value: { cursors, includeOthers } });
    sent += 1;
  }
  return sent;
}

/** The next page of cursors. */
function takeCursors(core: Core): { cursors: Cursor[]; more: boolean } {
  const page = Math.min(Math.max(Math.floor(core.limits.frameBytesMax / CURSOR_BYTES_MAX), 1), CURSORS_MAX);
  const cursors: Cursor[] = [];
  for (const track of core.tracks.values()) {
    if (!track.syncWanted) continue;
    if (cursors.length === page) return { cursors, more: true };
    track.syncWanted = false;
    cursors.push(track.toCursor());
  }
  return { cursors, more: false };
}

export function handleSynced(core: Core, requestId: bigint, synced: Synced): void {
  for (const state of synced.conversations) core.noteHead(named(state.conversation), state.logId, state.head);
  if (!core.syncing) throw new ProtocolError("Synced without a sync");
  core.syncing.states.push(...synced.conversations);
  if (core.syncing.states.length > 2 * core.config.conversationsMax) throw new ProtocolError("too many conversations");
  if (!synced.more) closeSync(core, requestId);
}

/** A `Sync` is over; reports `synced` when it was the last one. */
function closeSync(core: Core, requestId: bigint): void {
  const syncing = core.syncing;
  if (!syncing) return;
  syncing.open.delete(requestId);
  const wanted = Array.from(core.tracks.values()).some((track) => track.syncWanted);
  if (syncing.open.size > 0 || syncing.lastDue || wanted) return;
  core.syncing = undefined;
  core.emit({ type: "synced", states: syncing.states });
}

/** Names one conversation in a further sync. */
export function syncAgain(core: Core, conversation: Conversation): void {
  core.tracks.entry(conversation).syncWanted = true;
  core.syncing ??= { open: new Set(), states: [], lastDue: false };
}

/** A push of entries, or a page of a sync. */
export function handleEntries(core: Core, nowMs: number, run: Entries): void {
  checkContiguous(run);
  const conversation = named(run.conversation);
  const track = core.tracks.entry(conversation);
  if (track.logId === 0) {
    track.logId = run.logId;
  } else if (track.logId !== run.logId) {
    const last = lastSeq(run);
    resetLog(core, conversation, run.logId, run.floor, last > run.head ? last : run.head);
    syncAgain(core, conversation);
  }
  const verdict = track.advance(run);
  if (verdict === "gap") holdBehindGap(core, conversation, run);
  else report(core, nowMs, conversation, run, verdict.duplicates, run.skipFromSeq === undefined ? "live" : "catchUp");
}

/** Hands entries that have moved the cursor to the application. */
export function report(
  core: Core,
  nowMs: number,
  conversation: Conversation,
  run: Entries,
  duplicates: number,
  source: Source,
): void {
  core.stats.droppedDuplicates += duplicates;
  const entries = run.entries.slice(duplicates);
  if (entries.length === 0) return;
  noteReceived(core, nowMs, conversation, entries.length);
  core.emit({ type: "entries", conversation, logId: run.logId, entries, source });
}

/** The log is not the one that the cursor belongs to: begin it again, and tell. */
export function resetLog(core: Core, conversation: Conversation, logId: number, floor: Seq, head: Seq): void {
  core.tracks.entry(conversation).reset(logId, head);
  if (core.me !== undefined) core.outbox.forgetAfterSeq(conversation, core.me);
  core.emit({ type: "logReset", conversation, logId, floor, head });
}
