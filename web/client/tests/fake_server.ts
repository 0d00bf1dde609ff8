// A small server in memory that keeps the rules of the protocol, and the delivery contract only as far as it must:
// it leaves out pushes, repeats them, and refuses requests for now, as a real one may.
//
// One group of which everybody is a member, and sends, history, sync, marks. A dead connection loses what was under way.

import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  ClientFrameSchema,
  type ClientFrame,
  type Entry,
  EntrySchema,
  Error_Action,
  ErrorCode,
  EventType,
  type Send,
  ServerFrameSchema,
} from "../src/gen/chat/v1/chat_pb.ts";
import { toWire } from "../src/ids.ts";
import type { Random } from "./random.ts";

export const GROUP = 77n;
const conversation = toWire({ kind: "group", group: GROUP });

type Down = MessageInitShape<typeof ServerFrameSchema>["body"];

/** How unkind the server is; each from 0 to 1. */
export interface Mood {
  /** A push is left out. */
  leavesOut: number;
  /** A push comes twice. */
  repeats: number;
  /** A request is refused for now. */
  refuses: number;
}

export interface FakeConnection {
  /** Frames for the client, in order. */
  readonly out: Uint8Array[];
  user: bigint;
  following: boolean;
  /** The server has closed it. */
  closed: boolean;
}

export class FakeServer {
  readonly log: Entry[] = [];
  readonly delivered = new Map<bigint, bigint>();
  readonly read = new Map<bigint, bigint>();
  readonly #connections = new Set<FakeConnection>();
  readonly #random: Random;
  logId = 1;
  mood: Mood = { leavesOut: 0, repeats: 0, refuses: 0 };

  constructor(random: Random) {
    this.#random = random;
  }

  connect(): FakeConnection {
    const connection: FakeConnection = { out: [], user: 0n, following: false, closed: false };
    this.#connections.add(connection);
    return connection;
  }

  disconnect(connection: FakeConnection): void {
    connection.closed = true;
    this.#connections.delete(connection);
  }

  handle(connection: FakeConnection, bytes: Uint8Array): void {
    if (connection.closed) return;
    const { requestId, body } = fromBinary(ClientFrameSchema, bytes);
    const answer = (down: Down): void => this.#say(connection, requestId, down);
    switch (body.case) {
      case "hello":
        return answer({ case: "welcome", value: { version: 1, limits: { requestsInProgressMax: 8 } } });
      case "login":
        if (body.value.method.case !== "jwt" && body.value.method.case !== "sessionToken") throw new Error("login");
        connection.user = BigInt(body.value.method.value);
        return answer({ case: "loggedIn", value: { userId: connection.user, sessionToken: `${connection.user}` } });
      case "sync": {
        const cursor = body.value.cursors[0];
        const after = cursor?.logId === this.logId ? cursor.seq : 0n;
        if (cursor && cursor.logId !== this.logId) this.#refuseCursor(connection, requestId);
        for (let at = Number(after); at < this.log.length; at += 5) this.#push(connection, at, at + 5, after);
        connection.following = true;
        const state = { conversation, logId: this.logId, head: BigInt(this.log.length), member: true };
        return answer({ case: "synced", value: { conversations: [state] } });
      }
      case "send":
        if (this.#random.chance(this.mood.refuses)) return this.#refuseForNow(connection, requestId);
        return this.#append(connection, requestId, body.value);
      case "history":
        return this.#history(connection, requestId, body.value.position);
      case "delivered":
        return raise(this.delivered, connection.user, body.value.upToSeq);
      case "read":
        return raise(this.read, connection.user, body.value.upToSeq);
      case "ping":
        return answer({ case: "pong", value: { nonce: body.value.nonce } });
      default:
        throw new Error(`nobody asked the fake for ${body.case}`);
    }
  }

  /** The log is lost and begins anew. */
  reset(): void {
    this.log.length = 0;
    this.logId += 1;
    for (const connection of this.#connections) connection.following &&= this.#refuseCursor(connection, 0n);
  }

  bye(connection: FakeConnection, retryAfterMs: number): void {
    this.#say(connection, 0n, { case: "bye", value: { reason: 1, retryAfterMs } });
    this.disconnect(connection);
  }

  #append(connection: FakeConnection, requestId: bigint, send: Send): void {
    const name = Buffer.from(send.name?.clientMessageId ?? []).toString("hex");
    const isOld = (entry: Entry): boolean =>
      entry.sender === connection.user && Buffer.from(entry.clientMessageId).toString("hex") === name;
    const after = Number(send.name?.afterSeq ?? 0n);
    const old = send.name?.resend ? this.log.slice(after).find(isOld) : undefined;
    const seq = BigInt(this.log.length + 1);
    const entry =
      old ??
      create(EntrySchema, {
        seq,
        messageId: seq,
        sender: connection.user,
        clientMessageId: send.name?.clientMessageId ?? new Uint8Array(),
        ordinal: seq,
        eventType: EventType.USER,
        body: send.body,
        contentType: send.contentType,
      });
    if (!old) this.log.push(entry);
    this.#say(connection, requestId, {
      case: "sent",
      value: { conversation, seq: entry.seq, messageId: entry.messageId, duplicate: old !== undefined },
    });
    if (old) return;
    for (const follower of this.#connections) {
      if (!follower.following || this.#random.chance(this.mood.leavesOut)) continue;
      this.#push(follower, this.log.length - 1, this.log.length);
      if (this.#random.chance(this.mood.repeats)) this.#push(follower, Math.max(0, this.log.length - 3), this.log.length);
    }
  }

  #history(connection: FakeConnection, requestId: bigint, position: { case?: string; value?: bigint }): void {
    if (this.#random.chance(this.mood.refuses)) return this.#refuseForNow(connection, requestId);
    const at = Number(position.value ?? 0n);
    const start = position.case === "beforeSeq" ? Math.max(0, at - 1 - 7) : at;
    const end = position.case === "beforeSeq" ? at - 1 : at + 7;
    const head = BigInt(this.log.length);
    const value = { conversation, logId: this.logId, afterSeq: BigInt(start), entries: this.log.slice(start, end), head };
    this.#say(connection, requestId, { case: "entries", value });
  }

  #push(connection: FakeConnection, start: number, end: number, skipFromSeq?: bigint): void {
    const entries = this.log.slice(start, end);
    const value = { conversation, logId: this.logId, afterSeq: BigInt(start), entries, skipFromSeq };
    this.#say(connection, 0n, { case: "entries", value });
  }

  #refuseForNow(connection: FakeConnection, requestId: bigint): void {
    const value = { action: Error_Action.RETRY, code: ErrorCode.RATE_LIMITED, retryAfterMs: 300 };
    this.#say(connection, requestId, { case: "error", value });
  }

  #refuseCursor(connection: FakeConnection, requestId: bigint): true {
    const logReset = { conversation, logId: this.logId, floor: 0n, head: BigInt(this.log.length) };
    const value = { action: Error_Action.FIX_REQUEST, code: ErrorCode.LOG_RESET, logReset };
    this.#say(connection, requestId, { case: "error", value });
    return true;
  }

  #say(connection: FakeConnection, requestId: bigint, body: Down): void {
    connection.out.push(toBinary(ServerFrameSchema, create(ServerFrameSchema, { requestId, body })));
  }
}

function raise(marks: Map<bigint, bigint>, user: bigint, seq: bigint): void {
  if (seq > (marks.get(user) ?? 0n)) marks.set(user, seq);
}

/** What a client frame is, for tests that look at the wire. */
export function bodyOf(bytes: Uint8Array): ClientFrame["body"] {
  return fromBinary(ClientFrameSchema, bytes).body;
}
