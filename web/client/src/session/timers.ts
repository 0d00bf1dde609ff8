// The deadlines of a session: one slot for each purpose, on the caller's clock in milliseconds.

/** What a deadline is for. */
export type Timer =
  /** The login, or the answer to a ping, must be there. */
  | "reply"
  /** The line was silent: ping. */
  | "keepalive"
  /** Received entries are to be acknowledged. */
  | "delivered"
  /** A request that was refused for now may go out again. */
  | "retry"
  /** A gap whose repair failed may be asked for again. */
  | "repair";

export class Timers {
  readonly #at = new Map<Timer, number>();

  set(timer: Timer, atMs: number): void {
    this.#at.set(timer, atMs);
  }

  /** Arms a timer, unless it goes off earlier already. */
  setEarliest(timer: Timer, atMs: number): void {
    this.#at.set(timer, Math.min(atMs, this.#at.get(timer) ?? atMs));
  }

  isSet(timer: Timer): boolean {
    return this.#at.has(timer);
  }

  clear(timer: Timer): void {
    this.#at.delete(timer);
  }

  clearAll(): void {
    this.#at.clear();
  }

  /** Disarms `timer` and says true, when it is due. */
  takeDue(timer: Timer, nowMs: number): boolean {
    const at = this.#at.get(timer);
    if (at === undefined || at > nowMs) return false;
    this.#at.delete(timer);
    return true;
  }

  next(): number | undefined {
    return this.#at.size === 0 ? undefined : Math.min(...this.#at.values());
  }
}
