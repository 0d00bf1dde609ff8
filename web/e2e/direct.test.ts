// Two browsers talk one-to-one: names, unread, presence, typing, ticks, replies, reactions, edits, deletions, history.

import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, finish, Person } from "./browser.ts";
import { HubbubServer } from "./server.ts";

let server: HubbubServer;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  server = await HubbubServer.start();
  alice = await Person.signedIn(server, 10);
  bob = await Person.signedIn(server, 20);
});

afterAll(() => finish(server, alice, bob));

test("a first message makes the conversation on both sides, and is unread until it is seen", async () => {
  await alice.startWith(20);
  await alice.send("hello from Alice");
  await bob.row("User 10").getByText("1 unread").waitFor();
  await eventually(() => bob.page.title(), (title) => title === "(1) Hubbub", "the title tells the unread");
  await expect(bob.row("User 10").locator(".room-line").textContent()).resolves.toBe("hello from Alice");
  await alice.page.getByRole("img", { name: "Delivered" }).first().waitFor();
  await bob.open("User 10");
  await alice.page.locator(".message").getByRole("img", { name: "Read" }).waitFor();
  await expect(bob.row("User 10").locator(".unread").count()).resolves.toBe(0);
});

test("who is there and who is writing is shown", async () => {
  await bob.page.locator(".bar-title").getByText("online", { exact: true }).waitFor();
  await bob.field().pressSequentially("I am wri");
  await alice.page.locator(".conversation .bar").getByText("typing…").waitFor();
  await bob.field().fill("");
  await alice.page.locator(".conversation .bar").getByText("online", { exact: true }).waitFor();
});

test("answers, reactions, changes and deletions reach the other side", async () => {
  await bob.message("hello from Alice").hover();
  await bob.message("hello from Alice").getByRole("button", { name: "What to do" }).click();
  await bob.page.getByRole("button", { name: "Reply", exact: true }).click();
  await bob.send("an answer");
  await alice.message("an answer").locator(".quote", { hasText: "hello from Alice" }).waitFor();

  await alice.message("an answer").hover();
  await alice.message("an answer").getByRole("button", { name: "What to do" }).click();
  await alice.page.getByRole("button", { name: "👍" }).click();
  await bob.message("an answer").locator(".reactions", { hasText: "👍 1" }).waitFor();

  await bob.message("an answer").hover();
  await bob.message("an answer").getByRole("button", { name: "What to do" }).click();
  await bob.page.getByRole("button", { name: "Edit", exact: true }).click();
  await eventually(() => bob.field().inputValue(), (value) => value === "an answer", "the field holds what is changed");
  await bob.send("a better answer");
  await alice.message("a better answer").getByText("edited").waitFor();

  await bob.message("a better answer").hover();
  await bob.message("a better answer").getByRole("button", { name: "What to do" }).click();
  await bob.page.getByRole("button", { name: "Delete for everybody" }).click();
  await alice.message("Message deleted").waitFor();
  await expect(alice.words()).resolves.toEqual(["hello from Alice", "Message deleted"]);
});

test("older messages come when one scrolls up, and what one reads stays in its place", async () => {
  const count = 110;
  for (let n = 1; n <= count; n += 1) await alice.send(`line ${n}`);
  await bob.page.getByText(`line ${count}`, { exact: true }).last().waitFor();
  await bob.page.reload();
  await bob.page.locator(".messages").getByText(`line ${count}`, { exact: true }).waitFor();
  const before = await bob.words();
  expect(before.length).toBeLessThan(count);
  const list = bob.page.locator(".messages");
  // The message that stands in the middle of the window stands there still when older ones have come above it.
  await eventually(() => bob.page.getByText("Loading…").count(), (count) => count === 0, "nothing is under way");
  const middle = await list.evaluate((each) => {
    each.scrollTop = 400;
    const rows = Array.from(each.querySelectorAll(".message"));
    const at = rows.findIndex((row) => row.getBoundingClientRect().top > 300);
    return { words: rows[at]?.querySelector(".words")?.textContent ?? "", top: rows[at]?.getBoundingClientRect().top ?? 0 };
  });
  await eventually(() => bob.words(), (words) => words.length > before.length, "older ones came");
  const box = await list.getByText(middle.words, { exact: true }).boundingBox();
  const row = await list.locator(".message", { has: bob.page.getByText(middle.words, { exact: true }) }).boundingBox();
  expect(Math.abs((row?.y ?? 0) - middle.top), `${middle.words} at ${box?.y}`).toBeLessThan(3);
  await list.hover();
  await eventually(
    async () => {
      await bob.page.mouse.wheel(0, -4_000);
      return (await bob.words()).length;
    },
    (length) => length === count + 2,
    "everything is there",
  );
  const expected = ["hello from Alice", "Message deleted", ...Array.from({ length: count }, (_, n) => `line ${n + 1}`)];
  expect(await bob.words()).toEqual(expected);
  await bob.page.getByText("This is where it began.").waitFor();
  await bob.page.getByRole("button", { name: "To the newest messages" }).click();
  await eventually(
    () => list.evaluate((each) => each.scrollHeight - each.clientHeight - each.scrollTop),
    (left) => left < 5,
    "the end is shown",
  );
});
