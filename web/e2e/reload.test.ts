// The page is loaded again in the middle of sending: what was written is sent, once; so is what was written offline.

import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, finish, Person } from "./browser.ts";
import { HubbubServer } from "./server.ts";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));

const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** Serves the built page, and nothing else, at an address. */
async function serveFiles(url: string): Promise<Server> {
  const files = createServer((request, response) => {
    const file = join(DIST, request.url === "/" ? "index.html" : (request.url ?? ""));
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    response.end(readFileSync(file));
  });
  const { hostname, port } = new URL(url);
  await new Promise<void>((resolve) => files.listen(Number(port), hostname, resolve));
  return files;
}

let server: HubbubServer;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  server = await HubbubServer.start();
  alice = await Person.signedIn(server, 10);
  bob = await Person.signedIn(server, 20);
  await alice.startWith(20);
});

afterAll(() => finish(server, alice, bob));

test("in the middle of sending", async () => {
  const written: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    for (let n = 0; n < 4; n += 1) {
      written.push(`round ${round}, ${n}`);
      await alice.send(`round ${round}, ${n}`);
    }
    await alice.page.reload();
    await alice.field().waitFor();
  }
  await bob.open("User 10");
  for (const person of [alice, bob]) {
    await eventually(() => person.words(), (words) => words.length >= written.length, "everything arrived");
    await eventually(() => person.page.locator(".message-waiting").count(), (count) => count === 0, "nothing waits");
    await expect(person.words()).resolves.toEqual(written);
  }
});

test("while the server is away", async () => {
  await server.kill();
  await alice.send("written while it was away");
  await alice.field().fill("a draft");
  await alice.page.locator(".message-waiting", { hasText: "written while it was away" }).waitFor();
  const stored = await alice.page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("/out/")).length);
  expect(stored).toBe(1);
  // The page went with its server; a proxy, say, has it still.
  const proxy = await serveFiles(server.url);
  await alice.page.reload();
  await alice.page.locator(".message-waiting", { hasText: "written while it was away" }).waitFor();
  await expect(alice.field().inputValue()).resolves.toBe("a draft");
  proxy.close();
  proxy.closeAllConnections();
  await server.startAgain();
  await bob.message("written while it was away").waitFor();
  await alice.message("written while it was away").getByRole("img", { name: /Delivered|Read/ }).waitFor();
  const count = (words: string[]): number => words.filter((text) => text === "written while it was away").length;
  expect(count(await bob.words())).toBe(1);
  expect(count(await alice.words())).toBe(1);
});

test("a second tab of the same browser waits until it is wanted", async () => {
  const tab = await alice.context.newPage();
  await tab.goto(server.url);
  await tab.getByRole("button", { name: "Use it here" }).click();
  await tab.getByRole("button", { name: "New conversation" }).waitFor();
  await alice.page.getByRole("heading", { name: "Hubbub is open elsewhere" }).waitFor();
  await alice.page.getByRole("button", { name: "Use it here" }).click();
  await alice.page.getByRole("button", { name: "New conversation" }).waitFor();
  await tab.getByRole("heading", { name: "Hubbub is open elsewhere" }).waitFor();
  await tab.close();

  const heir = await alice.context.newPage();
  await heir.goto(server.url);
  await heir.getByRole("heading", { name: "Hubbub is open elsewhere" }).waitFor();
  await alice.page.close();
  await heir.getByRole("button", { name: "New conversation" }).waitFor();
});
