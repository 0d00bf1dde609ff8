// Connecting, the end of a connection, and when to try again.

import { describe, expect, test } from "vitest";
import { Bye_Reason, Error_Action, ErrorCode } from "../src/gen/chat/v1/chat_pb.ts";
import { ME, Rig } from "./rig.ts";

test("hello and login go in one turn, and nothing else before the answer", () => {
  const rig = new Rig();
  rig.send("early");
  rig.do((session) => session.handleOpen(0));
  expect(rig.written.map((frame) => frame.body.case)).toEqual(["hello", "login"]);
  expect(rig.lastBody("login")).toMatchObject({ deviceId: 3001n, wantSessionToken: true, method: { case: "jwt" } });
  rig.reply("hello", { case: "welcome", value: { version: 1 } });
  expect(rig.written).toHaveLength(2);
  rig.reply("login", { case: "loggedIn", value: { userId: ME } });
  expect(rig.written.map((frame) => frame.body.case)).toEqual(["hello", "login", "sync", "send"]);
  expect(rig.lastBody("sync").includeOthers).toBe(true);
});

test("a login that is not answered in time ends the connection", () => {
  const rig = new Rig();
  rig.do((session) => session.handleOpen(0));
  rig.wait(29_999);
  expect(rig.session.shouldClose()).toBe(false);
  rig.wait(1);
  expect(rig.session.shouldClose()).toBe(true);
});

test("a silent line is pinged, and is dead without a pong", () => {
  const rig = Rig.ready();
  rig.wait(239_999);
  expect(rig.all("ping")).toHaveLength(0);
  rig.wait(1);
  expect(rig.all("ping")).toHaveLength(1);
  rig.reply("ping", { case: "pong", value: {} });
  rig.wait(100_000);
  expect(rig.session.shouldClose()).toBe(false);
  rig.wait(140_000);
  expect(rig.all("ping")).toHaveLength(2);
  rig.wait(30_000);
  expect(rig.session.shouldClose()).toBe(true);
});

test("the pause doubles up to a minute, half of it random, and a login ends that", () => {
  const rig = new Rig();
  const pauses: number[] = [];
  for (let n = 0; n < 9; n += 1) {
    rig.close();
    pauses.push((rig.session.reconnectAt() ?? 0) - rig.now);
  }
  // With a random number of 0.5 three quarters of it are left.
  expect(pauses).toEqual([375, 750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000]);
  rig.logIn();
  rig.close();
  expect((rig.session.reconnectAt() ?? 0) - rig.now).toBe(375);
});

test("a person in a hurry connects at once, unless the server has said when", () => {
  const rig = Rig.ready();
  rig.close();
  rig.do((session, now) => session.hurry(now));
  expect(rig.session.reconnectAt()).toBe(rig.now);
  rig.logIn();
  rig.say(0n, { case: "bye", value: { reason: Bye_Reason.DRAIN, retryAfterMs: 1_500 } });
  expect(rig.session.shouldClose()).toBe(true);
  rig.close();
  rig.do((session, now) => session.hurry(now));
  expect(rig.session.reconnectAt()).toBe(rig.now + 1_500);
});

describe.each([
  [Bye_Reason.REPLACED, "replaced"],
  [Bye_Reason.REVOKED, "revoked"],
])("Bye %s", (reason, ending) => {
  test("ends the session", () => {
    const rig = Rig.ready();
    rig.say(0n, { case: "bye", value: { reason } });
    rig.close();
    expect(rig.events.at(-1)).toEqual({ type: "ended", ending });
    expect(rig.session.reconnectAt()).toBeUndefined();
    expect(() => rig.send("late")).toThrow("stopped");
  });
});

test("the session token is used from then on, and the JWT when that is refused", () => {
  const rig = new Rig();
  rig.logIn("token-1");
  expect(rig.events).toContainEqual(expect.objectContaining({ type: "loggedIn", sessionToken: { token: "token-1", expiresUs: 0n } }));
  rig.close();
  rig.do((session, now) => session.handleOpen(now));
  expect(rig.lastBody("login").method).toEqual({ case: "sessionToken", value: "token-1" });
  rig.refuse(rig.last("login").requestId, Error_Action.REAUTHENTICATE, ErrorCode.TOKEN_EXPIRED);
  rig.close();
  expect(rig.session.reconnectAt()).toBe(rig.now);
  rig.do((session, now) => session.handleOpen(now));
  expect(rig.lastBody("login").method).toEqual({ case: "jwt", value: "a.b.c" });
});

test("void credentials stop the session until there are others, and what was queued waits", () => {
  const rig = new Rig({ credentials: { kind: "sessionToken", token: "old" } });
  rig.send("waits");
  rig.do((session) => session.handleOpen(0));
  rig.refuse(rig.last("login").requestId, Error_Action.REAUTHENTICATE, ErrorCode.TOKEN_INVALID);
  rig.close();
  expect(rig.types()).toContain("credentialsNeeded");
  expect(rig.session.reconnectAt()).toBeUndefined();
  rig.do((session, now) => session.setCredentials(now, { kind: "sessionToken", token: "new" }));
  rig.logIn();
  expect(rig.texts()).toEqual(["waits"]);
});

test("a server that will not have this client is not asked again", () => {
  const rig = new Rig();
  rig.do((session) => session.handleOpen(0));
  rig.refuse(rig.last("hello").requestId, Error_Action.GIVE_UP, ErrorCode.VERSION);
  rig.close();
  expect(rig.types()).toContain("fatalError");
  expect(rig.session.isStopped()).toBe(true);
});

test("a logout whose answer was lost is done when the token is void", () => {
  const rig = new Rig({ credentials: { kind: "sessionToken", token: "t" } });
  rig.logIn();
  rig.do((session, now) => void session.request(now, { case: "logout", value: {} }));
  rig.close();
  rig.do((session, now) => session.handleOpen(now));
  rig.refuse(rig.last("login").requestId, Error_Action.REAUTHENTICATE, ErrorCode.TOKEN_INVALID);
  rig.close();
  expect(rig.events.at(-1)).toEqual({ type: "ended", ending: "loggedOut" });
  expect(rig.types()).not.toContain("credentialsNeeded");
});

test.each<[string, (rig: Rig) => void]>([
  ["entries before the login", (rig) => rig.say(0n, { case: "entries", value: {} })],
  ["a reply that nothing asked for", (rig) => (rig.logIn(), rig.say(99n, { case: "done", value: {} }))],
  ["a reply of another kind", (rig) => (rig.logIn(), rig.say(rig.send("x"), { case: "done", value: {} }))],
  ["another version", (rig) => rig.say(1n, { case: "welcome", value: { version: 2 } })],
  ["bytes that are no frame", (rig) => rig.do((session) => session.handleFrame(0, new Uint8Array([255, 255])))],
])("%s is a broken rule", (_, act) => {
  const rig = new Rig();
  rig.do((session) => session.handleOpen(0));
  expect(() => act(rig)).toThrow();
});

test("a body from the future is passed over", () => {
  const rig = Rig.ready();
  rig.say(0n, { case: undefined });
  expect(rig.session.stats.unknownFrames).toBe(1);
  expect(rig.session.isReady()).toBe(true);
});
