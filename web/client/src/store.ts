// What a page keeps over a reload: cursors, unanswered requests, refused messages, drafts. Of one user, in one place.
//
// Each thing has a key of its own, so that two tabs never overwrite each other's. Promises: what `apply` has returned
// from is kept. Never holds a password; the session token lies with the account, not here.

import type { KeptFailure } from "./chat/chat.ts";
import { type Conversation, type ConversationKey, conversationOf, keyOf, type Seq, type UserId } from "./ids.ts";
import type { Keep, StoredRequest } from "./session/event.ts";

/** The part of the Web's `Storage` that is used. */
export interface KeyValue {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

interface RequestRecord {
  frame: string;
  attempted: boolean;
  order: number;
}

export class Store {
  readonly #storage: KeyValue;
  readonly #prefix: string;
  #order = 0;

  constructor(storage: KeyValue, user: UserId) {
    this.#storage = storage;
    this.#prefix = `hubbub/${user}/`;
    for (const [, record] of this.#records<RequestRecord>("out/")) this.#order = Math.max(this.#order, record.order);
  }

  /** Writes down what the session says must be. Throws when the browser has no room. */
  apply(keeps: readonly Keep[]): void {
    for (const keep of keeps) {
      const key = `${this.#prefix}out/${keep.type === "put" ? keep.request.name : keep.name}`;
      if (keep.type === "drop") {
        this.#storage.removeItem(key);
        continue;
      }
      const before = parse<RequestRecord>(this.#storage.getItem(key));
      const record: RequestRecord = {
        frame: toBase64(keep.request.frame),
        attempted: keep.request.attempted,
        order: before?.order ?? (this.#order += 1),
      };
      this.#storage.setItem(key, JSON.stringify(record));
    }
  }

  /** The requests without an answer, in the order in which they were asked. */
  requests(): StoredRequest[] {
    const records = this.#records<RequestRecord>("out/").sort(([, a], [, b]) => a.order - b.order);
    return records.map(([name, { frame, attempted }]) => ({ name, frame: fromBase64(frame), attempted }));
  }

  saveCursors(cursors: Iterable<{ conversation: Conversation; logId: number; seq: Seq }>): void {
    const saved = Array.from(cursors, ({ conversation, logId, seq }) => [keyOf(conversation), logId, `${seq}`]);
    this.#storage.setItem(`${this.#prefix}cursors`, JSON.stringify(saved));
  }

  cursors(): { conversation: Conversation; logId: number; seq: Seq }[] {
    const saved = parse<[ConversationKey, number, string][]>(this.#storage.getItem(`${this.#prefix}cursors`)) ?? [];
    return saved.flatMap(([key, logId, seq]) => {
      const conversation = conversationOf(key);
      return conversation ? [{ conversation, logId, seq: BigInt(seq) }] : [];
    });
  }

  keepFailure(failure: KeptFailure): void {
    this.#storage.setItem(`${this.#prefix}failed/${failure.name}`, JSON.stringify(failure));
  }

  dropFailure(name: string): void {
    this.#storage.removeItem(`${this.#prefix}failed/${name}`);
  }

  failures(): KeptFailure[] {
    return this.#records<KeptFailure>("failed/").map(([, failure]) => failure);
  }

  /** What was written and not sent; empty when there is nothing. */
  draft(key: ConversationKey): string {
    return this.#storage.getItem(`${this.#prefix}draft/${key}`) ?? "";
  }

  saveDraft(key: ConversationKey, text: string): void {
    if (text === "") this.#storage.removeItem(`${this.#prefix}draft/${key}`);
    else this.#storage.setItem(`${this.#prefix}draft/${key}`, text);
  }

  /** Forgets everything of this user. */
  clear(): void {
    for (const key of this.#keys(this.#prefix)) this.#storage.removeItem(key);
  }

  #records<T>(under: string): [string, T][] {
    const prefix = this.#prefix + under;
    return this.#keys(prefix).flatMap((key): [string, T][] => {
      const record = parse<T>(this.#storage.getItem(key));
      return record === undefined ? [] : [[key.slice(prefix.length), record]];
    });
  }

  #keys(prefix: string): string[] {
    const keys = Array.from({ length: this.#storage.length }, (_, at) => this.#storage.key(at));
    return keys.filter((key) => key !== null).filter((key) => key.startsWith(prefix));
  }
}

/** `undefined` for what somebody else wrote there. */
function parse<T>(json: string | null): T | undefined {
  if (json === null) return undefined;
  try {
    return JSON.parse(json) as T;
  } catch {
    return undefined;
  }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
