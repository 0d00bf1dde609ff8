// The server is killed and starts again while two people write: nothing is lost or doubled, one-to-one and in a group.

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

/** Both write, the server dies in the middle, both go on writing, and it comes back. */
async function talkOverACrash(mark: string): Promise<void> {
  const written: string[] = [];
  const write = async (person: Person, from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n += 1) {
      written.push(`${mark} ${person.user}-${n}`);
      await person.send(`${mark} ${person.user}-${n}`);
    }
  };
  await Promise.all([write(alice, 0, 15), write(bob, 0, 15)]);
  const writing = Promise.all([write(alice, 15, 25), write(bob, 15, 25)]);
  await server.kill();
  await writing;
  await alice.page.locator(".pane-room .banner").waitFor();
  await write(alice, 25, 28);
  await expect(alice.tick().getAttribute("aria-label")).resolves.toBe("Sending");
  await server.startAgain();
  for (const person of [alice, bob]) {
    // Unless it has come back by itself already.
    await person.page.locator(".pane-room .banner").getByText("Try now").click({ timeout: 500 }).catch(() => {});
  }

  const own = (words: string[]): string[] => words.filter((text) => text.startsWith(mark));
  for (const person of [alice, bob]) {
    const settled = await eventually(
      async () => ({ words: own(await person.words()), waiting: await person.page.locator(".message-waiting").count() }),
      ({ words, waiting }) => waiting === 0 && words.length >= written.length,
      "everything arrived",
    );
    expect([...settled.words].sort()).toEqual([...written].sort());
  }
  const seen = own(await alice.words());
  expect(own(await bob.words())).toEqual(seen);
  for (const { user } of [alice, bob]) {
    const mine = seen.filter((text) => text.startsWith(`${mark} ${user}-`));
    expect(mine).toEqual(written.filter((text) => text.startsWith(`${mark} ${user}-`)));
  }
  // As the server tells it to a page that knows nothing yet.
  await bob.page.reload();
  await eventually(async () => own(await bob.words()), (words) => words.length > 0, "the page came back");
  const list = bob.page.locator(".messages");
  await list.hover();
  await eventually(
    async () => {
      await bob.page.mouse.wheel(0, -4_000);
      return own(await bob.words());
    },
    (words) => words.length >= written.length,
    "the history is whole",
  );
  expect(own(await bob.words())).toEqual(seen);
}

test("one-to-one", async () => {
  await alice.startWith(20);
  await alice.send("first");
  await bob.open("User 10");
  await talkOverACrash("direct");
});

test("in a group", async () => {
  await alice.startGroup("Survivors", [20]);
  await bob.open("Survivors");
  await talkOverACrash("group");
});

test("a server that stops in good order says so, and the page comes back by itself", async () => {
  await server.kill("SIGTERM");
  await alice.page.locator(".pane-room .banner").getByText("What you write is sent when it is back").waitFor();
  await alice.send("while it restarts");
  await server.startAgain();
  await bob.message("while it restarts").waitFor();
  await alice.page.locator(".message-waiting").waitFor({ state: "detached" });
  const count = (words: string[]): number => words.filter((text) => text === "while it restarts").length;
  expect([count(await alice.words()), count(await bob.words())]).toEqual([1, 1]);
});
