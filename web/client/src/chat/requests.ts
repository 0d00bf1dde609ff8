// Requests with what is to happen when they are answered.
//
// Promises: each is answered once, unless the session stops for good; what the server refuses for now is asked again
// after the time that it names.

import { type Error as WireError, Error_Action } from "../gen/chat/v1/chat_pb.ts";
import type { Session } from "../session.ts";
import { RequestRefused } from "../session/errors.ts";
import type { BodyInit } from "../session/core.ts";
import type { Reply, SessionEvent } from "../session/event.ts";

export interface Ask {
  readonly body: BodyInit;
  readonly done?: (reply: Reply) => void;
  readonly failed?: (error: WireError) => void;
}

/** The pause before something is asked again, at least. */
const PAUSE_MIN_MS = 200;

/** The pause before something is asked that the session has no room for. */
const FULL_PAUSE_MS = 1_000;

export class Requests {
  readonly #session: Session;
  readonly #asked = new Map<bigint, Ask>();
  #later: { readonly atMs: number; readonly ask: Ask }[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  /** Throws `RequestRefused` when the session does not take it. */
  ask(nowMs: number, ask: Ask): bigint {
    const id = this.#session.request(nowMs, ask.body);
    this.#asked.set(id, ask);
    return id;
  }

  /** Asks for what nobody waits for: when there is no room for it, later. */
  askWhenPossible(nowMs: number, ask: Ask): void {
    if (this.#session.isStopped()) return;
    try {
      this.ask(nowMs, ask);
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      this.#later.push({ atMs: nowMs + FULL_PAUSE_MS, ask });
    }
  }

  /** Takes what answers a request; true when it was one of these. */
  handle(nowMs: number, event: SessionEvent): boolean {
    if (event.type !== "reply" && event.type !== "requestFailed") return false;
    const ask = this.#asked.get(event.id);
    this.#asked.delete(event.id);
    if (event.type === "reply") ask?.done?.(event.reply);
    else if (ask && event.error.action === Error_Action.RETRY) {
      this.#later.push({ atMs: nowMs + Math.max(event.error.retryAfterMs, PAUSE_MIN_MS), ask });
    } else ask?.failed?.(event.error);
    return ask !== undefined;
  }

  /** Asks again what is due. */
  tick(nowMs: number): void {
    const due = this.#later.filter((later) => later.atMs <= nowMs);
    this.#later = this.#later.filter((later) => later.atMs > nowMs);
    for (const { ask } of due) this.askWhenPossible(nowMs, ask);
  }

  nextTickAt(): number | undefined {
    return this.#later.length === 0 ? undefined : Math.min(...this.#later.map((later) => later.atMs));
  }
}
