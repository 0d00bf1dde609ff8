// What a session tells the application, in the order in which the server said it.

import type { Conversation, Seq, UserId } from "../ids.ts";
import type {
  Bye,
  ConversationState,
  Entry,
  Error as WireError,
  Limits,
  Receipt,
  ReceiptSummary,
  ServerFrame,
  SignalKind,
  UserPresence,
} from "../gen/chat/v1/chat_pb.ts";

/** How a session came by entries: pushed as they happened, by a sync, or fetched because of a gap. */
export type Source = "live" | "catchUp" | "repair";

/** Why a session ended without an error. */
export type Ending = "replaced" | "revoked" | "loggedOut";

/** The answer to a request: the body of the server's frame. */
export type Reply = Exclude<ServerFrame["body"], { case: undefined }>;

export type SessionEvent =
  /** What the server says of itself, on each connection. */
  | { type: "welcomed"; serverName: string; limits: Limits | undefined; registration: boolean }
  /** Logged in; what was queued goes out by itself. A new token is to be kept for later runs. */
  | {
      type: "loggedIn";
      userId: UserId;
      created: boolean;
      sessionToken: { token: string; expiresUs: bigint } | undefined;
    }
  /** Once after each login (and seldom after a reset): every conversation has reached the head of when the sync began. */
  | { type: "synced"; states: ConversationState[] }
  /** The log went on: what follows the entries before, without gap or duplicate. Never empty. */
  | { type: "entries"; conversation: Conversation; logId: number; entries: Entry[]; source: Source }
  /** A message is durable. `name` is that of the request. */
  | { type: "sent"; id: bigint; conversation: Conversation; seq: Seq; timeUs: bigint; duplicate: boolean }
  /** A message was refused for good; with RESEND_UNKNOWN it may be stored or not. */
  | { type: "sendFailed"; id: bigint; error: WireError }
  | { type: "reply"; id: bigint; reply: Reply }
  /** A request was refused for good. */
  | { type: "requestFailed"; id: bigint; error: WireError }
  /** Marks that rose. */
  | { type: "receipts"; conversation: Conversation; receipts: Receipt[]; summaries: ReceiptSummary[] }
  | { type: "conversationChanged"; conversation: Conversation; member: boolean }
  | { type: "presence"; users: UserPresence[] }
  /** These users are no longer watched: the server refused it after a reconnect. */
  | { type: "watchEnded"; users: UserId[]; error: WireError }
  | { type: "signalled"; conversation: Conversation; from: UserId; fromDevice: bigint; kind: SignalKind; body: Uint8Array }
  /** Numbers up to the old cursor may now mean other entries. The newest that the server has follow. */
  | { type: "logReset"; conversation: Conversation; logId: number; floor: Seq; head: Seq }
  /** The connection ended; `reconnectAt` says when to try again. */
  | { type: "disconnected"; bye: Bye | undefined }
  /** Stopped: the credentials are void. `setCredentials` lets it go on; what was queued waits. */
  | { type: "credentialsNeeded"; error: WireError }
  /** Stopped, in order. */
  | { type: "ended"; ending: Ending }
  /** Stopped: the server will not have it, and no other credentials help. */
  | { type: "fatalError"; error: WireError };

/**
 * What must be on disk before what `pollTransmit` returns is written: a request with a name, or that it was answered.
 * A session of a later run takes it back by `restoreRequest`.
 */
export type Keep =
  | { type: "put"; request: StoredRequest }
  | { type: "drop"; name: string };

/** A request without its answer. */
export interface StoredRequest {
  /** Its name in hexadecimal. */
  readonly name: string;
  /** A `ClientFrame`; its request id orders it among the others. */
  readonly frame: Uint8Array;
  /** It may have been on the wire. */
  readonly attempted: boolean;
}
