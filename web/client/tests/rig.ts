// A session on a clock of the test's, and a server that says what the test lets it say.

import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type ClientFrame, ClientFrameSchema, Error_Action, type ErrorCode, ServerFrameSchema } from "../src/gen/chat/v1/chat_pb.ts";
import { type Conversation, direct, Session, type SessionConfig, sessionConfig, type SessionEvent, toWire } from "../src/index.ts";

export const ME = 10n;
export const PEER = 20n;
export const CHAT = direct(ME, PEER) as Conversation;
export const WIRE_CHAT = toWire(CHAT);

type Down = MessageInitShape<typeof ServerFrameSchema>["body"];
type Kind = NonNullable<ClientFrame["body"]["case"]>;
type BodyOf<K extends Kind> = Extract<ClientFrame["body"], { case: K }>["value"];

export class Rig {
  now = 0;
  readonly session: Session;
  /** Everything that was written, over all connections. */
  readonly written: ClientFrame[] = [];
  readonly events: SessionEvent[] = [];
  #names = 0;

  constructor(config: Partial<SessionConfig> = {}) {
    const newName = (): Uint8Array => new Uint8Array([(this.#names += 1)]);
    const defaults = { credentials: { kind: "jwt", jwt: "a.b.c" }, deviceId: 3001n, random: () => 0.5, newName } as const;
    this.session = new Session(sessionConfig({ ...defaults, ...config }), 0);
  }

  /** A rig that is logged in and synced. */
  static ready(config: Partial<SessionConfig> = {}): Rig {
    const rig = new Rig(config);
    rig.logIn();
    return rig;
  }

  logIn(sessionToken = ""): void {
    this.session.handleOpen(this.now);
    this.#settle();
    this.reply("hello", { case: "welcome", value: { version: 1, keepaliveMs: 240_000, limits: { requestsInProgressMax: 64 } } });
    this.reply("login", { case: "loggedIn", value: { userId: ME, sessionToken } });
    for (const sync of this.all("sync").filter(({ requestId }) => requestId > this.last("login").requestId)) {
      this.say(sync.requestId, { case: "synced", value: {} });
    }
  }

  say(requestId: bigint, body: Down): void {
    this.session.handleFrame(this.now, toBinary(ServerFrameSchema, create(ServerFrameSchema, { requestId, body })));
    this.#settle();
  }

  /** Answers the last request of a kind. */
  reply(kind: Kind, body: Down): void {
    this.say(this.last(kind).requestId, body);
  }

  refuse(requestId: bigint, action: Error_Action, code: ErrorCode, retryAfterMs = 0): void {
    this.say(requestId, { case: "error", value: { action, code, retryAfterMs, message: "no" } });
  }

  close(): void {
    this.session.handleClose(this.now);
    this.#settle();
  }

  send(text: string): bigint {
    const name = this.session.newName();
    const body = new TextEncoder().encode(text);
    const id = this.session.request(this.now, { case: "send", value: { to: { case: "user", value: PEER }, name, body } });
    this.#settle();
    return id;
  }

  do(act: (session: Session, now: number) => void): void {
    act(this.session, this.now);
    this.#settle();
  }

  /** Time passes. */
  wait(ms: number): void {
    this.now += ms;
    this.session.tick(this.now);
    this.#settle();
  }

  all(kind: Kind): ClientFrame[] {
    return this.written.filter((frame) => frame.body.case === kind);
  }

  last(kind: Kind): ClientFrame {
    const found = this.all(kind).at(-1);
    if (!found) throw new Error(`no ${kind} was written`);
    return found;
  }

  lastBody<K extends Kind>(kind: K): BodyOf<K> {
    return this.last(kind).body.value as BodyOf<K>;
  }

  texts(): string[] {
    return this.all("send").map((frame) => (frame.body.case === "send" ? new TextDecoder().decode(frame.body.value.body) : ""));
  }

  types(): string[] {
    return this.events.map((event) => event.type);
  }

  #settle(): void {
    this.session.takeKeeps();
    this.written.push(...this.session.takeTransmit().map((bytes) => fromBinary(ClientFrameSchema, bytes)));
    this.events.push(...this.session.takeEvents());
  }
}

/** A run of texts after `afterSeq`, as a push. */
export function run(afterSeq: number, texts: string[], sender = PEER, skipFromSeq?: bigint): Down {
  const entries = texts.map((text, at) => ({
    seq: BigInt(afterSeq + at + 1),
    sender,
    deviceId: 1n,
    ordinal: BigInt(afterSeq + at + 1),
    timeUs: BigInt(1_790_000_000_000_000 + afterSeq + at),
    eventType: 1,
    body: new TextEncoder().encode(text),
  }));
  return { case: "entries", value: { conversation: WIRE_CHAT, logId: 7, afterSeq: BigInt(afterSeq), entries, skipFromSeq } };
}
