// What the parts of a session share: its state, and the two ways out of it, the wire and the events.
//
// Promises: nothing but the handshake is written before the login is answered (the parts see to it); frames leave in the
// order in which they were written here.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type ClientFrame, ClientFrameSchema } from "../gen/chat/v1/chat_pb.ts";
import type { Conversation, Seq, UserId } from "../ids.ts";
import type { Credentials, SessionConfig } from "./config.ts";
import type { SessionEvent } from "./event.ts";
import { type Limits, LIMITS_DEFAULT } from "./limits.ts";
import { Link } from "./link.ts";
import { Outbox } from "./outbox.ts";
import type { Syncing } from "./sync.ts";
import { Timers } from "./timers.ts";
import { Tracks } from "./tracks.ts";

/** A request's body, as one writes it. */
export type BodyInit = Exclude<NonNullable<MessageInitShape<typeof ClientFrameSchema>["body"]>, { case?: undefined }>;

/** What was counted since the birth of a session. */
export interface Stats {
  framesIn: number;
  framesOut: number;
  reconnects: number;
  resends: number;
  repairedGaps: number;
  repairedEntries: number;
  droppedDuplicates: number;
  droppedBuffered: number;
  rateLimited: number;
  unknownFrames: number;
}

export class Core {
  readonly config: SessionConfig;
  readonly link: Link;
  readonly timers = new Timers();
  readonly tracks: Tracks;
  readonly outbox = new Outbox();
  readonly events: SessionEvent[] = [];
  readonly transmit: Uint8Array[] = [];
  credentials: Credentials;
  /** What the next login is made with when the session token is refused. */
  fallback: Credentials | undefined;
  limits: Limits = LIMITS_DEFAULT;
  me: UserId | undefined;
  nextRequestId = 1n;
  syncing: Syncing | undefined;
  /** Conversations with a gap that is to be asked for. */
  repairs: Conversation[] = [];
  repairsInFlight = new Map<bigint, Conversation>();
  /** Entries that came since the last `Delivered`. */
  unacknowledgedEntries = 0;
  watched = new Set<UserId>();
  readonly stats: Stats = {
    framesIn: 0,
    framesOut: 0,
    reconnects: 0,
    resends: 0,
    repairedGaps: 0,
    repairedEntries: 0,
    droppedDuplicates: 0,
    droppedBuffered: 0,
    rateLimited: 0,
    unknownFrames: 0,
  };

  constructor(config: SessionConfig, nowMs: number) {
    this.config = config;
    this.credentials = config.credentials;
    this.link = new Link(nowMs);
    this.tracks = new Tracks(config.conversationsMax);
  }

  emit(event: SessionEvent): void {
    this.events.push(event);
  }

  takeRequestId(): bigint {
    const id = this.nextRequestId;
    this.nextRequestId += 1n;
    return id;
  }

  /** Queues one frame for the wire. */
  write(nowMs: number, requestId: bigint, body: BodyInit): void {
    this.writeFrame(nowMs, create(ClientFrameSchema, { requestId, body }));
  }

  writeFrame(nowMs: number, frame: ClientFrame): void {
    this.transmit.push(toBinary(ClientFrameSchema, frame));
    this.stats.framesOut += 1;
    if (this.link.isReady) this.timers.set("keepalive", nowMs + this.limits.keepaliveMs);
  }

  /** Remembers the head of a log, to send `after_seq` with. */
  noteHead(conversation: Conversation, logId: number, head: Seq): void {
    const track = this.tracks.entry(conversation);
    if (track.logId === 0) track.logId = logId;
    if (track.logId === logId || logId === 0) track.raiseHead(head);
  }
}
