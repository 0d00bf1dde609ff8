// Everything that a chat shows, kept up to date from the events of a session.
//
// Without IO, like the session: events go in, and it asks the session for what is missing (older entries, names,
// presence). Promises: a message that was written is shown until it is in the log or the person has put it away; what
// is shown never goes back.

import { ErrorCode, type Error as WireError, type Member, SignalKind } from "../gen/chat/v1/chat_pb.ts";
import { type Conversation, type ConversationKey, direct, group, keyOf, type Seq, toWire, type UserId } from "../ids.ts";
import type { Session } from "../session.ts";
import type { Ending, SessionEvent } from "../session/event.ts";
import { laneOf, nameOf } from "../session/lanes.ts";
import { WATCH_MAX } from "../session/watching.ts";
import { People, TYPING_SHOWN_MS } from "./people.ts";
import { Requests } from "./requests.ts";
import { type Outgoing, outgoing, Room } from "./room.ts";

/** Entries of a page of history; the first page of a conversation is for its line in the list, too. */
const PAGE_ENTRIES = 50;

/** Names that are asked for at a time. */
const NAMES_AT_A_TIME = 16;

/** First pages of conversations that are asked for at a time. */
const PAGES_AT_A_TIME = 8;

/** At most one typing signal in this time. */
const TYPING_EVERY_MS = 3_000;

/** What stands between this person and the chat. */
export type ChatState =
  | { kind: "connecting" }
  /** `told`: the server has said when to come back. */
  | { kind: "waiting"; untilMs: number; told: boolean }
  | { kind: "syncing" }
  | { kind: "live" }
  | { kind: "stopped"; why: Ending | "credentials" | "fatal"; message: string };

/** A message that was refused, as it is kept for the person. */
export interface KeptFailure {
  readonly name: string;
  readonly key: ConversationKey;
  readonly text: string;
  readonly error: string;
  readonly uncertain: boolean;
}

export class Chat {
  readonly me: UserId;
  readonly people = new People();
  readonly rooms = new Map<ConversationKey, Room>();
  readonly #session: Session;
  readonly #requests: Requests;
  #state: ChatState = { kind: "connecting" };
  /** The conversation that the person looks at. */
  #open: ConversationKey | undefined;
  #namesAsked = 0;
  #pagesAsked = 0;
  #now = 0;
  #typingSentAt = new Map<ConversationKey, number>();
  #keepFailure: (failure: KeptFailure) => void;
  #dropFailure: (name: string) => void;
  #revision = 0;
  /** Something that the person asked for was refused. */
  onError: (message: string) => void = () => {};

  constructor(
    session: Session,
    me: UserId,
    failures: { keep: (failure: KeptFailure) => void; drop: (name: string) => void } = { keep: () => {}, drop: () => {} },
  ) {
    this.me = me;
    this.#session = session;
    this.#requests = new Requests(session);
    this.#keepFailure = failures.keep;
    this.#dropFailure = failures.drop;
    this.people.of(me);
    for (const frame of session.unanswered()) {
      if (frame.body.case === "send") this.#showOutgoing(frame.requestId, frame.body);
    }
  }

  get state(): ChatState {
    return this.#state;
  }

  /** Changes with everything that conversations show, save who is there and who is writing. */
  get revision(): number {
    return this.#revision;
  }

  get openKey(): ConversationKey | undefined {
    return this.#open;
  }

  /** All conversations, the newest first. */
  get list(): Room[] {
    const rank = (room: Room): bigint => (room.outgoing.length > 0 ? 1n << 62n : room.activityUs);
    const shown = Array.from(this.rooms.values()).filter((room) => room.isMember || room.timeline.items.length > 0);
    return shown.sort((a, b) => (rank(a) === rank(b) ? (a.key < b.key ? -1 : 1) : rank(a) < rank(b) ? 1 : -1));
  }

  get unreadTotal(): number {
    return Array.from(this.rooms.values()).reduce((sum, room) => sum + room.unread, 0);
  }

  // ---- What goes in ----

  handle(nowMs: number, event: SessionEvent): void {
    this.#now = nowMs;
    if (event.type !== "signalled" && event.type !== "presence") this.#revision += 1;
    if (this.#requests.handle(nowMs, event)) return;
    switch (event.type) {
      case "loggedIn":
        this.#state = { kind: "syncing" };
        break;
      case "synced":
        this.#state = { kind: "live" };
        for (const state of event.states) this.#noteState(state);
        this.#forgetUnknown();
        this.#fill(nowMs);
        break;
      case "entries": {
        const room = this.room(event.conversation);
        room.noteEntries(event.entries);
        this.#settle(room);
        for (const entry of event.entries) this.people.noteTyping(room.key, entry.sender, undefined);
        if (room.key !== this.#open) room.trim();
        if (room.key === this.#open && room.conversation.kind === "group" && !room.members) this.#loadMembers(nowMs, room);
        this.#fill(nowMs);
        break;
      }
      case "sent": {
        // The entry itself may have come already, in an earlier run perhaps, or come later.
        const room = this.room(event.conversation);
        for (const outgoing of room.outgoing) if (outgoing.id === event.id) outgoing.seq = event.seq;
        this.#settle(room);
        break;
      }
      case "sendFailed":
        this.#noteFailure(event.id, event.error);
        break;
      case "receipts": {
        const room = this.room(event.conversation);
        if (room.peer !== undefined) room.statuses.noteReceipts(room.peer, event.receipts);
        else room.statuses.noteSummaries(event.summaries, room.memberCount - 1);
        // What was read on another device of this person.
        const own = event.receipts.find((receipt) => receipt.user === this.me);
        if (own) room.noteRead(own.read);
        break;
      }
      case "conversationChanged":
        this.room(event.conversation).isMember = event.member;
        this.#fill(nowMs);
        break;
      case "presence":
        this.people.notePresence(event.users);
        break;
      case "signalled":
        if (event.from === this.me) break;
        if (event.kind === SignalKind.TYPING) {
          this.people.noteTyping(keyOf(event.conversation), event.from, nowMs + TYPING_SHOWN_MS);
        } else if (event.kind === SignalKind.TYPING_STOPPED) {
          this.people.noteTyping(keyOf(event.conversation), event.from, undefined);
        }
        break;
      case "logReset":
        this.room(event.conversation).reset(event.head);
        break;
      case "disconnected":
        this.people.forgetPresence();
        this.#state = { kind: "waiting", untilMs: this.#session.reconnectAt() ?? nowMs, told: this.#session.isToldToWait() };
        break;
      case "ended":
        this.#state = { kind: "stopped", why: event.ending, message: "" };
        break;
      case "credentialsNeeded":
        this.#state = { kind: "stopped", why: "credentials", message: event.error.message };
        break;
      case "fatalError":
        this.#state = { kind: "stopped", why: "fatal", message: event.error.message };
        break;
      default:
        break;
    }
  }

  /** The carrier is connecting, or has failed to and waits. */
  noteConnecting(untilMs: number | undefined): void {
    if (this.#state.kind === "stopped") return;
    const told = this.#session.isToldToWait();
    this.#state = untilMs === undefined ? { kind: "connecting" } : { kind: "waiting", untilMs, told };
  }

  tick(nowMs: number): void {
    this.#now = nowMs;
    this.people.expireTyping(nowMs);
    this.#requests.tick(nowMs);
  }

  nextTickAt(): number | undefined {
    const times = [this.people.nextExpiryAt(), this.#requests.nextTickAt()].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Messages that an earlier run kept because they were refused. */
  restoreFailure(failure: KeptFailure, conversation: Conversation): void {
    this.#revision += 1;
    const { name, text, error, uncertain } = failure;
    this.room(conversation).outgoing.push({ name, id: 0n, text, replyToSeq: 0n, seq: undefined, failed: error, uncertain });
  }

  // ---- What a person does ----

  /** The place of a conversation, made if need be. */
  room(conversation: Conversation): Room {
    const key = keyOf(conversation);
    let room = this.rooms.get(key);
    if (!room) {
      room = new Room(conversation, this.me);
      this.rooms.set(key, room);
      if (room.peer !== undefined) this.people.of(room.peer);
    }
    return room;
  }

  /** The person looks at a conversation (or at none). */
  open(nowMs: number, key: ConversationKey | undefined): void {
    this.#revision += 1;
    const before = this.#open === undefined ? undefined : this.rooms.get(this.#open);
    this.#open = key;
    if (before && before.key !== key) before.trim();
    const room = key === undefined ? undefined : this.rooms.get(key);
    if (!room) return;
    if (room.timeline.items.length < PAGE_ENTRIES) this.loadOlder(nowMs, room);
    if (room.conversation.kind === "group") this.#loadMembers(nowMs, room);
  }

  /** Writes a message. Throws `RequestRefused`; then nothing is sent. */
  send(nowMs: number, room: Room, text: string, replyToSeq: Seq = 0n): void {
    this.#revision += 1;
    const to =
      room.conversation.kind === "group"
        ? ({ case: "group", value: room.conversation.group } as const)
        : ({ case: "user", value: room.peer ?? 0n } as const);
    const name = this.#session.newName();
    const body = { case: "send", value: { to, name, body: new TextEncoder().encode(text), replyToSeq } } as const;
    const id = this.#session.request(nowMs, body);
    room.outgoing.push(outgoing(name.clientMessageId, id, text, replyToSeq));
    this.#typingSentAt.delete(room.key);
  }

  /** Puts a refused message away. */
  discard(room: Room, outgoing: Outgoing): void {
    this.#revision += 1;
    room.outgoing = room.outgoing.filter((each) => each !== outgoing);
    this.#dropFailure(outgoing.name);
  }

  /** Writes a refused message anew. */
  sendAgain(nowMs: number, room: Room, outgoing: Outgoing): void {
    this.send(nowMs, room, outgoing.text, outgoing.replyToSeq);
    this.discard(room, outgoing);
  }

  edit(nowMs: number, room: Room, seq: Seq, text: string): void {
    const body = new TextEncoder().encode(text);
    const value = { conversation: toWire(room.conversation), name: this.#session.newName(), seq, body };
    this.#ask(nowMs, { case: "edit", value });
  }

  revoke(nowMs: number, room: Room, seq: Seq): void {
    const value = { conversation: toWire(room.conversation), name: this.#session.newName(), seq };
    this.#ask(nowMs, { case: "revoke", value });
  }

  /** Reacts with an emoji, or takes that back. */
  react(nowMs: number, room: Room, seq: Seq, emoji: string): void {
    const remove = room.timeline.message(seq)?.reactions.get(emoji)?.has(this.me) ?? false;
    const value = { conversation: toWire(room.conversation), name: this.#session.newName(), seq, emoji, remove };
    this.#ask(nowMs, { case: "react", value });
  }

  /** The person has seen the conversation up to its end. */
  seen(nowMs: number, room: Room): void {
    this.#revision += 1;
    const seq = room.timeline.last;
    if (seq > 0n && room.noteRead(seq)) this.#session.read(nowMs, room.conversation, seq);
  }

  /** The person is writing; says so seldom enough. */
  typing(nowMs: number, room: Room): void {
    if (nowMs < (this.#typingSentAt.get(room.key) ?? -Infinity) + TYPING_EVERY_MS) return;
    if (this.#session.signal(nowMs, room.conversation, SignalKind.TYPING)) this.#typingSentAt.set(room.key, nowMs);
  }

  /** The person has emptied the field. */
  typingStopped(nowMs: number, room: Room): void {
    if (this.#typingSentAt.delete(room.key)) this.#session.signal(nowMs, room.conversation, SignalKind.TYPING_STOPPED);
  }

  /** Loads what was said before the oldest entry that is held. */
  loadOlder(nowMs: number, room: Room): void {
    if (room.isLoading || !room.hasOlder || (room.head === 0n && room.timeline.first === undefined)) return;
    this.#revision += 1;
    room.isLoading = true;
    this.#pagesAsked += 1;
    const over = (): void => {
      room.isLoading = false;
      this.#pagesAsked -= 1;
      this.#fill(this.#now);
    };
    const before = room.timeline.first ?? room.head + 1n;
    const position = { case: "beforeSeq", value: before } as const;
    this.#requests.askWhenPossible(nowMs, {
      body: { case: "history", value: { conversation: toWire(room.conversation), position, limit: PAGE_ENTRIES, raw: true } },
      done: (reply) => {
        if (reply.case !== "entries") return over();
        const first = reply.value.entries[0];
        const known = this.#session.cursor(room.conversation)?.logId ?? 0;
        if (known !== 0 && known !== reply.value.logId) return over(); // The log began anew meanwhile.
        room.timeline.prepend(reply.value.entries);
        room.hasOlder = first !== undefined && first.seq > reply.value.floor + 1n;
        over();
      },
      failed: () => {
        room.hasOlder = false;
        over();
      },
    });
  }

  /** Looks up who a user is; tells whether there is such a user. */
  lookUp(nowMs: number, user: UserId, found: (name: string | undefined) => void): void {
    this.#requests.ask(nowMs, {
      body: { case: "getProfile", value: { user } },
      done: (reply) => {
        if (reply.case === "profile") this.people.noteProfile(reply.value);
        found(this.people.of(user).name);
      },
      failed: () => found(undefined),
    });
  }

  /** The direct conversation with a user, in the list from now on; `undefined` with oneself. */
  startDirect(nowMs: number, user: UserId): Room | undefined {
    const conversation = direct(this.me, user);
    if (!conversation) return undefined;
    const room = this.room(conversation);
    if (room.head === 0n) room.hasOlder = false;
    this.#fill(nowMs);
    return room;
  }

  /** Makes a group: `made` is told of it, or `failed` why not. */
  createGroup(
    nowMs: number,
    title: string,
    members: UserId[],
    made: (room: Room) => void,
    failed: (message: string) => void = this.onError,
  ): void {
    const name = this.#session.newName();
    this.#requests.ask(nowMs, {
      body: { case: "createGroup", value: { name, title, members } },
      done: (reply) => {
        if (reply.case !== "group") return;
        const room = this.room(group(reply.value.group));
        room.isMember = true;
        room.title = reply.value.title;
        room.memberCount = reply.value.memberCount;
        if (reply.value.head > room.head) room.head = reply.value.head;
        made(room);
      },
      failed: (error) => failed(error.message),
    });
  }

  rename(nowMs: number, room: Room, title: string): void {
    if (room.conversation.kind !== "group") return;
    const value = { name: this.#session.newName(), group: room.conversation.group, title };
    this.#ask(nowMs, { case: "updateGroup", value });
  }

  addMembers(nowMs: number, room: Room, members: UserId[]): void {
    if (room.conversation.kind !== "group") return;
    const value = { name: this.#session.newName(), group: room.conversation.group, members };
    this.#ask(nowMs, { case: "addMembers", value });
  }

  removeMember(nowMs: number, room: Room, member: UserId): void {
    if (room.conversation.kind !== "group") return;
    const value = { name: this.#session.newName(), group: room.conversation.group, members: [member] };
    this.#ask(nowMs, { case: "removeMembers", value });
  }

  leave(nowMs: number, room: Room): void {
    if (room.conversation.kind !== "group") return;
    const value = { name: this.#session.newName(), group: room.conversation.group };
    this.#ask(nowMs, { case: "leave", value });
  }

  logOut(nowMs: number): void {
    this.#ask(nowMs, { case: "logout", value: {} });
  }

  // ---- Inside ----

  #ask(nowMs: number, body: Parameters<Session["request"]>[1]): void {
    this.#requests.ask(nowMs, { body, failed: (error) => this.onError(error.message) });
  }

  #noteState(state: Parameters<Room["noteState"]>[0]): void {
    const wire = state.conversation?.kind;
    if (wire?.case === "group") this.room(group(wire.value)).noteState(state);
    else if (wire?.case === "direct") {
      const conversation = direct(wire.value.low, wire.value.high);
      if (conversation) this.room(conversation).noteState(state);
    }
  }

  /** A group that was opened by its address alone and is none of this person's. */
  #forgetUnknown(): void {
    for (const room of this.rooms.values()) {
      if (room.conversation.kind === "group" && room.head === 0n && room.timeline.first === undefined) room.isMember = false;
    }
  }

  /** Asks for what the list needs and is not here yet: the last lines, names, presence. */
  #fill(nowMs: number): void {
    if (this.#state.kind !== "live") return;
    for (const room of this.rooms.values()) {
      if (!room.isMember) continue;
      if (room.timeline.first === undefined && this.#pagesAsked < PAGES_AT_A_TIME) this.loadOlder(nowMs, room);
      // Who joins a group that is there already is not told its title by the log.
      if (room.title === "" && room.members === undefined) this.#loadMembers(nowMs, room);
    }
    this.#askNames(nowMs);
    this.#watch(nowMs);
  }

  #askNames(nowMs: number): void {
    for (const room of this.rooms.values()) {
      const last = room.timeline.lastItem;
      if (last) this.people.of(last.sender);
      if (room.key !== this.#open) continue;
      for (const item of room.timeline.items) this.people.of(item.sender);
      for (const member of room.members ?? []) this.people.of(member.user);
    }
    if (!this.#session.isReady() || this.#namesAsked >= NAMES_AT_A_TIME) return;
    for (const user of this.people.takeUnnamed(NAMES_AT_A_TIME - this.#namesAsked)) {
      this.#namesAsked += 1;
      const over = (): void => {
        this.#namesAsked -= 1;
        this.#askNames(this.#now);
      };
      this.#requests.askWhenPossible(nowMs, {
        body: { case: "getProfile", value: { user } },
        done: (reply) => {
          if (reply.case === "profile") this.people.noteProfile(reply.value);
          over();
        },
        failed: over,
      });
    }
  }

  /** Watches the other people of direct conversations and the members of the open group. */
  #watch(nowMs: number): void {
    const wanted = new Set<UserId>();
    for (const room of this.rooms.values()) if (room.peer !== undefined) wanted.add(room.peer);
    const open = this.#open === undefined ? undefined : this.rooms.get(this.#open);
    for (const member of open?.members ?? []) if (member.user !== this.me) wanted.add(member.user);
    const { watched } = this.#session;
    const room = Math.min(WATCH_MAX, this.#session.limits.watchedUsersMax - watched.size);
    const users = Array.from(wanted).filter((user) => !watched.has(user)).slice(0, Math.max(room, 0));
    if (users.length === 0) return;
    this.#requests.askWhenPossible(nowMs, {
      body: { case: "watch", value: { users } },
      done: (reply) => {
        if (reply.case === "presence") this.people.notePresence(reply.value.users);
      },
    });
  }

  #loadMembers(nowMs: number, room: Room): void {
    if (room.conversation.kind !== "group" || !room.isMember) return;
    const members: Member[] = [];
    room.members = members;
    this.#requests.askWhenPossible(nowMs, {
      body: { case: "getGroup", value: { group: room.conversation.group, membersLimit: 1_000 } },
      done: (reply) => {
        if (reply.case !== "group") return;
        room.members = reply.value.members;
        room.role = reply.value.members.find((member) => member.user === this.me)?.role ?? room.role;
        room.title = reply.value.title;
        room.memberCount = reply.value.memberCount;
        this.#askNames(nowMs);
        this.#watch(nowMs);
      },
    });
  }

  #showOutgoing(id: bigint, body: Extract<Parameters<typeof laneOf>[0], { case: "send" }>): void {
    const conversation = laneOf(body, this.me);
    const name = nameOf(body);
    if (!conversation || !name) return;
    const text = new TextDecoder().decode(body.value.body);
    const { replyToSeq } = body.value;
    this.room(conversation).outgoing.push(outgoing(name.clientMessageId, id, text, replyToSeq));
  }

  #settle(room: Room): void {
    if (room.outgoing.length > 0) room.settle(this.#session.cursor(room.conversation)?.seq ?? 0n);
  }

  #noteFailure(id: bigint, error: WireError): void {
    for (const room of this.rooms.values()) {
      const outgoing = room.outgoing.find((each) => each.id === id);
      if (!outgoing) continue;
      outgoing.failed = error.message;
      outgoing.uncertain = error.code === ErrorCode.RESEND_UNKNOWN;
      const { name, text, uncertain } = outgoing;
      this.#keepFailure({ name, key: room.key, text, error: error.message, uncertain });
    }
  }
}
