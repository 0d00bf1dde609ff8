// The rule at `Entries`, as a table: runs of entries against a cursor, through the session.

import { create, fromBinary, fromJson, type JsonValue, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ClientFrameSchema, ConversationSchema, EntriesSchema, ServerFrameSchema } from "../src/gen/chat/v1/chat_pb.ts";
import { type Conversation, fromWire, Session, sessionConfig } from "../src/index.ts";
import { load } from "./vectors.ts";

interface Cursor {
  log_id: number;
  seq: number;
}

interface RuleFile {
  conversation: JsonValue;
  cases: {
    name: string;
    cursor: Cursor;
    run: JsonValue;
    verdict: string;
    report: number[];
    cursor_after: Cursor;
    ask_history_after: number | null;
  }[];
}

const file = load<RuleFile>("cursor_rule.json");

/** A session that is logged in as one of the two of the file's conversation and holds `cursor`. */
function sessionAt(conversation: Conversation, cursor: Cursor): Session {
  const session = new Session(sessionConfig({ credentials: { kind: "jwt", jwt: "a.b.c" }, deviceId: 1n }), 0);
  if (cursor.log_id !== 0) session.restoreCursor(conversation, cursor.log_id, BigInt(cursor.seq));
  session.handleOpen(0);
  say(session, 1n, { case: "welcome", value: { version: 1 } });
  say(session, 2n, { case: "loggedIn", value: { userId: 10n } });
  say(session, 3n, { case: "synced", value: {} });
  session.takeEvents();
  session.takeTransmit();
  return session;
}

type DownInit = MessageInitShape<typeof ServerFrameSchema>["body"];

function say(session: Session, requestId: bigint, body: DownInit): void {
  session.handleFrame(0, toBinary(ServerFrameSchema, create(ServerFrameSchema, { requestId, body })));
}

test.each(file.cases)("$name", (rule) => {
  const conversation = fromWire(fromJson(ConversationSchema, file.conversation));
  if (!conversation) throw new Error("no conversation");
  const session = sessionAt(conversation, rule.cursor);
  say(session, 0n, { case: "entries", value: fromJson(EntriesSchema, rule.run) });

  const events = session.takeEvents();
  const reported = events.flatMap((event) => (event.type === "entries" ? event.entries.map(({ seq }) => Number(seq)) : []));
  const wasReset = events.some((event) => event.type === "logReset");
  expect(reported).toEqual(rule.report);
  const after = session.cursor(conversation);
  expect(after ? { log_id: after.logId, seq: Number(after.seq) } : { ...rule.cursor_after, seq: 0 }).toEqual(
    rule.cursor_after,
  );
  expect(wasReset).toBe(rule.verdict === "log_reset");

  const bodies = session.takeTransmit().map((bytes) => fromBinary(ClientFrameSchema, bytes).body);
  const history = bodies.find((body) => body.case === "history");
  const asked = history?.case === "history" && history.value.position.case === "afterSeq" ? Number(history.value.position.value) : null;
  if (!wasReset) expect(asked).toBe(rule.ask_history_after);
  expect(bodies.some((body) => body.case === "sync")).toBe(wasReset);
  const dropped = session.stats.droppedDuplicates > 0;
  if (rule.verdict === "gap") expect([rule.ask_history_after !== null, reported.length]).toEqual([true, 0]);
  if (rule.verdict === "duplicate") expect([rule.ask_history_after, reported.length]).toEqual([null, 0]);
  if (rule.verdict === "log_reset") expect(dropped).toBe(false);
});
