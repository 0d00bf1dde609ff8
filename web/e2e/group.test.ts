// A group: made, joined, renamed, written into by three, read, left, and somebody removed.

import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, finish, Person } from "./browser.ts";
import { HubbubServer } from "./server.ts";

let server: HubbubServer;
let alice: Person;
let bob: Person;
let carol: Person;

beforeAll(async () => {
  server = await HubbubServer.start();
  alice = await Person.signedIn(server, 10);
  bob = await Person.signedIn(server, 20);
  carol = await Person.signedIn(server, 30);
});

afterAll(() => finish(server, alice, bob, carol));

test("three people in a group", async () => {
  await alice.startGroup("Walkers", [20]);
  await bob.open("Walkers");
  await alice.send("to two");
  await bob.message("to two").waitFor();
  await alice.page.locator(".message").getByRole("img", { name: "Read" }).waitFor();

  await alice.page.getByRole("button", { name: "Details" }).click();
  await alice.page.getByLabel("Add people, by user id").fill("30");
  await alice.page.getByRole("button", { name: "Add", exact: true }).click();
  await alice.page.locator(".members").getByText("User 30").waitFor();
  await alice.page.getByLabel("Name", { exact: true }).fill("Hikers");
  await alice.page.getByRole("button", { name: "Rename" }).click();
  await alice.page.getByRole("heading", { level: 2, name: "Hikers" }).first().waitFor();
  await alice.page.getByRole("button", { name: "Close" }).click();

  await carol.open("Hikers");
  await bob.page.locator(".change", { hasText: "User 10 added User 30" }).waitFor();
  await carol.send("thanks");
  await alice.message("thanks").locator(".sender", { hasText: "User 30" }).waitFor();
  await expect(carol.words()).resolves.toEqual(["thanks"]);
  await alice.page.locator(".conversation .bar").getByText("3 members, 3 online").waitFor();
});

test("somebody leaves, somebody is removed, and neither hears what follows", async () => {
  await bob.page.getByRole("button", { name: "Details" }).click();
  await bob.page.getByRole("button", { name: "Leave this group" }).click();
  await bob.page.getByRole("button", { name: "Leave", exact: true }).click();
  await bob.page.getByText("You are no member of this group any more.").waitFor();
  await alice.page.locator(".change", { hasText: "User 20 left" }).waitFor();

  await alice.page.getByRole("button", { name: "Details" }).click();
  await alice.page.getByRole("button", { name: "Remove User 30" }).click();
  await carol.page.getByText("You are no member of this group any more.").waitFor();
  await alice.page.getByRole("button", { name: "Close" }).click();
  await alice.send("alone");
  await alice.page.locator(".message-mine", { hasText: "alone" }).getByRole("img", { name: "Sent" }).waitFor();
  expect((await carol.words()).includes("alone")).toBe(false);
  expect((await bob.words()).includes("alone")).toBe(false);
  await eventually(() => alice.page.locator(".conversation .bar p").textContent(), (text) => text === "1 member", "one is left");
});
