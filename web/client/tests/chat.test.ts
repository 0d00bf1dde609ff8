// What a person is shown: unread, what is on its way, who writes, who is there, and what is fetched for it.

import { expect, test } from "vitest";
import { Error_Action, ErrorCode, SignalKind } from "../src/gen/chat/v1/chat_pb.ts";
import { Chat, type KeptFailure } from "../src/index.ts";
import { CHAT, ME, PEER, Rig, run, WIRE_CHAT } from "./rig.ts";

/** A chat on a rig, that is told the rig's events. */
class ChatRig extends Rig {
  readonly chat: Chat;
  readonly kept: KeptFailure[] = [];
  #told = 0;

  constructor() {
    super();
    this.chat = new Chat(this.session, ME, { keep: (failure) => this.kept.push(failure), drop: () => this.kept.pop() });
  }

  tell(): void {
    while (this.#told < this.events.length) {
      const event = this.events[this.#told++];
      if (event) this.chat.handle(this.now, event);
      this.do(() => {});
    }
  }

  heard(body: Parameters<Rig["say"]>[1], requestId = 0n): void {
    this.say(requestId, body);
    this.tell();
  }

  write(text: string): void {
    this.do((_, now) => this.chat.send(now, this.chat.room(CHAT), text));
  }

  get room() {
    return this.chat.room(CHAT);
  }

  get words(): string[] {
    return this.room.timeline.items.map((item) => (item.kind === "message" ? new TextDecoder().decode(item.body) : item.event.case));
  }
}

/** Logged in, with what a sync said of the one conversation. */
function ready(state: { head: bigint; read: bigint; unread: bigint; peerDelivered?: bigint } | undefined = undefined): ChatRig {
  const rig = new ChatRig();
  rig.do((session) => session.handleOpen(0));
  rig.reply("hello", { case: "welcome", value: { version: 1 } });
  rig.reply("login", { case: "loggedIn", value: { userId: ME } });
  const conversations = state ? [{ conversation: WIRE_CHAT, logId: 7, member: true, ...state }] : [];
  rig.reply("sync", { case: "synced", value: { conversations } });
  rig.tell();
  return rig;
}

test("unread is what the sync says and what comes after, until it is seen", () => {
  const rig = ready({ head: 5n, read: 3n, unread: 2n });
  expect(rig.room.unread).toBe(2);
  rig.heard(run(5, ["six"], PEER, 0n));
  rig.heard(run(6, ["my own"], ME));
  expect(rig.room.unread).toBe(3);
  expect(rig.chat.unreadTotal).toBe(3);
  rig.do((_, now) => rig.chat.seen(now, rig.room));
  expect(rig.room.unread).toBe(0);
  expect(rig.lastBody("read").upToSeq).toBe(7n);
});

test("what was read on another device is read here", () => {
  const rig = ready({ head: 5n, read: 3n, unread: 2n });
  rig.heard({ case: "receipts", value: { conversation: WIRE_CHAT, receipts: [{ user: ME, delivered: 5n, read: 5n }] } });
  expect(rig.room.unread).toBe(0);
});

test("the last lines of conversations are fetched, and older ones when they are asked for", () => {
  const rig = ready({ head: 80n, read: 80n, unread: 0n });
  expect(rig.lastBody("history")).toMatchObject({ position: { case: "beforeSeq", value: 81n }, raw: true });
  const page = run(30, Array.from({ length: 50 }, (_, n) => `${n + 31}`));
  rig.reply("history", page);
  rig.tell();
  expect(rig.room.timeline.first).toBe(31n);
  expect(rig.room.hasOlder).toBe(true);
  rig.do((_, now) => rig.chat.loadOlder(now, rig.room));
  rig.do((_, now) => rig.chat.loadOlder(now, rig.room));
  expect(rig.all("history")).toHaveLength(2);
  rig.reply("history", run(0, Array.from({ length: 30 }, (_, n) => `${n + 1}`)));
  rig.tell();
  expect([rig.words[0], rig.words.at(-1), rig.words.length, rig.room.hasOlder]).toEqual(["1", "80", 80, false]);
});

test("history that is refused for now is asked for again", () => {
  const rig = ready({ head: 2n, read: 2n, unread: 0n });
  rig.refuse(rig.last("history").requestId, Error_Action.RETRY, ErrorCode.RATE_LIMITED, 400);
  rig.tell();
  expect(rig.chat.nextTickAt()).toBe(400);
  rig.now = 400;
  rig.do((_, now) => rig.chat.tick(now));
  expect(rig.all("history")).toHaveLength(2);
});

test("a message is on its way until it is in the log, whichever comes first", () => {
  const rig = ready();
  for (const text of ["a", "b"]) rig.write(text);
  expect(rig.room.outgoing.map((outgoing) => outgoing.text)).toEqual(["a", "b"]);
  const [first, second] = rig.all("send");
  if (!first || !second) throw new Error("not written");
  const named = (seq: number, text: string, name: number) => {
    const pushed = run(seq - 1, [text], ME);
    if (pushed?.case === "entries" && pushed.value.entries?.[0]) pushed.value.entries[0].clientMessageId = new Uint8Array([name]);
    return pushed;
  };
  rig.heard(named(1, "a", 1));
  expect([rig.words, rig.room.outgoing.length]).toEqual([["a"], 1]);
  rig.heard({ case: "sent", value: { conversation: WIRE_CHAT, seq: 1n } }, first.requestId);
  rig.heard({ case: "sent", value: { conversation: WIRE_CHAT, seq: 2n } }, second.requestId);
  expect(rig.room.outgoing.length).toBe(1);
  rig.heard(named(2, "b", 2));
  expect([rig.words, rig.room.outgoing.length]).toEqual([["a", "b"], 0]);
});

test("what an earlier page had not seen answered is shown, and gone when it turns out to be stored", () => {
  const rig = new ChatRig();
  rig.write("from before");
  const chat = new Chat(rig.session, ME);
  expect(chat.room(CHAT).outgoing.map((outgoing) => outgoing.text)).toEqual(["from before"]);
  rig.session.restoreCursor(CHAT, 7, 9n);
  rig.logIn();
  rig.reply("send", { case: "sent", value: { conversation: WIRE_CHAT, seq: 8n, duplicate: true } });
  for (const event of rig.events) chat.handle(0, event);
  expect(chat.room(CHAT).outgoing).toEqual([]);
});

test("a refused message stays, with the reason, until the person decides", () => {
  const rig = ready();
  rig.write("forbidden");
  rig.refuse(rig.last("send").requestId, Error_Action.GIVE_UP, ErrorCode.BLOCKED);
  rig.tell();
  const [outgoing] = rig.room.outgoing;
  expect(outgoing?.failed).toBe("no");
  expect(rig.kept.map((failure) => failure.text)).toEqual(["forbidden"]);
  if (outgoing) rig.do((_, now) => rig.chat.sendAgain(now, rig.room, outgoing));
  expect(rig.texts()).toEqual(["forbidden", "forbidden"]);
  expect(rig.room.outgoing.map((each) => each.failed)).toEqual([undefined]);
  expect(rig.kept).toEqual([]);
});

test("typing is shown until it stops, a message comes, or it was long ago", () => {
  const rig = ready({ head: 0n, read: 0n, unread: 0n });
  const signalled = (kind: SignalKind) => ({ case: "signalled", value: { conversation: WIRE_CHAT, from: PEER, kind } }) as const;
  rig.heard(signalled(SignalKind.TYPING));
  expect(rig.chat.people.typingIn(rig.room.key)).toEqual([PEER]);
  rig.heard(signalled(SignalKind.TYPING_STOPPED));
  expect(rig.chat.people.typingIn(rig.room.key)).toEqual([]);
  rig.heard(signalled(SignalKind.TYPING));
  rig.heard(run(0, ["done"]));
  expect(rig.chat.people.typingIn(rig.room.key)).toEqual([]);
  rig.heard(signalled(SignalKind.TYPING));
  rig.now += 6_000;
  rig.do((_, now) => rig.chat.tick(now));
  expect(rig.chat.people.typingIn(rig.room.key)).toEqual([]);
});

test("one's own typing is said seldom, and taken back once", () => {
  const rig = ready();
  for (let n = 0; n < 10; n += 1) rig.do((_, now) => rig.chat.typing(now + n * 100, rig.room));
  expect(rig.all("signal")).toHaveLength(1);
  rig.do((_, now) => rig.chat.typing(now + 3_000, rig.room));
  rig.do((_, now) => rig.chat.typingStopped(now, rig.room));
  rig.do((_, now) => rig.chat.typingStopped(now, rig.room));
  expect(rig.all("signal")).toHaveLength(3);
});

test("the other person of a conversation is watched, and nobody is there without a connection", () => {
  const rig = ready({ head: 0n, read: 0n, unread: 0n });
  expect(rig.lastBody("watch").users).toEqual([PEER]);
  rig.reply("watch", { case: "presence", value: { users: [{ user: PEER, online: true, lastActiveUs: 5n }] } });
  rig.tell();
  expect(rig.chat.people.of(PEER).online).toBe(true);
  rig.close();
  rig.tell();
  expect(rig.chat.people.of(PEER).online).toBe(false);
  expect(rig.chat.state.kind).toBe("waiting");
});

test("names are asked for once, a few at a time", () => {
  const rig = ready();
  for (let user = 100n; user < 150n; user += 1n) rig.chat.people.of(user);
  rig.heard(run(0, ["hello"]));
  const asked = rig.all("getProfile").length;
  expect(asked).toBeLessThanOrEqual(16);
  rig.reply("getProfile", { case: "profile", value: { user: PEER, name: "Bob" } });
  rig.tell();
  expect(rig.all("getProfile")).toHaveLength(asked + 1);
  const users = rig.all("getProfile").map(({ body }) => (body.case === "getProfile" ? body.value.user : 0n));
  expect(new Set(users).size).toBe(users.length);
});

test("a log that began anew is shown anew", () => {
  const rig = ready({ head: 0n, read: 0n, unread: 0n });
  rig.heard(run(0, ["old"]));
  const logReset = { conversation: WIRE_CHAT, logId: 8, floor: 0n, head: 0n };
  rig.heard({ case: "error", value: { action: Error_Action.FIX_REQUEST, code: ErrorCode.LOG_RESET, logReset } });
  expect(rig.words).toEqual([]);
  expect(rig.room.unread).toBe(0);
});
