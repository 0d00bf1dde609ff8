// Requests with names: what is written again, when, and how it is marked; what is kept, and in which order.

import { expect, test } from "vitest";
import { type ClientFrame, Error_Action, ErrorCode, SignalKind } from "../src/gen/chat/v1/chat_pb.ts";
import { CHAT, Rig, run, WIRE_CHAT } from "./rig.ts";

const nameOf = (frame: ClientFrame): { resend: boolean; afterSeq: bigint; id: string } => {
  if (frame.body.case !== "send" || !frame.body.value.name) throw new Error("not a send");
  const { resend, afterSeq, clientMessageId } = frame.body.value.name;
  return { resend, afterSeq, id: String(clientMessageId) };
};

test("after a lost connection the same name, marked, with the head of the first attempt", () => {
  const rig = Rig.ready();
  rig.say(0n, run(0, ["one", "two"]));
  rig.send("mine");
  expect(nameOf(rig.last("send"))).toEqual({ resend: false, afterSeq: 2n, id: "1" });
  rig.say(0n, run(2, ["three"]));
  rig.close();
  rig.logIn();
  expect(nameOf(rig.last("send"))).toEqual({ resend: true, afterSeq: 2n, id: "1" });
});

test("what is unanswered goes first, in its old order, after the sync and the marks", () => {
  const rig = Rig.ready();
  rig.say(0n, run(0, ["one"]));
  for (const text of ["a", "b"]) rig.send(text);
  rig.close();
  rig.send("c");
  const before = rig.written.length;
  rig.logIn();
  const kinds = rig.written.slice(before).map((frame) => frame.body.case);
  expect(kinds).toEqual(["hello", "login", "sync", "delivered", "send", "send", "send"]);
  expect(rig.texts()).toEqual(["a", "b", "a", "b", "c"]);
  expect(rig.all("send").slice(2).map((frame) => nameOf(frame).resend)).toEqual([true, true, false]);
});

test("a refusal for now holds back what is behind it in that conversation, and no other", () => {
  const rig = Rig.ready({ sendsInFlightMax: 1 });
  const first = rig.send("first");
  rig.send("second");
  rig.refuse(first, Error_Action.RETRY, ErrorCode.OVERLOADED, 500);
  expect(rig.texts()).toEqual(["first"]);
  const other = { to: { case: "group", value: 5n }, name: rig.session.newName(), body: new TextEncoder().encode("elsewhere") } as const;
  let id = 0n;
  rig.do((session, now) => (id = session.request(now, { case: "send", value: other })));
  rig.say(id, { case: "sent", value: { conversation: { kind: { case: "group", value: 5n } }, seq: 1n } });
  expect(rig.texts()).toEqual(["first", "elsewhere"]);
  rig.wait(500);
  rig.say(first, { case: "sent", value: { conversation: WIRE_CHAT, seq: 1n } });
  expect(rig.texts()).toEqual(["first", "elsewhere", "first", "second"]);
});

test("what a limit refused was not tried; what the server failed at may have been stored", () => {
  const rig = Rig.ready();
  const limited = rig.send("limited");
  rig.refuse(limited, Error_Action.RETRY, ErrorCode.RATE_LIMITED, 200);
  rig.wait(200);
  expect(nameOf(rig.last("send")).resend).toBe(false);
  rig.refuse(limited, Error_Action.RETRY, ErrorCode.INTERNAL);
  rig.wait(100);
  expect(nameOf(rig.last("send")).resend).toBe(true);
});

test("a mute is told, not waited for; so is what is refused for good", () => {
  const rig = Rig.ready();
  const id = rig.send("muted");
  rig.refuse(id, Error_Action.RETRY, ErrorCode.MUTED, 60_000);
  expect(rig.events.at(-1)).toMatchObject({ type: "sendFailed", id });
  expect(rig.session.unanswered()).toEqual([]);
});

test("a typing signal is written at once or never", () => {
  const rig = Rig.ready();
  rig.do((session, now) => session.signal(now, CHAT, SignalKind.TYPING));
  expect(rig.all("signal")).toHaveLength(1);
  rig.close();
  expect(rig.session.signal(rig.now, CHAT, SignalKind.TYPING)).toBe(false);
  rig.logIn();
  expect(rig.all("signal")).toHaveLength(1);
});

test("whom one watches is watched again after a login, until one does not", () => {
  const rig = Rig.ready();
  rig.do((session, now) => void session.request(now, { case: "watch", value: { users: [20n, 30n] } }));
  rig.reply("watch", { case: "presence", value: { users: [{ user: 20n, online: true }] } });
  rig.do((session, now) => void session.request(now, { case: "unwatch", value: { users: [30n] } }));
  rig.reply("unwatch", { case: "done", value: {} });
  rig.close();
  rig.logIn();
  expect(rig.lastBody("watch").users).toEqual([20n]);
  rig.reply("watch", { case: "presence", value: { users: [{ user: 20n, online: true }] } });
  expect(rig.events.at(-1)).toMatchObject({ type: "presence" });
});

test("a request is kept before it is written, and dropped when it is answered", () => {
  const rig = Rig.ready();
  const name = rig.session.newName();
  const id = rig.session.request(0, { case: "send", value: { to: { case: "user", value: 20n }, name } });
  const keeps = rig.session.takeKeeps();
  expect(keeps.map((keep) => keep.type === "put" && [keep.request.name, keep.request.attempted])).toEqual([["01", false], ["01", true]]);
  rig.do(() => {});
  rig.session.handleFrame(0, new Uint8Array()); // Nothing, and nothing comes of it.
  rig.say(id, { case: "sent", value: { conversation: WIRE_CHAT, seq: 1n } });
  expect(rig.session.unanswered()).toEqual([]);
});

test("bounds: too much waits, a body is too long", () => {
  const rig = new Rig({ sendsQueuedMax: 2 });
  rig.send("1");
  rig.send("2");
  expect(() => rig.send("3")).toThrow("wait for their answers");
  expect(() => new Rig().send("x".repeat(70_000))).toThrow("over the limit");
});

test("received entries are acknowledged together, and read marks only rise", () => {
  const rig = Rig.ready();
  rig.say(0n, run(0, ["one"]));
  rig.say(0n, run(1, ["two"]));
  expect(rig.all("delivered")).toHaveLength(0);
  rig.wait(200);
  expect(rig.all("delivered")).toHaveLength(1);
  expect(rig.lastBody("delivered").upToSeq).toBe(2n);
  rig.say(0n, run(2, Array.from({ length: 64 }, (_, n) => `${n}`)));
  expect(rig.lastBody("delivered").upToSeq).toBe(66n);
  rig.do((session, now) => session.read(now, CHAT, 5n));
  rig.do((session, now) => session.read(now, CHAT, 4n));
  expect(rig.all("read")).toHaveLength(1);
  rig.close();
  rig.logIn();
  expect([rig.all("read").length, rig.lastBody("read").upToSeq, rig.lastBody("delivered").upToSeq]).toEqual([2, 5n, 66n]);
});
