// Browsers with people in them, and what people do on the page.

import assert from "node:assert/strict";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import type { HubbubServer } from "./server.ts";

/** A browser of this machine: none is downloaded. */
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

let shared: Promise<Browser> | undefined;

export function browser(): Promise<Browser> {
  shared ??= chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  return shared;
}

export async function closeBrowser(): Promise<void> {
  await (await shared)?.close();
  shared = undefined;
}

/** One person at a browser of their own. */
export class Person {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly user: number;
  /** What the page complained about: errors, and what its policy refused. */
  readonly complaints: string[] = [];

  constructor(page: Page, context: BrowserContext, user: number) {
    this.page = page;
    this.context = context;
    this.user = user;
    page.on("pageerror", (error) => this.complaints.push(`${error}`));
    page.on("console", (message) => {
      // A connection that is refused while the server is down is reported by the browser itself.
      const isLoss = /WebSocket connection|ERR_CONNECTION|net::ERR/.test(message.text());
      if (message.type() === "error" && !isLoss) this.complaints.push(message.text());
    });
  }

  static async at(server: HubbubServer, user: number, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await (await browser()).newContext({
      viewport: { width: 1280, height: 800 },
      locale: "en-GB",
      timezoneId: "Europe/Berlin",
      // Its certificate is made for the test.
      ignoreHTTPSErrors: server.url.startsWith("https:"),
      ...options,
    });
    const person = new Person(await context.newPage(), context, user);
    await person.page.goto(server.url);
    return person;
  }

  /** Opens the page and signs in by a token. */
  static async signedIn(server: HubbubServer, user: number, options: BrowserContextOptions = {}): Promise<Person> {
    const person = await Person.at(server, user, options);
    await person.page.getByRole("button", { name: "Token", exact: true }).click();
    await person.page.getByLabel("Token", { exact: true }).fill(server.token(user));
    await person.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await person.page.getByRole("button", { name: "New conversation" }).waitFor();
    return person;
  }

  async startWith(user: number | string): Promise<void> {
    await this.page.getByRole("button", { name: "New conversation" }).click();
    await this.page.getByLabel("User id of the other person").fill(`${user}`);
    await this.page.getByRole("button", { name: "Begin", exact: true }).click();
    await this.field().waitFor();
  }

  async startGroup(title: string, members: (number | string)[]): Promise<void> {
    await this.page.getByRole("button", { name: "New group" }).click();
    await this.page.getByLabel("Name of the group").fill(title);
    await this.page.getByLabel(/by user id$/).fill(members.join(", "));
    await this.page.getByRole("button", { name: "Create group" }).click();
    await this.page.getByRole("heading", { level: 2, name: title }).waitFor();
  }

  async open(title: string | RegExp): Promise<void> {
    await this.row(title).click();
    await this.field().waitFor();
  }

  row(title: string | RegExp): Locator {
    return this.page.locator(".room").filter({ has: this.page.locator(".room-title", { hasText: title }) });
  }

  field(): Locator {
    return this.page.getByRole("textbox", { name: "Message" });
  }

  async send(text: string): Promise<void> {
    await this.field().fill(text);
    await this.field().press("Enter");
  }

  /** The words of all messages that are shown, in order. */
  words(): Promise<string[]> {
    return this.page.locator(".message .words").allTextContents();
  }

  message(text: string): Locator {
    return this.page.locator(".message").filter({ has: this.page.locator(".words", { hasText: text }) });
  }

  /** What has become of the newest message of one's own. */
  tick(): Locator {
    return this.page.locator(".message-mine .ticks").last();
  }
}

/** The end of a file of tests: nobody's page has complained of anything. */
export async function finish(server: HubbubServer, ...people: Person[]): Promise<void> {
  for (const person of people) assert.deepEqual(person.complaints, []);
  await closeBrowser();
  await server.stop();
}

/** Waits until something holds, or says what it was instead. */
export async function eventually<T>(look: () => Promise<T>, holds: (seen: T) => boolean, what: string): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`${what}: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
