// A real server in a directory of its own, that can be killed and started again.
//
// HUBBUB_BIN   the server (default: target/release/hubbub)
// HUBBUB_ARGS  further arguments for it, such as those of TLS
// HUBBUB_URL   where the page is, when it is not at the server's own listener: a proxy's address

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BIN = process.env["HUBBUB_BIN"] ?? fileURLToPath(new URL("../../target/release/hubbub", import.meta.url));
const ARGS = (process.env["HUBBUB_ARGS"] ?? "").split(" ").filter((arg) => arg !== "");

export class HubbubServer {
  readonly #dir = mkdtempSync(join(tmpdir(), "hubbub-e2e-"));
  #process: ChildProcess | undefined;
  #listen = "127.0.0.1:0";
  #httpListen = "127.0.0.1:0";
  /** Where the page is. */
  url = "";

  static async start(): Promise<HubbubServer> {
    const server = new HubbubServer();
    await server.startAgain();
    return server;
  }

  /** Starts on the same data and ports. */
  async startAgain(): Promise<void> {
    const addresses = join(this.#dir, "addresses.json");
    rmSync(addresses, { force: true });
    const listen = ["--listen", this.#listen, "--http-listen", this.#httpListen, "--metrics-listen", "127.0.0.1:0"];
    const args = ["--data-dir", this.#dir, ...listen, ...ARGS];
    this.#process = spawn(BIN, args, { stdio: ["ignore", "ignore", process.env["HUBBUB_LOG"] ? "inherit" : "ignore"] });
    const deadline = Date.now() + 20_000;
    while (!existsSync(addresses)) {
      if (Date.now() > deadline || this.#process.exitCode !== null) throw new Error("the server did not start");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const found: unknown = JSON.parse(readFileSync(addresses, "utf8"));
    if (typeof found !== "object" || !found || !("clients" in found) || !("http" in found)) throw new Error("no addresses");
    this.#listen = String(found.clients);
    this.#httpListen = String(found.http);
    this.url = process.env["HUBBUB_URL"] ?? `http://${this.#httpListen}/`;
  }

  /** Ends it as a crash does, or in good order. */
  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const ended = this.#process;
    this.#process = undefined;
    if (!ended || ended.exitCode !== null) return;
    const gone = new Promise((resolve) => ended.once("exit", resolve));
    ended.kill(signal);
    await gone;
  }

  /** A login token for a user. */
  token(user: number): string {
    return execFileSync(BIN, ["token", "--user", `${user}`, "--data-dir", this.#dir], { encoding: "utf8" }).trim();
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
