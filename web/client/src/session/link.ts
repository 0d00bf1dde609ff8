// The connection, and what is to follow it: another one at some time, or none.

import type { Bye } from "../gen/chat/v1/chat_pb.ts";
import type { Ending } from "./event.ts";

export type LinkState =
  /** No connection; the next attempt is due then. */
  | { readonly kind: "down"; readonly reconnectAt: number; readonly told: boolean }
  /** Connected; `Hello` and `Login` are on the wire. */
  | { readonly kind: "opening" }
  /** Logged in. */
  | { readonly kind: "ready" }
  /** The connection is of no more use. */
  | { readonly kind: "closing" }
  /** No connection, and none wanted. */
  | { readonly kind: "stopped" };

export class Link {
  state: LinkState;
  /** What follows this connection is not another one. */
  stop = false;
  /** Why not, when that is in order. */
  ending: Ending | undefined;
  /** Attempts since the last login. */
  failures = 0;
  connectedBefore = false;
  /** The server's word on when to come back. */
  retryAfterMs: number | undefined;
  bye: Bye | undefined;

  constructor(nowMs: number) {
    this.state = { kind: "down", reconnectAt: nowMs, told: false };
  }

  get isConnected(): boolean {
    return this.isOpen || this.state.kind === "closing";
  }

  /** What the server says still counts. */
  get isOpen(): boolean {
    return this.state.kind === "opening" || this.state.kind === "ready";
  }

  get isReady(): boolean {
    return this.state.kind === "ready";
  }

  close(): void {
    if (this.isConnected) this.state = { kind: "closing" };
  }

  /** The session stops with its connection. The first reason counts. */
  end(ending: Ending): void {
    this.stop = true;
    this.ending ??= ending;
    this.close();
  }
}

/**
 * The wait before attempt number `failures` (from 1): doubles from `min` to `max`, of which a random half is taken off,
 * so that clients that were cut off together do not come back together.
 */
export function backoffMs(failures: number, minMs: number, maxMs: number, random: () => number): number {
  const half = Math.min(minMs * 2 ** Math.min(failures - 1, 20), maxMs) / 2;
  return half + random() * half;
}
