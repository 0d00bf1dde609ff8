// The page between its parts: who is signed in, which connection runs, what is shown.
//
// Promises: one tab of a browser runs the session at a time, since they share a device and its storage; what the page
// shows follows from what is here and in the chat.

import { Chat, Client, type Credentials, conversationOf, type Outcome, proto, type Room, runErrand, Session, sessionConfig, Store } from "hubbub-client";
import { type Account, deviceId, deviceName, forgetAccount, loadAccount, saveAccount, storage } from "./account.ts";
import { nameOf, wordsOf } from "./words.ts";

/** Where the server takes WebSockets, beside the page. */
const SOCKET_PATH = "ws";

/** How long a server that cannot be reached is left alone. */
const GREET_EVERY_MS = 3_000;

/** The lock that the tab with the session holds. */
const LOCK = "hubbub";

/** How long the lock may take before the person is told that another tab has it. */
const LOCK_PATIENCE_MS = 1_000;

export type Screen =
  | { kind: "loading" }
  /** Another tab runs the session. */
  | { kind: "elsewhere" }
  | { kind: "signIn"; notice: string }
  | { kind: "chat"; chat: Chat; client: Client; store: Store };

export class App {
  screen: Screen = { kind: "loading" };
  /** What the server says of itself; `undefined` until it has. */
  welcome: proto.Welcome | undefined;
  /** As far as the last attempt told. */
  isReachable = true;
  /** A line for the person, until it is put away. */
  notice = "";
  /** What a screen reader is told. */
  announcement = "";
  readonly #render: () => void;
  #renderWaits = false;
  /** The request for the lock, while it waits. */
  #waiting = new AbortController();
  #announcedUpTo = new Map<string, bigint>();

  constructor(render: () => void) {
    this.#render = render;
    addEventListener("hashchange", () => this.#followHash());
    addEventListener("online", () => this.#wake());
    addEventListener("pagehide", () => this.#rest());
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.#wake()));
    addEventListener("focus", () => this.changed());
  }

  get url(): string {
    const url = new URL(SOCKET_PATH, document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.hash = "";
    url.search = "";
    return url.href;
  }

  /**
   * Begins in this tab, as soon as no other one runs the session; `steal` takes it away from that one.
   */
  start(steal = false): void {
    // Without locks (a plain-text page that is not on this machine) the server's word decides: see `REPLACED`.
    if (!("locks" in navigator)) return this.#begin();
    this.#waiting.abort();
    this.#waiting = new AbortController();
    const { signal } = this.#waiting;
    // A page that is loaded again may have to wait a moment for the one before it to go.
    const patience = setTimeout(() => this.#show({ kind: "elsewhere" }), LOCK_PATIENCE_MS);
    const forever = new Promise<never>(() => {});
    const taken = navigator.locks.request(LOCK, steal ? { steal } : { signal }, () => {
      clearTimeout(patience);
      this.#begin();
      return forever;
    });
    // Given up for another request of this tab, or taken away by another tab.
    taken.catch(() => {
      clearTimeout(patience);
      if (!signal.aborted) this.#giveWay();
    });
  }

  /** Says that something may have changed; shown once for all that happens together. */
  changed(): void {
    if (this.#renderWaits) return;
    this.#renderWaits = true;
    const show = (): void => {
      this.#renderWaits = false;
      this.#announce();
      const unread = this.screen.kind === "chat" ? this.screen.chat.unreadTotal : 0;
      document.title = unread > 0 ? `(${unread}) Hubbub` : "Hubbub";
      this.#render();
    };
    if (document.hidden) setTimeout(show, 200);
    else requestAnimationFrame(show);
  }

  tell(notice: string): void {
    this.notice = notice;
    this.changed();
  }

  /** Asks the server what it offers, until it has said so. */
  async greet(): Promise<void> {
    while (this.screen.kind === "signIn") {
      const outcome = await runErrand(this.url, { kind: "greet" });
      this.isReachable = outcome.kind !== "lost";
      if (outcome.kind === "greeted") this.welcome = outcome.welcome;
      this.changed();
      if (outcome.kind === "greeted") return;
      await new Promise((resolve) => setTimeout(resolve, GREET_EVERY_MS));
    }
  }

  /** Signs in; what went wrong, if something did. */
  async signIn(credentials: Credentials): Promise<string | undefined> {
    const errand = { kind: "logIn", credentials, deviceId: deviceId(), deviceName: deviceName() } as const;
    const outcome = await runErrand(this.url, errand);
    if (outcome.kind !== "loggedIn") return complaint(outcome);
    const account = { user: outcome.userId, sessionToken: outcome.sessionToken };
    saveAccount(account);
    this.#run(account);
    return undefined;
  }

  /** Makes an account and signs in; what went wrong, if something did. */
  async register(name: string, email: string, password: string): Promise<string | undefined> {
    const outcome = await runErrand(this.url, { kind: "register", name, email, password });
    if (outcome.kind !== "registered") return complaint(outcome);
    return this.signIn({ kind: "password", account: { email }, password });
  }

  signOut(): void {
    if (this.screen.kind !== "chat") return;
    const { chat, client, store } = this.screen;
    client.run((now) => chat.logOut(now));
    store.clear();
    forgetAccount();
    // The answer, or the loss of the connection, ends it; a server that cannot be reached forgets the token later.
    if (chat.state.kind !== "live" && chat.state.kind !== "syncing") this.#toSignIn("");
  }

  /** Shows a conversation, or the list (on a phone). */
  open(room: Room | undefined): void {
    const hash = room ? `#${room.key}` : "#";
    if (location.hash === hash || (hash === "#" && location.hash === "")) this.#followHash();
    else location.hash = hash;
  }

  // ---- Inside ----

  #begin(): void {
    const account = loadAccount();
    if (account) this.#run(account);
    else this.#toSignIn("");
  }

  #run(account: Account): void {
    const store = new Store(storage, account.user);
    const credentials = { kind: "sessionToken", token: account.sessionToken } as const;
    const config = sessionConfig({ credentials, deviceId: deviceId(), deviceName: deviceName(), clientName: "hubbub-page" });
    const now = performance.now();
    const session = new Session(config, now);
    for (const { conversation, logId, seq } of store.cursors()) session.restoreCursor(conversation, logId, seq);
    for (const request of store.requests()) session.restoreRequest(now, request);
    const failures = { keep: store.keepFailure.bind(store), drop: store.dropFailure.bind(store) };
    const chat = new Chat(session, account.user, failures);
    for (const failure of store.failures()) {
      const conversation = conversationOf(failure.key);
      if (conversation) chat.restoreFailure(failure, conversation);
    }
    chat.onError = (message) => this.tell(message);
    const client = new Client({
      url: this.url,
      session,
      chat,
      store,
      onChange: () => this.#followState(),
      onToken: (sessionToken) => saveAccount({ user: account.user, sessionToken }),
      onStorageFull: () => this.tell("This browser has no room left: what you write may be lost when the page is closed."),
    });
    this.#show({ kind: "chat", chat, client, store });
    client.run(() => {});
    this.#followHash();
  }

  /** What the end of a session leads to. */
  #followState(): void {
    this.changed();
    if (this.screen.kind !== "chat") return;
    const { chat, client } = this.screen;
    if (chat.state.kind !== "stopped") return;
    switch (chat.state.why) {
      case "replaced":
        client.stop();
        return this.#show({ kind: "elsewhere" });
      case "loggedOut":
        this.screen.store.clear();
        return this.#toSignIn("");
      case "revoked":
        return this.#toSignIn("This device was signed out from another one.");
      case "credentials":
        return this.#toSignIn("Your session has ended. Please sign in again; what you wrote waits here.");
      case "fatal":
        return; // The banner says it.
    }
  }

  #toSignIn(notice: string): void {
    if (this.screen.kind === "chat") this.screen.client.stop();
    forgetAccount();
    this.#show({ kind: "signIn", notice });
    void this.greet();
  }

  /** Another tab has taken the session. */
  #giveWay(): void {
    this.#rest();
    if (this.screen.kind === "chat") this.screen.client.stop();
    this.#show({ kind: "elsewhere" });
  }

  #show(screen: Screen): void {
    this.screen = screen;
    this.changed();
  }

  #followHash(): void {
    if (this.screen.kind !== "chat") return;
    const { chat, client } = this.screen;
    const conversation = conversationOf(location.hash.slice(1));
    client.run((now) => {
      const isMine = conversation && (conversation.kind === "group" || conversation.low === chat.me || conversation.high === chat.me);
      chat.open(now, isMine ? chat.room(conversation).key : undefined);
    });
  }

  #wake(): void {
    if (this.screen.kind === "chat") this.screen.client.wake();
  }

  #rest(): void {
    if (this.screen.kind === "chat") this.screen.client.rest();
  }

  /** Tells a screen reader what others have written since the last time. */
  #announce(): void {
    if (this.screen.kind !== "chat" || this.screen.chat.state.kind !== "live") return;
    const { chat } = this.screen;
    const lines: string[] = [];
    for (const room of chat.rooms.values()) {
      const last = room.lastItem;
      const before = this.#announcedUpTo.get(room.key);
      if (!last || last.seq === before) continue;
      this.#announcedUpTo.set(room.key, last.seq);
      if (before === undefined || last.seq < before || last.kind !== "message" || last.sender === chat.me) continue;
      lines.push(`${nameOf(chat.people.of(last.sender))}: ${wordsOf(last)}`);
    }
    if (lines.length > 0) this.announcement = lines.slice(-3).join(". ");
  }
}

/** What went wrong, for a person. */
function complaint(outcome: Outcome): string {
  if (outcome.kind !== "refused") return "The server could not be reached. Is it running? Please try again.";
  const { code, message, retryAfterMs } = outcome;
  switch (code) {
    case proto.ErrorCode.WRONG_CREDENTIALS:
      return "That address, user id or password is not right.";
    case proto.ErrorCode.TOKEN_INVALID:
      return "That token is not valid here.";
    case proto.ErrorCode.TOKEN_EXPIRED:
      return "That token has expired. Please fetch a new one.";
    case proto.ErrorCode.EMAIL_TAKEN:
      return "There is an account with that address already. Sign in instead.";
    case proto.ErrorCode.RATE_LIMITED:
    case proto.ErrorCode.OVERLOADED:
      return `The server is busy. Please try again in ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s.`;
    default:
      return message;
  }
}
