// What the application asked for and the server has not answered, in the order in which it was asked.
//
// Promises: a request stays here until it is answered, over any number of connections; what was on the wire before is
// sent again as a resend, with the head known at its first attempt; and no request of a conversation is put on the wire
// while an earlier one of it waits here.

import { type ClientFrame, ClientFrameSchema } from "../gen/chat/v1/chat_pb.ts";
import { toBinary } from "@bufbuild/protobuf";
import { type Conversation, type ConversationKey, keyOf, type Seq, type UserId } from "../ids.ts";
import type { Keep, StoredRequest } from "./event.ts";
import { laneOf, nameOf, toHex } from "./lanes.ts";

type State =
  /** To go out as soon as there is room. */
  | "queued"
  | "inFlight"
  /** Refused for now; to go out again at this time. */
  | { readonly retryAt: number };

interface Item {
  readonly frame: ClientFrame;
  state: State;
  /** It was on the wire before, so it may have been stored. */
  attempted: boolean;
  /** The session's own, of which the application does not know; it ends with its connection. */
  readonly own: boolean;
}

export class Outbox {
  #items: Item[] = [];
  readonly #keeps: Keep[] = [];

  get length(): number {
    return this.#items.length;
  }

  get inFlight(): number {
    return this.#items.filter((item) => item.state === "inFlight").length;
  }

  get hasWaiting(): boolean {
    return this.#items.some((item) => item.state !== "inFlight");
  }

  /** Queues a request; `attempted` when an earlier run may have put it on the wire. */
  push(frame: ClientFrame, how: { attempted?: boolean; own?: boolean } = {}): void {
    const item: Item = { frame, state: "queued", attempted: how.attempted ?? false, own: how.own ?? false };
    this.#items.push(item);
    this.#keep(item);
  }

  /** What is to be written down, in order; empties the list. */
  takeKeeps(): Keep[] {
    return this.#keeps.splice(0);
  }

  /** The requests that have names, for an application that shows them. */
  *stored(): Iterable<StoredRequest> {
    for (const item of this.#items) {
      const stored = toStored(item);
      if (stored) yield stored;
    }
  }

  frames(): ClientFrame[] {
    return this.#items.map((item) => item.frame);
  }

  /**
   * Puts what may go on the wire, at most `room` requests. Returns the next time at which there is more to do.
   */
  transmit(
    nowMs: number,
    room: number,
    me: UserId,
    headOf: (conversation: Conversation) => Seq,
    write: (frame: ClientFrame) => void,
  ): number | undefined {
    const held = new Set<ConversationKey>();
    let nextRetry: number | undefined;
    for (const item of this.#items) {
      if (item.state === "inFlight") continue;
      const lane = laneOf(item.frame.body, me);
      const key = lane && keyOf(lane);
      if (key !== undefined && held.has(key)) continue;
      if (typeof item.state === "object" && item.state.retryAt > nowMs) {
        nextRetry = Math.min(item.state.retryAt, nextRetry ?? item.state.retryAt);
        if (key !== undefined) held.add(key);
        continue;
      }
      if (room === 0) break;
      room -= 1;
      nameAttempt(item, lane ? headOf(lane) : 0n);
      write(item.frame);
      item.attempted = true;
      item.state = "inFlight";
      this.#keep(item);
    }
    return nextRetry;
  }

  /** The request that a reply answers, if it is on the wire. */
  find(requestId: bigint): ClientFrame | undefined {
    return this.#inFlight(requestId)?.frame;
  }

  /** Whether a request on the wire may be sent again after a refusal for now. */
  isResendable(requestId: bigint): boolean {
    const item = this.#inFlight(requestId);
    return item !== undefined && (item.own || nameOf(item.frame.body) !== undefined);
  }

  isOwn(requestId: bigint): boolean {
    return this.#inFlight(requestId)?.own ?? false;
  }

  /** Takes a `Logout` that may have been done already. */
  takeAttemptedLogout(): bigint | undefined {
    const at = this.#items.findIndex((item) => item.attempted && item.frame.body.case === "logout");
    return at < 0 ? undefined : this.#items.splice(at, 1)[0]?.frame.requestId;
  }

  /** The server has answered for good. */
  complete(requestId: bigint): ClientFrame | undefined {
    const item = this.#inFlight(requestId);
    if (!item) return undefined;
    this.#items.splice(this.#items.indexOf(item), 1);
    const name = nameOf(item.frame.body);
    if (name) this.#keeps.push({ type: "drop", name: toHex(name.clientMessageId) });
    return item.frame;
  }

  /**
   * The server has refused it for now. It goes out again as a resend, since a refusal does not say that nothing was
   * stored; unless the refusal came `unhandled`, of a limit: then this attempt left nothing behind.
   */
  retryAt(requestId: bigint, atMs: number, unhandled: boolean): void {
    const item = this.#inFlight(requestId);
    if (!item) return;
    item.state = { retryAt: atMs };
    const name = nameOf(item.frame.body);
    if (unhandled && name) item.attempted = name.resend;
  }

  /** The connection is gone: whatever was on the wire is to be sent again, in the same order. */
  disconnect(): void {
    this.#items = this.#items.filter((item) => !item.own);
    for (const item of this.#items) item.state = "queued";
  }

  /** A log began anew: an earlier resend may be stored anywhere in it, so all of it is to be searched. */
  forgetAfterSeq(conversation: Conversation, me: UserId): void {
    const key = keyOf(conversation);
    for (const item of this.#items) {
      const lane = laneOf(item.frame.body, me);
      const name = nameOf(item.frame.body);
      if (!lane || !name || keyOf(lane) !== key) continue;
      name.afterSeq = 0n;
      this.#keep(item);
    }
  }

  #keep(item: Item): void {
    const request = toStored(item);
    if (request) this.#keeps.push({ type: "put", request });
  }

  #inFlight(requestId: bigint): Item | undefined {
    return this.#items.find((item) => item.state === "inFlight" && item.frame.requestId === requestId);
  }
}

function toStored(item: Item): StoredRequest | undefined {
  const name = nameOf(item.frame.body);
  if (!name) return undefined;
  const frame = toBinary(ClientFrameSchema, item.frame);
  return { name: toHex(name.clientMessageId), frame, attempted: item.attempted };
}

/** Writes into the frame's name whether this is a resend; at the first attempt, also after which head. */
function nameAttempt(item: Item, head: Seq): void {
  const name = nameOf(item.frame.body);
  if (!name) return;
  name.resend = item.attempted;
  if (!item.attempted) name.afterSeq = head;
}
