// Where this device stands in each log: the cursors, and the rule by which entries move them.
//
// Promises: what passes is reported once, in order, without a gap. Never does a cursor move by anything but the rule in
// `chat.proto` (at `Entries`), a restored cursor, or a reset of the log.

import { create } from "@bufbuild/protobuf";
import { type Cursor, CursorSchema, type Entries } from "../gen/chat/v1/chat_pb.ts";
import { type Conversation, type ConversationKey, keyOf, type Seq, toWire } from "../ids.ts";
import { ProtocolError } from "./errors.ts";
import type { Gap } from "./repair.ts";

/** What the rule says of a run: how many entries at its front are held already; or that something before it is missing. */
export type Verdict = { readonly duplicates: number } | "gap";

/** One conversation. */
export class Track {
  readonly conversation: Conversation;
  /** 0: not known. */
  logId = 0;
  /** The next `Sync` has to name it. */
  syncWanted = false;
  /** It has a cursor of its own; the server need not choose where to begin. */
  named = false;
  /** Entries came since the last `Delivered`. */
  unacknowledged = false;
  /** The highest contiguous seq reported. */
  cursor: Seq = 0n;
  /** The highest seq heard of. */
  head: Seq = 0n;
  /** The person's mark. */
  read: Seq = 0n;
  /** What waits behind a gap. */
  gap: Gap | undefined;

  constructor(conversation: Conversation) {
    this.conversation = conversation;
  }

  /** Moves the cursor over a run that {@link checkContiguous} has passed. */
  advance(run: Entries): Verdict {
    const last = lastSeq(run);
    this.raiseHead(last > run.head ? last : run.head);
    let held = 0n;
    if (run.afterSeq <= this.cursor) held = this.cursor - run.afterSeq;
    else if (run.skipFromSeq === undefined || run.skipFromSeq > this.cursor) return "gap";
    if (last > this.cursor) this.cursor = last;
    this.named = true;
    const length = BigInt(run.entries.length);
    return { duplicates: Number(held < length ? held : length) };
  }

  raiseHead(seq: Seq): void {
    if (seq > this.head) this.head = seq;
  }

  /** The log began anew: whatever was known of its numbers is void. */
  reset(logId: number, head: Seq): void {
    this.logId = logId;
    this.cursor = 0n;
    this.head = head;
    this.read = 0n;
    this.gap = undefined;
    this.named = true;
    this.unacknowledged = false;
  }

  toCursor(): Cursor {
    return create(CursorSchema, { conversation: toWire(this.conversation), logId: this.logId, seq: this.cursor });
  }
}

/** The seq up to which a run tells everything. */
export function lastSeq(run: Entries): Seq {
  return run.afterSeq + BigInt(run.entries.length);
}

/** The first entry is `afterSeq + 1`, and each is one more than the one before. */
export function checkContiguous(run: Entries): void {
  let expected = run.afterSeq;
  for (const entry of run.entries) {
    expected += 1n;
    if (entry.seq !== expected) throw new ProtocolError(`entry ${entry.seq} where ${expected} must be`);
  }
}

/** All conversations of a session, by name. */
export class Tracks {
  readonly #tracks = new Map<ConversationKey, Track>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(conversation: Conversation): Track | undefined {
    return this.#tracks.get(keyOf(conversation));
  }

  /** The conversation's place, made if need be. Throws {@link ProtocolError} when it would be one too many. */
  entry(conversation: Conversation): Track {
    const key = keyOf(conversation);
    const found = this.#tracks.get(key);
    if (found) return found;
    if (this.#tracks.size >= this.#max) throw new ProtocolError(`more than ${this.#max} conversations`);
    const made = new Track(conversation);
    this.#tracks.set(key, made);
    return made;
  }

  values(): Iterable<Track> {
    return this.#tracks.values();
  }
}
