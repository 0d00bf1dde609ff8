// What a stretch of a log amounts to: messages in their newest form, reactions, and the changes that are worth a line.
//
// A pure structure. Entries go in as they were written (`History.raw`, or as pushed), newer ones at the end and older
// ones before. Promises: the same entries give the same timeline on every device; an entry twice changes nothing; what
// refers to a message that is not held changes nothing, until the message is.

import { type Entry, type Event, EventType, GoneReason } from "./gen/chat/v1/chat_pb.ts";
import type { Seq, UserId } from "./ids.ts";

/** A message in its newest form. */
export interface Message {
  readonly kind: "message";
  readonly seq: Seq;
  readonly sender: UserId;
  readonly deviceId: bigint;
  /** The sender's name for it. */
  readonly clientMessageId: Uint8Array;
  /** Microseconds since 1970, UTC. */
  readonly timeUs: bigint;
  body: Uint8Array;
  contentType: string;
  /** The entry that this one answers; 0: none. */
  readonly replyToSeq: Seq;
  edited: boolean;
  /** Why the body is gone, when it is. */
  gone: "revoked" | "expired" | undefined;
  /** Who reacted with what, in the order of the first of each. */
  readonly reactions: Map<string, Set<UserId>>;
}

/** A change of the conversation that people are shown. */
export interface Change {
  readonly kind: "change";
  readonly seq: Seq;
  readonly sender: UserId;
  readonly timeUs: bigint;
  readonly event: ShownEvent;
}

export type ShownEvent = Exclude<
  Event["event"],
  { case: undefined } | { case: "messageEdited" } | { case: "messageRevoked" } | { case: "messageReacted" }
>;

export type Item = Message | Change;

export class Timeline {
  #entries: Entry[] = [];
  #items: Item[] = [];
  readonly #messages = new Map<Seq, Message>();

  /** What is shown, in order. */
  get items(): readonly Item[] {
    return this.#items;
  }

  /** The lowest seq that is held; `undefined` when nothing is. */
  get first(): Seq | undefined {
    return this.#entries[0]?.seq;
  }

  /** The highest seq that is held; 0 when nothing is. */
  get last(): Seq {
    return this.#entries.at(-1)?.seq ?? 0n;
  }

  get lastItem(): Item | undefined {
    return this.#items.at(-1);
  }

  message(seq: Seq): Message | undefined {
    return this.#messages.get(seq);
  }

  /** Adds newer entries, ascending; those that are not newer are passed over. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.seq <= this.last) continue;
      this.#entries.push(entry);
      this.#fold(entry);
    }
  }

  /** Adds older entries, ascending; those that are not older are passed over. */
  prepend(entries: readonly Entry[]): void {
    const first = this.first;
    const older = first === undefined ? entries : entries.filter((entry) => entry.seq < first);
    if (older.length > 0) this.#refold([...older, ...this.#entries]);
  }

  /** Keeps the newest `count` entries, to bound memory. */
  trim(count: number): void {
    if (this.#entries.length > count) this.#refold(this.#entries.slice(-count));
  }

  clear(): void {
    this.#refold([]);
  }

  #refold(entries: Entry[]): void {
    this.#entries = entries;
    this.#items = [];
    this.#messages.clear();
    for (const entry of entries) this.#fold(entry);
  }

  #fold(entry: Entry): void {
    if (entry.eventType === EventType.USER || entry.eventType === EventType.GONE) {
      // An edit whose message was revoked loses its body, too, and is no message for that.
      if (entry.event?.event.case === undefined) this.#addMessage(entry);
      return;
    }
    const event = entry.event?.event;
    if (entry.eventType !== EventType.APPLICATION || event?.case === undefined) return;
    switch (event.case) {
      case "messageEdited":
        return this.#edit(event.value.seq, event.value.body, event.value.contentType);
      case "messageRevoked":
        return this.#revoke(event.value.seq);
      case "messageReacted":
        return this.#react(event.value.seq, entry.sender, event.value.emoji, event.value.removed);
      default:
        this.#items.push({ kind: "change", seq: entry.seq, sender: entry.sender, timeUs: entry.timeUs, event });
    }
  }

  #addMessage(entry: Entry): void {
    const { seq, sender, deviceId, clientMessageId, timeUs, body, contentType, replyToSeq } = entry;
    const isGone = entry.eventType === EventType.GONE;
    const reason = entry.goneReason === GoneReason.EXPIRED ? "expired" : "revoked";
    const message: Message = {
      kind: "message",
      seq,
      sender,
      deviceId,
      clientMessageId,
      timeUs,
      body,
      contentType,
      replyToSeq,
      edited: entry.edited !== undefined,
      gone: isGone ? reason : undefined,
      reactions: new Map(),
    };
    this.#items.push(message);
    this.#messages.set(seq, message);
  }

  #edit(seq: Seq, body: Uint8Array, contentType: string): void {
    const message = this.#messages.get(seq);
    if (!message || message.gone) return;
    message.body = body;
    message.contentType = contentType;
    message.edited = true;
  }

  #revoke(seq: Seq): void {
    const message = this.#messages.get(seq);
    if (!message) return;
    message.gone ??= "revoked";
    message.body = new Uint8Array();
    message.edited = false;
    message.reactions.clear();
  }

  #react(seq: Seq, user: UserId, emoji: string, removed: boolean): void {
    const message = this.#messages.get(seq);
    if (!message || message.gone) return;
    const users = message.reactions.get(emoji) ?? new Set();
    if (removed) users.delete(user);
    else users.add(user);
    if (users.size > 0) message.reactions.set(emoji, users);
    else message.reactions.delete(emoji);
  }
}

/** A body as text, for a message that is one; `undefined` for others. Broken UTF-8 is shown with replacements. */
export function textOf(message: { body: Uint8Array; contentType: string }): string | undefined {
  if (message.contentType !== "" && !message.contentType.startsWith("text/plain")) return undefined;
  return new TextDecoder().decode(message.body);
}
