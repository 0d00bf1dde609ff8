// What people write is text and nothing else, in any script and of any length; and the page keeps to its policy.

import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { HubbubServer } from "./server.ts";

let server: HubbubServer;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  server = await HubbubServer.start();
  alice = await Person.signedIn(server, 10);
  bob = await Person.signedIn(server, 20, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await alice.startWith(20);
  await alice.send("hello");
  await bob.row("User 10").click();
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

test.each([
  ["markup", '<img src=x onerror="document.title=1"><b>bold</b><script>alert(1)</script>'],
  ["an entity", "&lt;i&gt; &amp; &#x41;"],
  ["Hebrew", "שלום עולם, this is mixed"],
  ["Arabic", "مرحبا بالعالم"],
  ["a long word", "a".repeat(600)],
  ["an override of direction", "evil \u202Etxt.exe"],
  ["emojis", "👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽"],
  ["lines", "one\ntwo\n\nfour"],
  ["a nul and controls", "a\u0007b"],
])("%s", async (_, text) => {
  await alice.field().fill(text);
  await alice.page.getByRole("button", { name: "Send" }).click();
  for (const person of [alice, bob]) {
    const last = person.page.locator(".message .words").last();
    await person.page.waitForFunction(
      (expected) => Array.from(document.querySelectorAll(".message .words")).at(-1)?.textContent === expected,
      text,
    );
    await expect(last.evaluate((each) => each.children.length)).resolves.toBe(0);
    const overflows = await person.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    expect(overflows, "the page is not wider than the window").toBe(false);
    const list = await person.page.locator(".messages").evaluate((each) => each.scrollWidth > each.clientWidth);
    expect(list, "the list is not wider than its pane").toBe(false);
  }
});

test("right-to-left text begins on the right", async () => {
  const words = bob.message("مرحبا").locator(".words");
  await expect(words.evaluate((each) => getComputedStyle(each).direction)).resolves.toBe("rtl");
});

test("a name with markup is a name", async () => {
  await alice.startGroup("<b>Bold</b> & brave", [20]);
  await expect(alice.page.locator(".conversation h2").textContent()).resolves.toBe("<b>Bold</b> & brave");
  await expect(alice.page.locator(".conversation h2 b").count()).resolves.toBe(0);
});

test.each(["#%", "#group:5", "#direct:1:2", "#direct:10:10", "#<b>", "#group:99999999999999999999"])("an address that leads nowhere: %s", async (hash) => {
  await alice.page.evaluate((hash) => {
    location.hash = hash;
  }, hash);
  await alice.page.reload();
  await alice.row("User 20").waitFor();
  await alice.page.locator(".nothing, .composer-closed").waitFor();
  await expect(alice.page.locator(".room").count()).resolves.toBe(2);
});

test("a group of somebody who does not exist is refused, and says so where it was asked for", async () => {
  await alice.page.getByRole("button", { name: "New group" }).click();
  await alice.page.getByLabel("Name of the group").fill("Ghosts");
  await alice.page.getByLabel(/by user id$/).fill("987654");
  await alice.page.getByRole("button", { name: "Create group" }).click();
  await alice.page.getByRole("dialog").getByRole("alert").waitFor();
  await alice.page.keyboard.press("Escape");
});

test("the policy allows nothing inline and nobody else, and the page keeps to it", async () => {
  const response = await alice.page.request.get(server.url);
  const policy = response.headers()["content-security-policy"] ?? "";
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
    expect(policy).toContain(part);
  }
  expect(policy).not.toContain("unsafe");
  const page = await response.text();
  expect(page).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)/);
  expect(page).not.toMatch(/https?:\/\//);
  for (const person of [alice, bob]) expect(person.complaints).toEqual([]);
});
