// Worlds made from a seed: three devices write into one group while connections break at any moment, pages are loaded
// again, and the server leaves out, repeats and refuses. In the end every message that was taken is in the log once, and
// every device was told the whole log, in order, without gap or duplicate.

import { expect, test } from "vitest";
import { Session, type SessionEvent, sessionConfig, type StoredRequest } from "../src/index.ts";
import { type FakeConnection, FakeServer, GROUP } from "./fake_server.ts";
import { Random } from "./random.ts";

const SEEDS = Number(process.env["SEEDS"] ?? 60);
const STEPS = 400;
const GROUP_NAME = { kind: "group", group: GROUP } as const;

/** One page: a session, the wire under it, and what would be in its storage. */
class Device {
  readonly user: bigint;
  readonly #server: FakeServer;
  readonly #random: Random;
  readonly stored = new Map<string, StoredRequest>();
  #cursor: { logId: number; seq: bigint } | undefined;
  session: Session;
  connection: FakeConnection | undefined;
  /** Texts that were told, in order. */
  told: string[] = [];
  answered = 0;
  refused = 0;

  constructor(user: bigint, server: FakeServer, random: Random) {
    this.user = user;
    this.#server = server;
    this.#random = random;
    this.session = this.#newSession(0);
  }

  #newSession(now: number): Session {
    const random = this.#random;
    const credentials = { kind: "jwt", jwt: `${this.user}` } as const;
    const newName = (): Uint8Array => random.bytes(12);
    const config = sessionConfig({ credentials, deviceId: this.user, random: random.next, newName, bufferedEntriesMax: 12 });
    const session = new Session(config, now);
    if (this.#cursor) session.restoreCursor(GROUP_NAME, this.#cursor.logId, this.#cursor.seq);
    // They lie there in the order in which they were asked for.
    for (const request of [...this.stored.values()]) session.restoreRequest(now, request);
    return session;
  }

  /** The page is loaded again: only storage stays. */
  reload(now: number): void {
    this.cut();
    this.session = this.#newSession(now);
  }

  cut(): void {
    if (this.connection) this.#server.disconnect(this.connection);
    this.connection = undefined;
  }

  send(now: number, text: string): void {
    const body = new TextEncoder().encode(text);
    const name = this.session.newName();
    this.session.request(now, { case: "send", value: { to: { case: "group", value: GROUP }, name, body } });
    this.flush(now);
  }

  /** What a page does after each call: storage first, then the wire. */
  flush(now: number): void {
    for (const keep of this.session.takeKeeps()) {
      if (keep.type === "put") this.stored.set(keep.request.name, keep.request);
      else this.stored.delete(keep.name);
    }
    for (const frame of this.session.takeTransmit()) if (this.connection) this.#server.handle(this.connection, frame);
    for (const event of this.session.takeEvents()) this.#note(event);
    if (this.connection && (this.connection.closed || this.session.shouldClose()) && this.connection.out.length === 0) {
      this.cut();
      this.session.handleClose(now);
      this.flush(now);
    }
  }

  #note(event: SessionEvent): void {
    if (event.type === "sent") this.answered += 1;
    if (event.type === "sendFailed" || event.type === "fatalError" || event.type === "credentialsNeeded") this.refused += 1;
    if (event.type === "logReset") this.told = [];
    if (event.type !== "entries") return;
    this.told.push(...event.entries.map((entry) => new TextDecoder().decode(entry.body)));
    const cursor = this.session.cursor(GROUP_NAME);
    this.#cursor = cursor;
  }

  /** Time passes, and one frame may arrive. */
  step(now: number): void {
    if ((this.session.nextTickAt() ?? Infinity) <= now) this.session.tick(now);
    if (!this.connection && (this.session.reconnectAt() ?? Infinity) <= now) {
      this.connection = this.#server.connect();
      this.session.handleOpen(now);
    }
    this.flush(now);
    const frame = this.connection?.out.shift();
    if (frame) this.session.handleFrame(now, frame);
    this.flush(now);
  }

  /** The connection breaks under the session. */
  breakLine(now: number): void {
    if (!this.connection) return;
    this.cut();
    this.session.handleClose(now);
    this.flush(now);
  }

  get isSettled(): boolean {
    return this.session.isReady() && this.stored.size === 0 && this.connection?.out.length === 0;
  }
}

function runWorld(seed: number): { server: FakeServer; devices: Device[]; written: string[] } {
  const random = new Random(seed);
  const server = new FakeServer(random);
  server.mood = { leavesOut: 0.15, repeats: 0.15, refuses: 0.1 };
  const devices = [10n, 20n, 30n].map((user) => new Device(user, server, random));
  const written: string[] = [];
  let now = 0;
  for (let step = 0; step < STEPS; step += 1) {
    now += random.below(200);
    const device = devices[random.below(devices.length)];
    if (!device) throw new Error("no device");
    const dice = random.next();
    if (dice < 0.2) {
      const text = `${device.user}-${written.length}`;
      written.push(text);
      device.send(now, text);
    } else if (dice < 0.24) device.breakLine(now);
    else if (dice < 0.27) device.reload(now);
    else if (dice < 0.28 && device.connection && !device.connection.closed) server.bye(device.connection, random.below(2_000));
    for (const each of devices) if (random.chance(0.8)) each.step(now);
  }
  server.mood = { leavesOut: 0, repeats: 0, refuses: 0 };
  // A device that missed the last push learns of it by the next.
  const writer = devices[0] as Device;
  for (let step = 0; step < 4_000 && !devices.every((device) => device.isSettled); step += 1) {
    now += 100;
    for (const device of devices) device.step(now);
  }
  written.push("last");
  writer.send(now, "last");
  for (let step = 0; step < 400; step += 1) {
    now += 100;
    for (const device of devices) device.step(now);
  }
  return { server, devices, written };
}

test(`in ${SEEDS} worlds nothing is lost, doubled or reordered`, () => {
  const sum = { repairedGaps: 0, droppedDuplicates: 0, resends: 0, reconnects: 0, rateLimited: 0 };
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { server, devices, written } = runWorld(seed);
    const log = server.log.map((entry) => new TextDecoder().decode(entry.body));
    expect([...log].sort(), `seed ${seed}: stored once each`).toEqual([...written].sort());
    for (const device of devices) {
      expect(device.stored.size, `seed ${seed}: all answered`).toBe(0);
      expect(device.refused, `seed ${seed}: none refused`).toBe(0);
      expect(device.told, `seed ${seed}: user ${device.user} was told the log`).toEqual(log);
      expect(server.delivered.get(device.user), `seed ${seed}: acknowledged`).toBe(BigInt(log.length));
      const { stats } = device.session;
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += stats[key];
    }
  }
  // The worlds were as unkind as they are meant to be.
  for (const [what, count] of Object.entries(sum)) expect(count, what).toBeGreaterThan(SEEDS / 10);
}, 300_000);

test("what one device writes into a group keeps its order, without refusals", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = new Random(seed);
    const server = new FakeServer(random);
    const device = new Device(10n, server, random);
    let now = 0;
    for (let n = 0; n < 40; n += 1) {
      now += random.below(300);
      device.send(now, `${n}`);
      if (random.chance(0.2)) device.breakLine(now);
      if (random.chance(0.1)) device.reload(now);
      device.step(now);
    }
    for (let step = 0; step < 500; step += 1) device.step((now += 100));
    const log = server.log.map((entry) => new TextDecoder().decode(entry.body));
    expect(log, `seed ${seed}`).toEqual(Array.from({ length: 40 }, (_, n) => `${n}`));
  }
}, 60_000);

test("a log that began anew is read from its start, and what was unanswered goes into it", () => {
  const random = new Random(1);
  const server = new FakeServer(random);
  const [one, two] = [new Device(10n, server, random), new Device(20n, server, random)];
  let now = 0;
  const settle = (): void => {
    for (let step = 0; step < 40; step += 1) {
      now += 100;
      one.step(now);
      two.step(now);
    }
  };
  settle();
  one.send(now, "lost with the log");
  settle();
  expect(two.told).toEqual(["lost with the log"]);
  two.breakLine(now);
  server.reset();
  one.send(now, "kept");
  settle();
  expect(one.told).toEqual(["kept"]);
  expect(two.told).toEqual(["kept"]);
  expect(two.session.cursor(GROUP_NAME)).toEqual({ logId: 2, seq: 1n });
});
