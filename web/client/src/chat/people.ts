// Who people are: their names, whether they are online, who is writing.
//
// Promises: a name is asked for once; a typing signal is forgotten by itself.

import type { Profile, UserPresence } from "../gen/chat/v1/chat_pb.ts";
import type { ConversationKey, UserId } from "../ids.ts";

/** How long a typing signal is shown when nothing follows it. */
export const TYPING_SHOWN_MS = 6_000;

export interface Person {
  readonly user: UserId;
  /** Empty: not known, or the account has none. */
  name: string;
  asked: boolean;
  online: boolean;
  /** Microseconds since 1970, UTC; 0: not known, or hidden. */
  lastActiveUs: bigint;
  status: string;
}

export class People {
  readonly #people = new Map<UserId, Person>();
  readonly #typing = new Map<ConversationKey, Map<UserId, number>>();

  of(user: UserId): Person {
    let person = this.#people.get(user);
    if (!person) {
      person = { user, name: "", asked: false, online: false, lastActiveUs: 0n, status: "" };
      this.#people.set(user, person);
    }
    return person;
  }

  /** Some whose names were not asked for yet; marks them as asked for. */
  takeUnnamed(most: number): UserId[] {
    const unnamed = Array.from(this.#people.values()).filter((person) => !person.asked).slice(0, most);
    for (const person of unnamed) person.asked = true;
    return unnamed.map((person) => person.user);
  }

  noteProfile(profile: Profile): void {
    const person = this.of(profile.user);
    person.asked = true;
    person.name = profile.name;
  }

  notePresence(users: readonly UserPresence[]): void {
    for (const { user, online, lastActiveUs, status } of users) Object.assign(this.of(user), { online, lastActiveUs, status });
  }

  /** Without a connection nobody is known to be there. */
  forgetPresence(): void {
    for (const person of this.#people.values()) person.online = false;
    this.#typing.clear();
  }

  noteTyping(key: ConversationKey, user: UserId, untilMs: number | undefined): void {
    const typing = this.#typing.get(key) ?? new Map<UserId, number>();
    if (untilMs === undefined) typing.delete(user);
    else typing.set(user, untilMs);
    if (typing.size > 0) this.#typing.set(key, typing);
    else this.#typing.delete(key);
  }

  typingIn(key: ConversationKey): UserId[] {
    return Array.from(this.#typing.get(key)?.keys() ?? []);
  }

  /** Forgets who has stopped writing without saying so; true when somebody did. */
  expireTyping(nowMs: number): boolean {
    let changed = false;
    for (const [key, typing] of Array.from(this.#typing)) {
      for (const [user, until] of Array.from(typing)) {
        if (until > nowMs) continue;
        this.noteTyping(key, user, undefined);
        changed = true;
      }
    }
    return changed;
  }

  nextExpiryAt(): number | undefined {
    const times = Array.from(this.#typing.values()).flatMap((typing) => Array.from(typing.values()));
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
