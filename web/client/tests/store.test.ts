// What is kept over a reload, and that it is kept apart: by user, and each thing under its own key.

import { expect, test } from "vitest";
import { type KeyValue, Session, sessionConfig, Store } from "../src/index.ts";
import { CHAT } from "./rig.ts";

class Memory implements KeyValue {
  readonly kept = new Map<string, string>();
  get length(): number {
    return this.kept.size;
  }
  key(index: number): string | null {
    return Array.from(this.kept.keys())[index] ?? null;
  }
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }
  removeItem(key: string): void {
    this.kept.delete(key);
  }
}

const newSession = (): Session => new Session(sessionConfig({ credentials: { kind: "sessionToken", token: "t" }, deviceId: 1n }), 0);

test("unanswered requests come back in their order, as resends", () => {
  const memory = new Memory();
  const session = newSession();
  const store = new Store(memory, 10n);
  for (let n = 0; n < 12; n += 1) {
    const name = session.newName();
    const body = new TextEncoder().encode(`${n}`);
    session.request(0, { case: "send", value: { to: { case: "user", value: 20n }, name, body } });
    store.apply(session.takeKeeps());
  }
  const again = newSession();
  for (const request of new Store(memory, 10n).requests()) again.restoreRequest(0, request);
  const texts = again.unanswered().map(({ body }) => (body.case === "send" ? new TextDecoder().decode(body.value.body) : ""));
  expect(texts).toEqual(Array.from({ length: 12 }, (_, n) => `${n}`));
  // What the new page adds is behind them, in storage too.
  const name = again.newName();
  again.request(0, { case: "send", value: { to: { case: "user", value: 20n }, name, body: new TextEncoder().encode("12") } });
  const store2 = new Store(memory, 10n);
  store2.apply(again.takeKeeps());
  expect(store2.requests()).toHaveLength(13);
  expect(store2.requests().at(-1)?.attempted).toBe(false);
});

test("an answered request is gone", () => {
  const memory = new Memory();
  const store = new Store(memory, 10n);
  store.apply([{ type: "put", request: { name: "aa", frame: new Uint8Array([1, 255]), attempted: true } }]);
  expect(store.requests()).toEqual([{ name: "aa", frame: new Uint8Array([1, 255]), attempted: true }]);
  store.apply([{ type: "drop", name: "aa" }]);
  expect(memory.kept.size).toBe(0);
});

test("cursors, failures and drafts come back; users are kept apart; rubbish is passed over", () => {
  const memory = new Memory();
  const store = new Store(memory, 10n);
  const cursor = { conversation: CHAT, logId: 7, seq: 2n ** 60n };
  store.saveCursors([cursor]);
  store.keepFailure({ name: "bb", key: "direct:10:20", text: "hi", error: "no", uncertain: false });
  store.saveDraft("direct:10:20", "half a thought");
  memory.setItem("hubbub/10/out/cc", "{rubbish");
  const again = new Store(memory, 10n);
  expect(again.cursors()).toEqual([cursor]);
  expect(again.failures().map((failure) => failure.text)).toEqual(["hi"]);
  expect(again.draft("direct:10:20")).toBe("half a thought");
  expect(again.requests()).toEqual([]);
  const other = new Store(memory, 1n);
  expect([other.cursors(), other.failures(), other.draft("direct:10:20")]).toEqual([[], [], ""]);
  other.clear();
  expect(again.draft("direct:10:20")).toBe("half a thought");
  again.clear();
  expect(memory.kept.size).toBe(0);
});
