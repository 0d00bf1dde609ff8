// A WebSocket under a session: connects when it says so, carries frames, keeps the clock, writes down what must be kept.
//
// Promises: what must be kept is kept before the frame that needs it leaves; the application is told once after
// everything that happened together. A thin shell: whatever has rules is in the session and the chat.

import type { Chat } from "./chat/chat.ts";
import { Lobby, type Errand, type Outcome } from "./lobby.ts";
import type { Session } from "./session.ts";
import type { Store } from "./store.ts";

/** What is spoken on the socket. */
export const SUBPROTOCOL = "hubbub.v1";

/** How long a connection may take to stand, and an errand to be done. */
const CONNECT_TIMEOUT_MS = 15_000;

/** How long cursors wait for company before they are written down. */
const CURSORS_SAVED_EVERY_MS = 500;

export interface ClientParts {
  readonly url: string;
  readonly session: Session;
  readonly chat: Chat;
  readonly store: Store;
  /** Something may have changed: show it. */
  readonly onChange: () => void;
  /** A new session token, to be kept. */
  readonly onToken: (token: string) => void;
  /** The browser has no room to keep what must be kept. */
  readonly onStorageFull: () => void;
}

export class Client {
  readonly #parts: ClientParts;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #connectBy: number | undefined;
  #cursorsDirtyAt: number | undefined;
  #stopped = false;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /** Does something with the session or the chat, and what follows from it. */
  run<T>(act: (nowMs: number) => T): T {
    try {
      return act(now());
    } finally {
      this.#settle();
    }
  }

  /** The network is back, or the device woke up: look at once. */
  wake(): void {
    this.run((nowMs) => {
      this.#parts.session.hurry(nowMs);
      this.#parts.session.ping(nowMs);
    });
  }

  /** Writes down and acknowledges what waits: before the page goes. */
  rest(): void {
    if (this.#stopped) return;
    this.run((nowMs) => this.#parts.session.acknowledge(nowMs));
    this.#saveCursors();
  }

  /** Closes, for good; writes nothing down any more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  #connect(nowMs: number): void {
    const { url, chat } = this.#parts;
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#connectBy = nowMs + CONNECT_TIMEOUT_MS;
    chat.noteConnecting(undefined);
    const ifCurrent = (act: () => void) => (): void => {
      if (this.#socket === socket) this.run(act);
    };
    socket.onopen = ifCurrent(() => {
      this.#connectBy = undefined;
      this.#parts.session.handleOpen(now());
    });
    socket.onclose = ifCurrent(() => this.#lost());
    socket.onmessage = (message: MessageEvent<unknown>) => ifCurrent(() => this.#take(message.data))();
  }

  #take(data: unknown): void {
    try {
      if (!(data instanceof ArrayBuffer)) throw new TypeError("a message of text");
      this.#parts.session.handleFrame(now(), new Uint8Array(data));
    } catch (error) {
      console.warn("hubbub: the server broke the rules:", error instanceof Error ? error.message : error);
      this.#lost();
    }
  }

  #lost(): void {
    this.#drop();
    this.#parts.session.handleClose(now());
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#connectBy = undefined;
    socket?.close();
  }

  /** Carries out what the session wants, until it wants nothing more, and tells the application. */
  #settle(): void {
    if (this.#stopped) return;
    const { session, chat, onChange } = this.#parts;
    const nowMs = now();
    if (this.#connectBy !== undefined && this.#connectBy <= nowMs) this.#lost();
    if ((session.nextTickAt() ?? Infinity) <= nowMs) session.tick(nowMs);
    if ((chat.nextTickAt() ?? Infinity) <= nowMs) chat.tick(nowMs);
    // Handling an event may ask for more, and closing brings events.
    for (let again = true; again; ) {
      this.#write();
      const events = session.takeEvents();
      for (const event of events) {
        if (event.type === "loggedIn" && event.sessionToken) this.#parts.onToken(event.sessionToken.token);
        if (event.type === "entries" || event.type === "logReset") this.#cursorsDirtyAt ??= nowMs;
        chat.handle(nowMs, event);
      }
      again = events.length > 0;
      if (session.shouldClose()) {
        this.#lost();
        again = true;
      }
    }
    if (!this.#socket) {
      const at = session.reconnectAt();
      if (at !== undefined && at <= nowMs) this.#connect(nowMs);
      else if (at !== undefined) chat.noteConnecting(at);
    }
    if (this.#cursorsDirtyAt !== undefined && nowMs >= this.#cursorsDirtyAt + CURSORS_SAVED_EVERY_MS) this.#saveCursors();
    this.#arm(nowMs);
    onChange();
  }

  #write(): void {
    const { session, store, onStorageFull } = this.#parts;
    try {
      store.apply(session.takeKeeps());
    } catch {
      onStorageFull();
    }
    for (const frame of session.takeTransmit()) {
      if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(frame as Uint8Array<ArrayBuffer>);
    }
  }

  #saveCursors(): void {
    this.#cursorsDirtyAt = undefined;
    try {
      this.#parts.store.saveCursors(this.#parts.session.cursors());
    } catch {
      this.#parts.onStorageFull();
    }
  }

  #arm(nowMs: number): void {
    clearTimeout(this.#timer);
    const { session, chat } = this.#parts;
    const saveAt = this.#cursorsDirtyAt === undefined ? undefined : this.#cursorsDirtyAt + CURSORS_SAVED_EVERY_MS;
    const connectAt = this.#socket ? this.#connectBy : session.reconnectAt();
    const times = [session.nextTickAt(), chat.nextTickAt(), saveAt, connectAt].filter((time) => time !== undefined);
    if (times.length > 0) this.#timer = setTimeout(() => this.run(() => {}), Math.max(Math.min(...times) - nowMs, 1));
  }
}

/** Does one errand on a connection of its own. */
export function runErrand(url: string, errand: Errand): Promise<Outcome> {
  return new Promise((resolve) => {
    const lobby = new Lobby(errand);
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    const end = (outcome: Outcome): void => {
      clearTimeout(timer);
      socket.onclose = null;
      socket.onmessage = null;
      socket.close();
      resolve(outcome);
    };
    const timer = setTimeout(() => end({ kind: "lost" }), CONNECT_TIMEOUT_MS);
    socket.onopen = () => {
      for (const frame of lobby.handleOpen()) socket.send(frame as Uint8Array<ArrayBuffer>);
    };
    socket.onclose = () => end({ kind: "lost" });
    socket.onmessage = (message: MessageEvent<unknown>) => {
      const outcome = message.data instanceof ArrayBuffer ? lobby.handleFrame(new Uint8Array(message.data)) : undefined;
      if (outcome) end(outcome);
    };
  });
}

function now(): number {
  return performance.now();
}
