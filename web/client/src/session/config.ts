// What a session is told at its birth. Every bound of a session is a number here.

import type { UserId } from "../ids.ts";

/** What a login is made with. */
export type Credentials =
  /** A signed token whose subject is the user. */
  | { readonly kind: "jwt"; readonly jwt: string }
  /** Used for one login; later ones use the session token that it brings. */
  | { readonly kind: "password"; readonly account: { email: string } | { userId: UserId }; readonly password: string }
  /** What an earlier login of this device gave. */
  | { readonly kind: "sessionToken"; readonly token: string };

export interface SessionConfig {
  readonly credentials: Credentials;
  /** Chosen once, at random, by the application; not 0. */
  readonly deviceId: bigint;
  /** For people to recognise the device by, at most 64 bytes. */
  readonly deviceName: string;
  readonly platform: string;
  /** For the operator's log, at most 64 bytes each. */
  readonly clientName: string;
  readonly clientVersion: string;
  /** With a JWT: also ask for a session token, so that reconnects need no valid JWT. */
  readonly wantSessionToken: boolean;
  /** How long received entries wait for company before they are acknowledged. */
  readonly deliveredIntervalMs: number;
  /** How many received entries are acknowledged without waiting. */
  readonly deliveredEntries: number;
  /** The least time between a lost connection and the next attempt; doubles with each failure. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** How long the server may take for the login, or for the answer to a ping. */
  readonly replyTimeoutMs: number;
  /** Most requests of the application on the wire without their replies; the server's own limit counts too. */
  readonly sendsInFlightMax: number;
  /** Most requests held, on the wire or waiting for it; more are refused. */
  readonly sendsQueuedMax: number;
  /** Most entries held for one conversation while a gap before them is fetched; more are fetched again. */
  readonly bufferedEntriesMax: number;
  /** Most conversations followed; the server's talk of further ones is a protocol error. */
  readonly conversationsMax: number;
  /** Longest frame accepted from the server, in bytes. */
  readonly frameBytesMax: number;
  /** From 0 to 1, the latter excluded: jitter. */
  readonly random: () => number;
  /** A name that no other request of this device has: 1 to 16 bytes. */
  readonly newName: () => Uint8Array;
}

/** The defaults, for these credentials and this device. */
export function sessionConfig(
  required: Pick<SessionConfig, "credentials" | "deviceId"> & Partial<SessionConfig>,
): SessionConfig {
  return {
    deviceName: "",
    platform: "web",
    clientName: "hubbub-client",
    clientVersion: "0.1.0",
    wantSessionToken: true,
    deliveredIntervalMs: 200,
    deliveredEntries: 64,
    backoffMinMs: 500,
    backoffMaxMs: 60_000,
    replyTimeoutMs: 30_000,
    sendsInFlightMax: 48,
    sendsQueuedMax: 256,
    bufferedEntriesMax: 256,
    conversationsMax: 100_000,
    frameBytesMax: 1024 * 1024,
    random: Math.random,
    newName: () => crypto.getRandomValues(new Uint8Array(12)),
    ...required,
  };
}
