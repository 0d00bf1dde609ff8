// One conversation as a person sees it: what was said, what is on its way, how far it was read.

import { type ConversationState, type Entry, EventType, type Member, Role } from "../gen/chat/v1/chat_pb.ts";
import { type Conversation, type ConversationKey, keyOf, peerOf, type Seq, type UserId } from "../ids.ts";
import { toHex } from "../session/lanes.ts";
import { Statuses } from "../statuses.ts";
import { type Item, Timeline } from "../timeline.ts";

/** Entries kept of a conversation that nobody looks at. */
const ENTRIES_KEPT = 400;

/** A message of this device that is not in the log yet, or never will be. */
export interface Outgoing {
  /** Its name, in hexadecimal. */
  readonly name: string;
  /** The request of the session. */
  readonly id: bigint;
  readonly text: string;
  readonly replyToSeq: Seq;
  /** Where it is, once the server has it. */
  seq: Seq | undefined;
  /** Refused for good, and why. */
  failed: string | undefined;
  /** It may be stored although it was refused: a person has to decide. */
  uncertain: boolean;
}

/** A message that has just been asked for. */
export function outgoing(name: Uint8Array, id: bigint, text: string, replyToSeq: Seq): Outgoing {
  return { name: toHex(name), id, text, replyToSeq, seq: undefined, failed: undefined, uncertain: false };
}

export class Room {
  readonly conversation: Conversation;
  readonly key: ConversationKey;
  /** The other person of a direct conversation. */
  readonly peer: UserId | undefined;
  readonly timeline = new Timeline();
  readonly statuses = new Statuses();
  outgoing: Outgoing[] = [];
  /** Of a group. */
  title = "";
  #memberCount = 0;
  role: Role = Role.UNSPECIFIED;
  isMember = true;
  isBlocked = false;
  /** Microseconds since 1970; -1: until it is lifted; 0: may write. */
  mutedUntilUs = 0n;
  head: Seq = 0n;
  /** How far this person has read. */
  read: Seq = 0n;
  unread = 0;
  /** There may be older entries than those that are held. */
  hasOlder = true;
  isLoading = false;
  /** Of a group, once they were asked for, by ascending id. */
  members: Member[] | undefined;
  readonly #me: UserId;

  constructor(conversation: Conversation, me: UserId) {
    this.conversation = conversation;
    this.key = keyOf(conversation);
    this.peer = peerOf(conversation, me);
    this.#me = me;
  }

  /** Of a group; 0: not known. */
  get memberCount(): number {
    return this.#memberCount;
  }

  set memberCount(count: number) {
    this.#memberCount = count;
    this.statuses.noteOthers(count - 1);
  }

  /** What a sync says. Unread is exact up to its head; what came after it was counted as it came. */
  noteState(state: ConversationState): void {
    this.isMember = state.member;
    if (!state.member) return;
    this.title = state.name;
    this.memberCount = state.memberCount;
    this.role = state.role;
    this.isBlocked = state.blocked;
    this.mutedUntilUs = state.mutedUntilUs;
    if (state.read > this.read) this.read = state.read;
    if (state.head > this.head) this.head = state.head;
    const later = this.timeline.items.filter((item) => item.seq > state.head && this.#isUnread(item)).length;
    // A mark of this device may be under way still.
    this.unread = this.read >= this.head ? 0 : this.read > state.read ? this.#unreadHeld() : Number(state.unread) + later;
    this.statuses.raise(state.peerDelivered, state.peerRead);
  }

  /** The log went on. */
  noteEntries(entries: readonly Entry[]): void {
    this.timeline.append(entries);
    for (const entry of entries) {
      if (entry.seq > this.head) this.head = entry.seq;
      if (entry.eventType === EventType.USER && entry.sender !== this.#me && entry.seq > this.read) this.unread += 1;
      if (entry.sender === this.#me) this.#arrived(entry);
      this.#noteChange(entry);
    }
  }

  /** What the session has told up to `cursor` is on its way no longer. */
  settle(cursor: Seq): void {
    const isOnItsWay = (outgoing: Outgoing): boolean => outgoing.seq === undefined || outgoing.seq > cursor;
    if (!this.outgoing.every(isOnItsWay)) this.outgoing = this.outgoing.filter(isOnItsWay);
  }

  /** The person has seen everything up to `seq`; true when that is news. */
  noteRead(seq: Seq): boolean {
    if (seq <= this.read) return false;
    this.read = seq;
    this.unread = seq >= this.head ? 0 : this.#unreadHeld();
    return true;
  }

  /** The log began anew. */
  reset(head: Seq): void {
    this.timeline.clear();
    this.statuses.reset();
    this.head = head;
    this.read = 0n;
    this.unread = 0;
    this.hasOlder = true;
  }

  /** Forgets old entries of a conversation that nobody looks at. */
  trim(): void {
    if (this.timeline.items.length <= 2 * ENTRIES_KEPT) return;
    this.timeline.trim(ENTRIES_KEPT);
    this.hasOlder = true;
  }

  /** When something happened last: microseconds since 1970; what is on its way is the newest. */
  get activityUs(): bigint {
    return this.timeline.lastItem?.timeUs ?? 0n;
  }

  get lastItem(): Item | undefined {
    return this.timeline.lastItem;
  }

  #joined(): void {
    this.isMember = true;
    this.role = Role.MEMBER;
  }

  #isUnread(item: Item): boolean {
    return item.kind === "message" && item.sender !== this.#me;
  }

  #unreadHeld(): number {
    return this.timeline.items.filter((item) => item.seq > this.read && this.#isUnread(item)).length;
  }

  /** One's own message is in the log: it is on its way no longer. */
  #arrived(entry: Entry): void {
    const name = toHex(entry.clientMessageId);
    this.outgoing = this.outgoing.filter((outgoing) => outgoing.name !== name);
  }

  #noteChange(entry: Entry): void {
    const event = entry.event?.event;
    switch (event?.case) {
      case "groupCreated":
        this.title = event.value.name;
        this.memberCount = event.value.members.length;
        this.role = event.value.owner === this.#me ? Role.OWNER : Role.MEMBER;
        break;
      case "groupUpdated":
        this.title = event.value.title;
        break;
      case "membersAdded":
        this.memberCount += event.value.members.length;
        if (event.value.members.includes(this.#me)) this.#joined();
        break;
      case "memberJoined":
        this.memberCount += 1;
        if (event.value.member === this.#me) this.#joined();
        break;
      case "membersRemoved":
        this.memberCount -= event.value.members.length;
        if (event.value.members.includes(this.#me)) this.isMember = false;
        break;
      case "memberLeft":
        this.memberCount -= 1;
        if (event.value.member === this.#me) this.isMember = false;
        if (event.value.newOwner === this.#me) this.role = Role.OWNER;
        break;
      case "groupDeleted":
        this.isMember = false;
        break;
      case "memberMuted":
        if (event.value.member === this.#me) this.mutedUntilUs = event.value.untilUs;
        break;
      case "roleChanged":
        if (event.value.member === this.#me) this.role = event.value.role;
        if (event.value.previousOwner === this.#me) this.role = Role.ADMIN;
        break;
      default:
        return;
    }
    this.members = undefined;
  }
}
