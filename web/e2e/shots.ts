// Pictures of the page at phone and desktop width, light and dark, into e2e/shots: to be looked at by a person.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { closeBrowser, Person } from "./browser.ts";
import { HubbubServer } from "./server.ts";

const DIR = fileURLToPath(new URL("./shots", import.meta.url));
const PASSWORD = "correct horse battery staple";
const SIZES = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
} as const;
type Look = "light" | "dark";

async function join(server: HubbubServer, name: string, options = {}): Promise<Person> {
  const person = await Person.at(server, 0, options);
  const { page } = person;
  await page.getByRole("button", { name: "New account" }).click();
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("E-mail address").fill(`${name.split(" ")[0]?.toLowerCase().replace("á", "a")}@example.org`);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.locator(".me", { hasText: name }).waitFor();
  return person;
}

const idOf = async ({ page }: Person): Promise<string> => (await page.locator(".me small").textContent())?.replace("id ", "") ?? "";

mkdirSync(DIR, { recursive: true });
const server = await HubbubServer.start();
const [alice, bob, carol, dave] = [
  await join(server, "Alice Moreau"),
  await join(server, "Bob"),
  await join(server, "Carol Okafor"),
  await join(server, "Dávid Szabó"),
];
const ids = { alice: await idOf(alice), bob: await idOf(bob), carol: await idOf(carol), dave: await idOf(dave) };

/** One person at a time is looked at; the others write. */
async function shoot(
  name: string,
  size: keyof typeof SIZES,
  look: Look,
  act: (person: Person) => Promise<unknown> = async () => {},
  isAlice = true,
): Promise<void> {
  const options = { ...SIZES[size], colorScheme: look, storageState: isAlice ? signedIn : undefined };
  const person = await Person.at(server, 0, options);
  const { page } = person;
  if (isAlice) await page.locator(".room").first().waitFor();
  await act(person);
  // What moves is at rest.
  await page.waitForTimeout(400);
  await page.screenshot({ path: `${DIR}/${name}-${size}-${look}.png` });
  for (const complaint of person.complaints) console.error(`${name}: ${complaint}`);
  await person.context.close();
}

await bob.startWith(ids.alice);
await bob.send("Are we still on for Saturday?");
await bob.send("The forecast says sun in the morning, then a chance of rain after three.");
await alice.open("Bob");
await alice.send("Yes! I'll bring the map and a thermos.");
await alice.send("👍");
await bob.send("Perfect. Meet at the station at 8:40?");
await bob.message("Meet at the station").waitFor();
await alice.message("Meet at the station").hover();
await alice.message("Meet at the station").getByRole("button", { name: "What to do" }).click();
await alice.page.getByRole("button", { name: "Reply", exact: true }).click();
await alice.send("8:40 works. Platform 2, at the far end, so that we are near the exit when we arrive.");
await bob.message("8:40 works").hover();
await bob.message("8:40 works").getByRole("button", { name: "What to do" }).click();
await bob.page.getByRole("button", { name: "🎉" }).click();
await alice.startGroup("Weekend walkers", [ids.bob, ids.carol, ids.dave]);
await carol.open("Weekend walkers");
await dave.open("Weekend walkers");
await bob.open("Weekend walkers");
await carol.send("Hello everybody 🥾");
await dave.send("שלום! מרחבא… and a very long word: " + "Donaudampfschifffahrtsgesellschaftskapitän".repeat(3));
await carol.send("I made a list of what to bring:\n• water\n• sun hat\n• something for lunch");
await alice.send("Wonderful, thank you, Carol");
await bob.send("Can somebody bring a second map?");
await dave.startWith(ids.alice);
await dave.send("Shall I drive to the station?");
await carol.startWith(ids.alice);
await carol.send("مرحبا أليس، هل أحضر الكعك؟");
await carol.send("Two kinds of cake then 🍰");
// Whoever is looked at is Alice, in a browser that has what hers had.
const signedIn = await alice.context.storageState();
await alice.context.close();

for (const look of ["light", "dark"] as const) {
  await shoot("sign-in", "desktop", look, ({ page }) => page.getByRole("button", { name: "New account" }).waitFor(), false);
  await shoot("sign-in", "phone", look, ({ page }) => page.getByRole("button", { name: "New account" }).click(), false);
  await shoot("list", "phone", look);
  for (const size of ["desktop", "phone"] as const) {
    await shoot("direct", size, look, async (person) => {
      await person.open("Bob");
      await bob.open("Alice Moreau");
      await bob.field().pressSequentially("I");
      await person.page.locator(".conversation .bar").getByText("typing…").waitFor();
      await bob.field().fill("");
      await bob.field().pressSequentially("I am");
    });
    await shoot("group", size, look, async (person) => {
      await person.open("Weekend walkers");
      await person.field().fill("I can bring one, and a compass");
    });
    await shoot("details", size, look, async (person) => {
      await person.open("Weekend walkers");
      await person.page.getByRole("button", { name: "Details" }).click();
      await person.page.locator(".members li").nth(3).waitFor();
    });
  }
}
await shoot("new-group", "desktop", "light", async (person) => {
  await person.page.getByRole("button", { name: "New group" }).click();
});
await shoot("menu", "phone", "light", async (person) => {
  await person.open("Bob");
  await person.message("Are we still on").getByRole("button", { name: "What to do" }).click();
});
await shoot("account", "desktop", "light", ({ page }) => page.getByRole("button", { name: "Your account" }).click());
for (const [size, look] of [["desktop", "light"], ["phone", "dark"]] as const) {
  await shoot("offline", size, look, async (person) => {
    await person.open("Bob");
    await server.kill();
    await person.page.locator(".banner:visible").waitFor();
    await person.field().fill("Written while the server is away");
    await person.page.getByRole("button", { name: "Send" }).click();
  });
  await server.startAgain();
}
await closeBrowser();
await server.stop();
