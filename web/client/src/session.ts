// The client session without IO: frames in, frames and events out, time as an argument in milliseconds.
//
// A session lives as long as the application wants to be logged in, over any number of connections. It promises what an
// application must otherwise get right by itself: each entry is reported once, in order, without a gap; each send is
// stored once, however often the connection breaks or the page is loaded again; received entries are acknowledged. It
// never blocks and never reads a clock.
//
// Whoever carries it (see `socket.ts`) does this:
//
// 1. connect when `reconnectAt` says so, then `handleOpen`;
// 2. give received frames to `handleFrame`; when it throws, close;
// 3. call `tick` when `nextTickAt` is due;
// 4. after each of these, and after each request: write down what `takeKeeps` returns, then write what `takeTransmit`
//    returns, take the events, and close when `shouldClose` says so;
// 5. when the connection is gone, `handleClose`.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ClientFrame, ClientFrameSchema, type MessageName, MessageNameSchema, ServerFrameSchema, SignalKind } from "./gen/chat/v1/chat_pb.ts";
import { type Conversation, type Seq, toWire, type UserId } from "./ids.ts";
import type { Credentials, SessionConfig } from "./session/config.ts";
import { type BodyInit, Core, type Stats } from "./session/core.ts";
import { dispatch } from "./session/dispatch.ts";
import { ProtocolError, RequestRefused } from "./session/errors.ts";
import type { Keep, SessionEvent, StoredRequest } from "./session/event.ts";
import { handleClose, handleOpen, hurry, ping, setCredentials } from "./session/handshake.ts";
import { nameOf } from "./session/lanes.ts";
import type { Limits } from "./session/limits.ts";
import { acknowledge, read } from "./session/receipts.ts";
import { transmitRepairs } from "./session/repair.ts";
import { transmitSyncs } from "./session/sync.ts";
import { forgetWatched } from "./session/watching.ts";

/** More than the mark of a resend and its `after_seq` add to a request. */
const RESEND_BYTES_MAX = 16;

export class Session {
  readonly #core: Core;

  constructor(config: SessionConfig, nowMs: number) {
    this.#core = new Core(config, nowMs);
  }

  // ---- What goes in ----

  /** The connection stands. */
  handleOpen(nowMs: number): void {
    handleOpen(this.#core, nowMs);
  }

  /** One frame, without a length before it. Throws {@link ProtocolError} when the server breaks the rules: then close. */
  handleFrame(nowMs: number, payload: Uint8Array): void {
    const core = this.#core;
    if (!core.link.isOpen) return;
    core.stats.framesIn += 1;
    if (payload.length > core.config.frameBytesMax) throw new ProtocolError(`a frame of ${payload.length} bytes`);
    dispatch(core, nowMs, decode(payload));
    this.#pump(nowMs);
  }

  /** The connection is gone, or could not be made. */
  handleClose(nowMs: number): void {
    handleClose(this.#core, nowMs);
  }

  /** Does what is due. Harmless when nothing is. */
  tick(nowMs: number): void {
    const { timers, link } = this.#core;
    if (timers.takeDue("reply", nowMs)) link.close();
    if (timers.takeDue("keepalive", nowMs)) ping(this.#core, nowMs);
    if (timers.takeDue("delivered", nowMs)) acknowledge(this.#core, nowMs);
    timers.takeDue("retry", nowMs);
    timers.takeDue("repair", nowMs);
    this.#pump(nowMs);
  }

  // ---- What comes out ----

  /** What must be written down before the frames of the next {@link takeTransmit} leave. */
  takeKeeps(): Keep[] {
    return this.#core.outbox.takeKeeps();
  }

  /** Frames to be written, each as one message. */
  takeTransmit(): Uint8Array[] {
    return this.#core.transmit.splice(0);
  }

  takeEvents(): SessionEvent[] {
    return this.#core.events.splice(0);
  }

  /** When to call {@link tick}. */
  nextTickAt(): number | undefined {
    return this.#core.timers.next();
  }

  /** When to connect; `undefined` while connected, and when the session has stopped. */
  reconnectAt(): number | undefined {
    const { state } = this.#core.link;
    return state.kind === "down" ? state.reconnectAt : undefined;
  }

  /** The server has said when to come back; {@link hurry} does nothing until then. */
  isToldToWait(): boolean {
    const { state } = this.#core.link;
    return state.kind === "down" && state.told;
  }

  /** The connection is of no more use: close it. */
  shouldClose(): boolean {
    return this.#core.link.state.kind === "closing";
  }

  /** Logged in, on a connection that stands. */
  isReady(): boolean {
    return this.#core.link.isReady;
  }

  /** Logged out, replaced, revoked, or refused for good: this session will not connect by itself. */
  isStopped(): boolean {
    return this.#core.link.stop;
  }

  get userId(): UserId | undefined {
    return this.#core.me;
  }

  get limits(): Limits {
    return this.#core.limits;
  }

  get stats(): Readonly<Stats> {
    return this.#core.stats;
  }

  // ---- The connection ----

  /** Logs in with these from the next connection on, and lets a stopped session connect again. */
  setCredentials(nowMs: number, credentials: Credentials): void {
    setCredentials(this.#core, nowMs, credentials);
  }

  /** Connects now instead of later (the network is back), unless the server has said when to come back. */
  hurry(nowMs: number): void {
    hurry(this.#core, nowMs);
  }

  /** Asks whether the connection still lives (the device has slept). */
  ping(nowMs: number): void {
    ping(this.#core, nowMs);
  }

  // ---- Cursors ----

  /** Where this device stands in a log: its life, and the last entry that was reported. */
  cursor(conversation: Conversation): { logId: number; seq: Seq } | undefined {
    const track = this.#core.tracks.get(conversation);
    return track?.named ? { logId: track.logId, seq: track.cursor } : undefined;
  }

  /** All cursors, to be kept. */
  *cursors(): Iterable<{ conversation: Conversation; logId: number; seq: Seq }> {
    for (const { named, conversation, logId, cursor } of this.#core.tracks.values()) {
      if (named) yield { conversation, logId, seq: cursor };
    }
  }

  /** Continues a log where an earlier run stood. Before the first connection. */
  restoreCursor(conversation: Conversation, logId: number, seq: Seq): void {
    const track = this.#core.tracks.entry(conversation);
    track.named = true;
    if (seq < track.cursor) return;
    track.logId = logId;
    track.cursor = seq;
    track.raiseHead(seq);
  }

  // ---- Requests ----

  /**
   * Asks for something: now, or after the next login. A request that appends gets its name here. Answered by exactly one
   * event with this id. Throws {@link RequestRefused}; then nothing is queued.
   */
  request(nowMs: number, body: BodyInit): bigint {
    const frame = this.#check(create(ClientFrameSchema, { requestId: this.#core.nextRequestId, body }));
    this.#core.nextRequestId += 1n;
    this.#core.outbox.push(frame);
    if (frame.body.case === "watch") for (const user of frame.body.value.users) this.#core.watched.add(user);
    if (frame.body.case === "unwatch") {
      forgetWatched(this.#core, frame.body.value.all ? Array.from(this.#core.watched) : frame.body.value.users);
    }
    this.#pump(nowMs);
    return frame.requestId;
  }

  /** Takes back what an earlier run has not seen answered; in the order of {@link StoredRequest.frame}'s request ids. */
  restoreRequest(nowMs: number, stored: StoredRequest): bigint {
    const frame = fromBinary(ClientFrameSchema, stored.frame);
    if (!nameOf(frame.body)) throw new RangeError("a request without a name");
    const { requestId } = frame;
    if (requestId >= this.#core.nextRequestId) this.#core.nextRequestId = requestId + 1n;
    this.#core.outbox.push(frame, { attempted: stored.attempted });
    this.#pump(nowMs);
    return requestId;
  }

  /** The requests without an answer, in order. */
  unanswered(): ClientFrame[] {
    return this.#core.outbox.frames();
  }

  /** A name for the next request that appends. */
  newName(): MessageName {
    return create(MessageNameSchema, { clientMessageId: this.#core.config.newName() });
  }

  /** The person has seen `conversation` up to `seq`. Marks only rise. */
  read(nowMs: number, conversation: Conversation, seq: Seq): void {
    read(this.#core, nowMs, conversation, seq);
  }

  /** Acknowledges what was received without waiting: before a planned end. */
  acknowledge(nowMs: number): void {
    acknowledge(this.#core, nowMs);
  }

  /** Signals to whoever follows the conversation now: written at once or not at all. */
  signal(nowMs: number, conversation: Conversation, kind: SignalKind, body: Uint8Array = new Uint8Array()): boolean {
    if (!this.#core.link.isReady || body.length > this.#core.limits.signalBytesMax) return false;
    this.#core.write(nowMs, 0n, { case: "signal", value: { conversation: toWire(conversation), kind, body } });
    return true;
  }

  get watched(): ReadonlySet<UserId> {
    return this.#core.watched;
  }

  #check(frame: ClientFrame): ClientFrame {
    const { limits, config, outbox, link } = this.#core;
    if (link.stop) throw new RequestRefused("stopped", "the session has stopped");
    if (outbox.length >= config.sendsQueuedMax) {
      throw new RequestRefused("queueFull", `${config.sendsQueuedMax} requests wait for their answers already`);
    }
    const { body } = frame;
    const bytes = body.case === "send" || body.case === "edit" ? body.value.body.length : 0;
    if (bytes > limits.bodyBytesMax) {
      throw new RequestRefused("bodyTooLong", `a body of ${bytes} bytes is over the limit of ${limits.bodyBytesMax}`);
    }
    const length = toBinary(ClientFrameSchema, frame).length + RESEND_BYTES_MAX;
    if (length > limits.frameBytesMax) {
      throw new RequestRefused("frameTooLong", `a request of ${length} bytes is over the limit of ${limits.frameBytesMax}`);
    }
    return frame;
  }

  /** Puts everything on the wire that may go: syncs first, then repairs, then requests in their order. */
  #pump(nowMs: number): void {
    const core = this.#core;
    if (!core.link.isReady || core.me === undefined) return;
    const inFlight = core.outbox.inFlight;
    const internal = core.repairsInFlight.size + (core.syncing?.open.size ?? 0);
    let room = Math.max(core.limits.requestsInProgressMax - internal - inFlight, 0);
    room -= transmitSyncs(core, nowMs, room);
    room -= transmitRepairs(core, nowMs, room);
    if (!core.outbox.hasWaiting) return;
    room = Math.max(Math.min(room, core.config.sendsInFlightMax - inFlight), 0);
    const headOf = (conversation: Conversation): Seq => core.tracks.get(conversation)?.head ?? 0n;
    const nextRetry = core.outbox.transmit(nowMs, room, core.me, headOf, (frame) => {
      if (nameOf(frame.body)?.resend) core.stats.resends += 1;
      core.writeFrame(nowMs, frame);
    });
    if (nextRetry !== undefined) core.timers.set("retry", nextRetry);
  }
}

function decode(payload: Uint8Array): ReturnType<typeof fromBinary<typeof ServerFrameSchema>> {
  try {
    return fromBinary(ServerFrameSchema, payload);
  } catch (error) {
    throw new ProtocolError("not a server frame", { cause: error });
  }
}
