// The page for everybody: by keyboard alone, for screen readers, in light and dark, on a phone.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type axe from "axe-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, eventually, Person } from "./browser.ts";
import { HubbubServer } from "./server.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

let server: HubbubServer;
let bob: Person;

beforeAll(async () => {
  server = await HubbubServer.start();
  bob = await Person.signedIn(server, 20);
  await (await Person.signedIn(server, 30)).context.close();
  const alice = await Person.signedIn(server, 10);
  await alice.startWith(20);
  await alice.send("something that is mine");
  await alice.startGroup("A group", [20, 30]);
  await bob.open("User 10");
  await bob.send("something of somebody else");
  await bob.message("something of").waitFor();
  await alice.context.close();
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

declare const window: { axe: typeof axe };

/** What axe finds wrong with the page, contrast included. */
async function faults({ page }: Person): Promise<string[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  return results.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 120)} ${node.failureSummary ?? ""}`));
}

test.each([
  ["light", "desk"],
  ["dark", "desk"],
  ["light", "phone"],
  ["dark", "phone"],
] as const)("axe finds nothing wrong: %s, %s", async (colorScheme, place) => {
  const options = { colorScheme, ...(place === "phone" ? PHONE : {}) };
  const eve = await Person.at(server, 0, options);
  await eve.page.getByRole("button", { name: "New account" }).click();
  expect(await faults(eve), "signing in").toEqual([]);
  await eve.context.close();

  const alice = await Person.signedIn(server, 10, options);
  await alice.row("User 20").waitFor();
  expect(await faults(alice), "the list").toEqual([]);
  await alice.open("User 20");
  await alice.message("something of").waitFor();
  expect(await faults(alice), "a conversation").toEqual([]);
  await alice.message("something of").getByRole("button", { name: "What to do" }).click({ force: true });
  expect(await faults(alice), "a menu").toEqual([]);
  await alice.page.keyboard.press("Escape");
  await alice.page.getByRole("button", { name: "Details" }).click();
  expect(await faults(alice), "somebody's details").toEqual([]);
  await alice.page.getByRole("button", { name: "Close" }).click();
  if (place === "phone") await alice.page.getByRole("button", { name: "Back to the list" }).click();
  await alice.open("A group");
  await alice.page.getByRole("button", { name: "Details" }).click();
  await alice.page.locator(".members li").nth(2).waitFor();
  expect(await faults(alice), "a group's details").toEqual([]);
  expect(alice.complaints).toEqual([]);
  await alice.context.close();
});

test("everything is done by keyboard", async () => {
  const alice = await Person.signedIn(server, 10);
  const { keyboard } = alice.page;
  const focused = (): Promise<string> =>
    alice.page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
  const tabTo = (label: string | RegExp): Promise<string> =>
    eventually(
      async () => {
        await keyboard.press("Tab");
        return focused();
      },
      (seen) => (typeof label === "string" ? seen === label : label.test(seen)),
      `the focus comes to ${label}`,
    );
  await alice.row("User 20").waitFor();
  await tabTo(/^.?2?User 20/);
  await keyboard.press("Enter");
  await eventually(focused, (seen) => seen === "Message", "the field has the focus");
  await keyboard.type("written by keyboard");
  await keyboard.press("Shift+Enter");
  await keyboard.type("on two lines");
  await keyboard.press("Enter");
  await bob.message("written by keyboard").waitFor();
  await expect(bob.message("written by keyboard").locator(".words").textContent()).resolves.toBe("written by keyboard\non two lines");

  await bob.page.evaluate(() => document.querySelector<HTMLElement>(".message:last-of-type .menu-opener")?.focus());
  await bob.page.keyboard.press("Enter");
  await bob.page.locator(".menu button:focus").waitFor();
  await bob.page.keyboard.press("Enter"); // The first thing in the menu: 👍.
  await alice.message("written by keyboard").locator(".reactions", { hasText: "👍 1" }).waitFor();

  await tabTo("Details").catch(() => alice.page.getByRole("button", { name: "Details" }).focus());
  await keyboard.press("Enter");
  await alice.page.getByRole("dialog").waitFor();
  await keyboard.press("Escape");
  await alice.page.getByRole("dialog").waitFor({ state: "detached" });
  await alice.context.close();
});

test("a new message is said to a screen reader, and the connection, too", async () => {
  const alice = await Person.signedIn(server, 10);
  await alice.row("User 20").waitFor();
  await bob.send("for your ears");
  await alice.page.locator("[aria-live=polite]", { hasText: "User 20: for your ears" }).waitFor({ state: "attached" });
  await server.kill();
  await alice.page.locator(".pane-room [role=status]", { hasText: "No connection" }).waitFor();
  await server.startAgain();
  await alice.page.locator(".pane-room .banner").waitFor({ state: "detached" });
  await alice.context.close();
});

test("on a phone one pane at a time, and the browser's way back leads to the list", async () => {
  const alice = await Person.signedIn(server, 10, PHONE);
  await alice.open("User 20");
  await expect(alice.page.locator(".pane-list").isVisible()).resolves.toBe(false);
  await alice.page.goBack();
  await alice.row("User 20").waitFor();
  await expect(alice.page.locator(".pane-room").isVisible()).resolves.toBe(false);
  await alice.context.close();
});
