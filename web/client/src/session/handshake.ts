// The life of a connection: `Hello` and `Login` in one go, keepalive, the end, and when to try again.
//
// Promises: nothing but the handshake is written before the login is answered; a session that was replaced or refused
// for good does not connect by itself; a password is forgotten as soon as a session token stands for it.

import { type Bye, Bye_Reason, type LoggedIn, type Welcome } from "../gen/chat/v1/chat_pb.ts";
import type { Credentials } from "./config.ts";
import type { BodyInit, Core } from "./core.ts";
import { ProtocolError } from "./errors.ts";
import { limitsOf } from "./limits.ts";
import { backoffMs } from "./link.ts";
import { repeatMarks } from "./receipts.ts";
import { forgetRepairs } from "./repair.ts";
import { beginSync, transmitSyncs } from "./sync.ts";
import { watchAgain } from "./watching.ts";

/** The protocol version that this client speaks. */
export const VERSION = 1;

export function handleOpen(core: Core, nowMs: number): void {
  const { link, config } = core;
  if (link.isConnected || link.state.kind === "stopped") return;
  link.state = { kind: "opening" };
  link.retryAfterMs = undefined;
  if (link.connectedBefore) core.stats.reconnects += 1;
  link.connectedBefore = true;
  core.timers.set("reply", nowMs + config.replyTimeoutMs);
  core.write(nowMs, core.takeRequestId(), helloOf(config.clientName, config.clientVersion));
  const { deviceId, deviceName, platform, wantSessionToken } = config;
  const value = { method: methodOf(core.credentials), deviceId, deviceName, platform, wantSessionToken };
  core.write(nowMs, core.takeRequestId(), { case: "login", value });
}

export function helloOf(clientName: string, clientVersion: string): BodyInit {
  return { case: "hello", value: { versionMin: VERSION, versionMax: VERSION, clientName, clientVersion } };
}

type LoginInit = Extract<BodyInit, { case: "login" }>["value"];

export function methodOf(credentials: Credentials): NonNullable<LoginInit["method"]> {
  switch (credentials.kind) {
    case "jwt":
      return { case: "jwt", value: credentials.jwt };
    case "sessionToken":
      return { case: "sessionToken", value: credentials.token };
    case "password": {
      const { account, password } = credentials;
      const who =
        "email" in account
          ? ({ case: "email", value: account.email } as const)
          : ({ case: "userId", value: account.userId } as const);
      return { case: "password", value: { who, password } };
    }
  }
}

export function handleClose(core: Core, nowMs: number): void {
  const { link, config } = core;
  if (link.state.kind === "stopped") return;
  core.timers.clearAll();
  core.transmit.length = 0;
  core.outbox.disconnect();
  forgetRepairs(core);
  core.syncing = undefined;
  if (link.isConnected) core.emit({ type: "disconnected", bye: link.bye });
  link.bye = undefined;
  if (link.ending) core.emit({ type: "ended", ending: link.ending });
  link.ending = undefined;
  if (link.stop) {
    link.state = { kind: "stopped" };
    return;
  }
  link.failures += 1;
  const told = link.retryAfterMs !== undefined;
  const wait = link.retryAfterMs ?? backoffMs(link.failures, config.backoffMinMs, config.backoffMaxMs, config.random);
  link.retryAfterMs = undefined;
  link.state = { kind: "down", reconnectAt: nowMs + wait, told };
}

export function setCredentials(core: Core, nowMs: number, credentials: Credentials): void {
  core.credentials = credentials;
  core.fallback = undefined;
  core.link.stop = false;
  core.link.ending = undefined;
  if (core.link.state.kind === "stopped") core.link.state = { kind: "down", reconnectAt: nowMs, told: false };
}

/** Connects now instead of later, unless the server has said when to come back. */
export function hurry(core: Core, nowMs: number): void {
  const { state } = core.link;
  if (state.kind !== "down" || state.told || state.reconnectAt <= nowMs) return;
  core.link.state = { ...state, reconnectAt: nowMs };
}

/** Asks for a sign of life; the connection is dead when none comes in time. */
export function ping(core: Core, nowMs: number): void {
  if (!core.link.isReady) return;
  core.write(nowMs, core.takeRequestId(), { case: "ping", value: {} });
  core.timers.setEarliest("reply", nowMs + core.config.replyTimeoutMs);
}

export function handleWelcome(core: Core, welcome: Welcome): void {
  if (core.link.state.kind !== "opening" || welcome.version !== VERSION) throw new ProtocolError("Welcome");
  core.limits = limitsOf(welcome);
  const { serverName, limits, registration } = welcome;
  core.emit({ type: "welcomed", serverName, limits, registration });
}

export function handleLoggedIn(core: Core, nowMs: number, loggedIn: LoggedIn): void {
  const { link } = core;
  if (link.state.kind !== "opening" || (core.me !== undefined && core.me !== loggedIn.userId)) {
    throw new ProtocolError("LoggedIn");
  }
  core.me = loggedIn.userId;
  link.state = { kind: "ready" };
  link.failures = 0;
  core.timers.clear("reply");
  core.timers.set("keepalive", nowMs + core.limits.keepaliveMs);
  const { userId, created } = loggedIn;
  core.emit({ type: "loggedIn", userId, created, sessionToken: adoptSessionToken(core, loggedIn) });
  beginSync(core);
  transmitSyncs(core, nowMs, core.limits.requestsInProgressMax);
  repeatMarks(core, nowMs);
  watchAgain(core);
}

/** Later logins use the session token. A JWT is kept for when the session token is refused. */
function adoptSessionToken(core: Core, loggedIn: LoggedIn): { token: string; expiresUs: bigint } | undefined {
  if (loggedIn.sessionToken === "") return undefined;
  if (core.credentials.kind === "jwt") core.fallback = core.credentials;
  core.credentials = { kind: "sessionToken", token: loggedIn.sessionToken };
  return { token: loggedIn.sessionToken, expiresUs: loggedIn.sessionTokenExpiresUs };
}

/** The server closes, and says whether to come back. */
export function handleBye(core: Core, bye: Bye): void {
  const { link } = core;
  if (bye.reason === Bye_Reason.REPLACED) link.end("replaced");
  if (bye.reason === Bye_Reason.REVOKED) link.end("revoked");
  // After Bye{IDLE} the time comes from the backoff, after a drain from the server.
  if (bye.reason === Bye_Reason.DRAIN || bye.retryAfterMs > 0) link.retryAfterMs = bye.retryAfterMs;
  link.bye = bye;
  link.close();
}

export function handlePong(core: Core): void {
  if (!core.link.isReady) throw new ProtocolError("Pong");
  core.timers.clear("reply");
}
