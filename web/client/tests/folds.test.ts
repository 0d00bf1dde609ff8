// What entries and marks amount to: messages in their newest form, reactions, changes; sent, delivered, read.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type Entry, EntrySchema, EventType, GoneReason, ReceiptSchema, ReceiptSummarySchema } from "../src/gen/chat/v1/chat_pb.ts";
import { type Message, Statuses, textOf, Timeline } from "../src/index.ts";

type EventInit = NonNullable<MessageInitShape<typeof EntrySchema>["event"]>["event"];
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const message = (seq: number, text: string, sender = 10n): Entry =>
  create(EntrySchema, { seq: BigInt(seq), sender, eventType: EventType.USER, body: bytes(text) });
const event = (seq: number, event: EventInit, sender = 10n): Entry =>
  create(EntrySchema, { seq: BigInt(seq), sender, eventType: EventType.APPLICATION, event: { event } });

const LOG = [
  message(1, "one"),
  message(2, "two"),
  event(3, { case: "messageEdited", value: { seq: 1n, body: bytes("uno") } }),
  event(4, { case: "messageReacted", value: { seq: 2n, emoji: "👍" } }, 20n),
  event(5, { case: "messageReacted", value: { seq: 2n, emoji: "👍" } }, 30n),
  event(6, { case: "messageReacted", value: { seq: 2n, emoji: "👍", removed: true } }, 20n),
  message(7, "three", 20n),
  event(8, { case: "messageRevoked", value: { seq: 7n } }, 20n),
  event(9, { case: "groupUpdated", value: { title: "New" } }),
  event(10, { case: "messageEdited", value: { seq: 1n, body: bytes("ein") } }),
  create(EntrySchema, { seq: 11n, sender: 20n, eventType: EventType.GONE, goneReason: GoneReason.EXPIRED }),
  event(12, { case: undefined }),
];

function shown(timeline: Timeline): string[] {
  return timeline.items.map((item) =>
    item.kind === "change"
      ? `${item.seq} ${item.event.case}`
      : `${item.seq} ${item.gone ?? textOf(item)}${item.edited ? "*" : ""} ${Array.from(item.reactions, ([emoji, users]) => emoji + users.size).join()}`.trim(),
  );
}

const WHOLE = ["1 ein*", "2 two 👍1", "7 revoked", "9 groupUpdated", "11 expired"];

test("the newest form of each", () => {
  const timeline = new Timeline();
  timeline.append(LOG);
  expect(shown(timeline)).toEqual(WHOLE);
});

test("the same whatever pages it comes in, twice or older last", () => {
  for (let cut = 0; cut <= LOG.length; cut += 1) {
    const timeline = new Timeline();
    timeline.append(LOG.slice(cut));
    timeline.append(LOG.slice(cut));
    timeline.prepend(LOG.slice(Math.floor(cut / 2), cut));
    timeline.prepend(LOG.slice(0, cut));
    timeline.append(LOG);
    expect(shown(timeline), `cut at ${cut}`).toEqual(WHOLE);
  }
});

test("what is trimmed can be read again", () => {
  const timeline = new Timeline();
  timeline.append(LOG);
  timeline.trim(4);
  expect(timeline.first).toBe(9n);
  timeline.prepend(LOG.slice(0, 8));
  expect(shown(timeline)).toEqual(WHOLE);
});

test("an edit after a revocation brings nothing back", () => {
  const timeline = new Timeline();
  timeline.append([message(1, "secret"), event(2, { case: "messageRevoked", value: { seq: 1n } })]);
  timeline.append([event(3, { case: "messageEdited", value: { seq: 1n, body: bytes("again") } })]);
  const [item] = timeline.items as Message[];
  expect([item?.gone, item?.body.length]).toEqual(["revoked", 0]);
});

test("bytes that are no text are no text, and broken text is shown as far as it goes", () => {
  expect(textOf({ body: bytes("{}"), contentType: "application/json" })).toBeUndefined();
  expect(textOf({ body: new Uint8Array([104, 105, 255]), contentType: "" })).toBe("hi\ufffd");
});

test("statuses never go back, in whatever order marks come", () => {
  const receipt = (delivered: number, read: number) =>
    create(ReceiptSchema, { user: 20n, delivered: BigInt(delivered), read: BigInt(read) });
  const marks = [receipt(5, 3), receipt(4, 4), receipt(2, 0), receipt(9, 1)];
  const rank = { sent: 0, delivered: 1, read: 2 };
  for (const order of [marks, [...marks].reverse()]) {
    const statuses = new Statuses();
    let before = 0;
    for (const mark of order) {
      statuses.noteReceipts(20n, [mark]);
      const now = [1n, 4n, 5n, 9n].reduce((sum, seq) => sum + rank[statuses.of(seq)], 0);
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
    expect([statuses.of(4n), statuses.of(5n), statuses.of(9n), statuses.of(10n)]).toEqual(["read", "delivered", "delivered", "sent"]);
    statuses.noteReceipts(99n, [receipt(50, 50)]);
    expect(statuses.of(50n)).toBe("sent");
  }
});

test("in a group all others count, also when how many they are is learned later", () => {
  const summary = (seq: number, deliveredCount: number, readCount: number) =>
    create(ReceiptSummarySchema, { seq: BigInt(seq), deliveredCount, readCount });
  const statuses = new Statuses();
  statuses.noteSummaries([summary(8, 2, 1)], 0);
  expect(statuses.of(8n)).toBe("sent");
  statuses.noteOthers(2);
  expect(statuses.of(8n)).toBe("delivered");
  statuses.noteSummaries([summary(8, 1, 0)], 2);
  expect(statuses.countsOf(8n)).toEqual({ delivered: 2, read: 1 });
  statuses.noteSummaries([summary(8, 2, 2)], 2);
  expect(statuses.of(8n)).toBe("read");
});
