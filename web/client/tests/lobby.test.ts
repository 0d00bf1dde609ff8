// Before a session: what is written first, and what comes of the answers.

import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ClientFrameSchema, ErrorCode, ServerFrameSchema } from "../src/gen/chat/v1/chat_pb.ts";
import { type Errand, Lobby, type Outcome } from "../src/index.ts";

const REGISTER: Errand = { kind: "register", name: "Alice", email: "alice@example.org", password: "secret" };
const LOG_IN: Errand = {
  kind: "logIn",
  credentials: { kind: "password", account: { userId: 10n }, password: "secret" },
  deviceId: 3001n,
  deviceName: "a browser",
};

function answer(lobby: Lobby, body: MessageInitShape<typeof ServerFrameSchema>["body"]): Outcome | undefined {
  return lobby.handleFrame(toBinary(ServerFrameSchema, create(ServerFrameSchema, { requestId: 2n, body })));
}

test.each<[string, Errand, string[]]>([
  ["greeting", { kind: "greet" }, ["hello"]],
  ["registering", REGISTER, ["hello", "register"]],
  ["logging in", LOG_IN, ["hello", "login"]],
])("%s", (_, errand, kinds) => {
  const written = new Lobby(errand).handleOpen().map((bytes) => fromBinary(ClientFrameSchema, bytes).body.case);
  expect(written).toEqual(kinds);
});

test("a welcome is the end of a greeting only", () => {
  const welcome = { case: "welcome", value: { version: 1, registration: true } } as const;
  expect(answer(new Lobby({ kind: "greet" }), welcome)).toMatchObject({ kind: "greeted", welcome: { registration: true } });
  expect(answer(new Lobby(LOG_IN), welcome)).toBeUndefined();
  expect(answer(new Lobby({ kind: "greet" }), { case: "welcome", value: { version: 9 } })).toEqual({ kind: "lost" });
});

test("what comes of the answers", () => {
  expect(answer(new Lobby(REGISTER), { case: "registered", value: { userId: 7n } })).toEqual({ kind: "registered", userId: 7n });
  const loggedIn = { case: "loggedIn", value: { userId: 10n, sessionToken: "t" } } as const;
  expect(answer(new Lobby(LOG_IN), loggedIn)).toEqual({ kind: "loggedIn", userId: 10n, sessionToken: "t" });
  const error = { case: "error", value: { code: ErrorCode.WRONG_CREDENTIALS, message: "no" } } as const;
  expect(answer(new Lobby(LOG_IN), error)).toMatchObject({ kind: "refused", code: ErrorCode.WRONG_CREDENTIALS, message: "no" });
  expect(answer(new Lobby(LOG_IN), { case: "bye", value: {} })).toEqual({ kind: "lost" });
  expect(new Lobby(LOG_IN).handleFrame(new Uint8Array([255]))).toEqual({ kind: "lost" });
});
