// Signing in: by token, by password, with a new account; what is wrong is said, and nothing secret stays behind.

import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { HubbubServer } from "./server.ts";

let server: HubbubServer;
const PASSWORD = "correct horse battery staple";

beforeAll(async () => {
  server = await HubbubServer.start();
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

test("a new account, signing out, a wrong password, the right one", async () => {
  const dora = await Person.at(server, 0);
  await dora.page.getByRole("button", { name: "New account" }).click();
  await dora.page.getByLabel("Your name").fill("Dora Ünal");
  await dora.page.getByLabel("E-mail address").fill("dora@example.org");
  await dora.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await dora.page.getByRole("button", { name: "Create account" }).click();
  await dora.page.locator(".me", { hasText: "Dora Ünal" }).waitFor();
  const kept = await dora.page.evaluate(() => JSON.stringify(localStorage));
  expect(kept).not.toContain(PASSWORD);

  await dora.page.getByRole("button", { name: "Your account" }).click();
  await dora.page.getByRole("button", { name: "Sign out…" }).click();
  await dora.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await dora.page.getByRole("heading", { name: "Sign in to Hubbub" }).waitFor();
  const left = await dora.page.evaluate(() => Object.keys(localStorage));
  expect(left).toEqual(["hubbub/device"]);

  await dora.page.getByLabel("E-mail address or user id").fill("dora@example.org");
  await dora.page.getByLabel("Password", { exact: true }).fill("wrong");
  await dora.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await dora.page.getByRole("alert").getByText("is not right").waitFor();

  await dora.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await dora.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await dora.page.locator(".me", { hasText: "Dora Ünal" }).waitFor();
  await dora.page.reload();
  await dora.page.locator(".me", { hasText: "Dora Ünal" }).waitFor();
  expect(dora.complaints).toEqual([]);
});

test("an address that is taken, and a token that is none", async () => {
  const eve = await Person.at(server, 0);
  await eve.page.getByRole("button", { name: "New account" }).click();
  await eve.page.getByLabel("Your name").fill("Eve");
  await eve.page.getByLabel("E-mail address").fill("dora@example.org");
  await eve.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await eve.page.getByRole("button", { name: "Create account" }).click();
  await eve.page.getByRole("alert").getByText("account with that address already").waitFor();

  await eve.page.getByRole("button", { name: "Token", exact: true }).click();
  await eve.page.getByLabel("Token", { exact: true }).fill("not.a.token");
  await eve.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await eve.page.getByRole("alert").getByText("not valid").waitFor();
  expect(eve.complaints).toEqual([]);
});

test("a server that is away is said to be", async () => {
  const early = await Person.at(server, 0);
  await server.kill();
  await early.page.getByLabel("E-mail address or user id").fill("1");
  await early.page.getByLabel("Password", { exact: true }).fill("x");
  await early.page.getByRole("button", { name: "Sign in", exact: true }).click();
  await early.page.getByRole("alert").getByText("could not be reached").waitFor();
  await server.startAgain();
});
