// What the server says, and whose business it is.
//
// Promises: an answer reaches the request that it fits, once; what fits nothing is an error of the server. A request
// that appends is sent again when it was refused for now; any other refusal is reported. The server's `action` decides.

import {
  type ClientFrame,
  type Entries,
  type Error as WireError,
  Error_Action,
  ErrorCode,
  type ServerFrame,
} from "../gen/chat/v1/chat_pb.ts";
import type { Core } from "./core.ts";
import { ProtocolError } from "./errors.ts";
import type { Reply } from "./event.ts";
import { handleBye, handleLoggedIn, handlePong, handleWelcome } from "./handshake.ts";
import { answerTo } from "./lanes.ts";
import { abandonRepair, handleRepair, postponeRepair, takeRepair } from "./repair.ts";
import { handleEntries, handleSynced, named, report, resetLog, syncAgain } from "./sync.ts";
import { checkContiguous } from "./tracks.ts";
import { forgetWatched } from "./watching.ts";

/** The pause before a request is sent again whose refusal names none. */
const RETRY_PAUSE_MIN_MS = 100;

export function dispatch(core: Core, nowMs: number, frame: ServerFrame): void {
  const { requestId, body } = frame;
  switch (body.case) {
    case undefined:
      core.stats.unknownFrames += 1;
      return;
    case "welcome":
      return handleWelcome(core, body.value);
    case "loggedIn":
      return handleLoggedIn(core, nowMs, body.value);
    case "pong":
      return handlePong(core);
    case "error":
      return handleError(core, nowMs, requestId, body.value);
    case "bye":
      return handleBye(core, body.value);
    default:
      if (!core.link.isReady) throw new ProtocolError("something before the login");
      return handleReady(core, nowMs, requestId, body);
  }
}

function handleReady(core: Core, nowMs: number, requestId: bigint, body: Reply): void {
  switch (body.case) {
    case "synced":
      if (!core.syncing?.open.has(requestId)) throw new ProtocolError("Synced that nothing asked for");
      return handleSynced(core, requestId, body.value);
    case "entries":
      if (requestId === 0n) return handleEntries(core, nowMs, body.value);
      return handleHistory(core, nowMs, requestId, body.value);
    case "receipts": {
      const { receipts, summaries } = body.value;
      return core.emit({ type: "receipts", conversation: named(body.value.conversation), receipts, summaries });
    }
    case "conversationChanged": {
      const { conversation, member } = body.value;
      return core.emit({ type: "conversationChanged", conversation: named(conversation), member });
    }
    case "signalled": {
      const { conversation, from, fromDevice, kind, body: bytes } = body.value;
      return core.emit({ type: "signalled", conversation: named(conversation), from, fromDevice, kind, body: bytes });
    }
    case "presence":
      if (requestId !== 0n && !core.outbox.isOwn(requestId)) return handleReply(core, requestId, body);
      if (requestId !== 0n) core.outbox.complete(requestId);
      if (body.value.users.length > 0) core.emit({ type: "presence", users: body.value.users });
      return;
    case "sent": {
      const asked = core.outbox.find(requestId);
      const conversation = named(body.value.conversation);
      if (asked) core.noteHead(conversation, 0, body.value.seq);
      if (asked?.body.case !== "send") return handleReply(core, requestId, body);
      core.outbox.complete(requestId);
      const { seq, timeUs, duplicate } = body.value;
      return core.emit({ type: "sent", id: requestId, conversation, seq, timeUs, duplicate });
    }
    case "done":
      return requestId === 0n ? undefined : handleReply(core, requestId, body);
    case "group":
      if (core.outbox.find(requestId)) {
        core.noteHead({ kind: "group", group: body.value.group }, body.value.logId, body.value.head);
      }
      return handleReply(core, requestId, body);
    default:
      return handleReply(core, requestId, body);
  }
}

function handleReply(core: Core, requestId: bigint, reply: Reply): void {
  const asked = core.outbox.find(requestId);
  if (!asked?.body.case || answerTo(asked.body.case) !== reply.case) {
    throw new ProtocolError("a reply that nothing asked for");
  }
  if (asked.body.case === "logout") core.link.end("loggedOut");
  core.outbox.complete(requestId);
  core.emit({ type: "reply", id: requestId, reply });
}

function handleHistory(core: Core, nowMs: number, requestId: bigint, run: Entries): void {
  const conversation = takeRepair(core, requestId);
  if (!conversation) {
    // Also the answer to a repair that a reset has made void.
    if (!core.outbox.find(requestId)) return;
    core.noteHead(named(run.conversation), run.logId, run.head);
    return handleReply(core, requestId, { case: "entries", value: run });
  }
  checkContiguous(run);
  const known = core.tracks.get(conversation)?.logId ?? 0;
  if (known !== 0 && known !== run.logId) {
    resetLog(core, conversation, run.logId, run.floor, run.head);
    syncAgain(core, conversation);
    return;
  }
  handleRepair(core, nowMs, conversation, run, (part, duplicates, source) => {
    report(core, nowMs, conversation, part, duplicates, source);
  });
}

/** A refusal: of one request, or of the connection. */
function handleError(core: Core, nowMs: number, requestId: bigint, error: WireError): void {
  const isSync = core.syncing?.open.has(requestId) ?? false;
  if (core.link.isReady && error.logReset) {
    const conversation = named(error.logReset.conversation);
    const { logId, floor, head } = error.logReset;
    resetLog(core, conversation, logId, floor, head);
    // The server goes on with this log and the others of a sync by itself.
    if (requestId === 0n || isSync) return;
    syncAgain(core, conversation);
  }
  if (requestId === 0n || !core.link.isReady) return connectionRefused(core, error);
  // A mute lasts longer than a queue should wait.
  const retry = error.action === Error_Action.RETRY && error.code !== ErrorCode.MUTED;
  const rateLimited = error.code === ErrorCode.RATE_LIMITED;
  if (rateLimited) core.stats.rateLimited += 1;
  const retryAt = nowMs + Math.max(error.retryAfterMs, RETRY_PAUSE_MIN_MS);
  const repaired = takeRepair(core, requestId);
  if (repaired) {
    if (retry) postponeRepair(core, repaired, retryAt);
    else abandonRepair(core, repaired);
  } else if (isSync) {
    // Without its sync the session would miss entries: begin again on a new connection.
    connectionRefused(core, error);
  } else if (retry && core.outbox.isResendable(requestId)) {
    core.outbox.retryAt(requestId, retryAt, rateLimited);
  } else {
    const own = core.outbox.isOwn(requestId);
    const failed = core.outbox.complete(requestId);
    if (failed) requestFailed(core, failed, own, error);
  }
}

function requestFailed(core: Core, failed: ClientFrame, own: boolean, error: WireError): void {
  const { requestId: id, body } = failed;
  if (body.case === "watch") {
    forgetWatched(core, body.value.users);
    if (own) return core.emit({ type: "watchEnded", users: body.value.users, error });
  }
  core.emit({ type: body.case === "send" ? "sendFailed" : "requestFailed", id, error });
}

const CREDENTIAL_CODES: readonly ErrorCode[] = [
  ErrorCode.TOKEN_INVALID,
  ErrorCode.TOKEN_EXPIRED,
  ErrorCode.WRONG_CREDENTIALS,
  ErrorCode.DEVICE_REVOKED,
];

/** The connection ends after this; whether another may follow is the error's `action`. */
function connectionRefused(core: Core, error: WireError): void {
  const { link } = core;
  if (error.action === Error_Action.REAUTHENTICATE || CREDENTIAL_CODES.includes(error.code)) {
    credentialsRefused(core, error);
  } else if (error.action === Error_Action.FIX_REQUEST || error.action === Error_Action.GIVE_UP) {
    link.stop = true;
    core.emit({ type: "fatalError", error });
  } else {
    link.retryAfterMs = error.retryAfterMs > 0 ? error.retryAfterMs : undefined;
  }
  link.close();
}

/** A session token is void, too, when the logout of an earlier connection was done and its answer was lost. */
function credentialsRefused(core: Core, error: WireError): void {
  if (core.fallback) {
    core.credentials = core.fallback;
    core.fallback = undefined;
    core.link.retryAfterMs = 0;
    return;
  }
  if (core.outbox.takeAttemptedLogout() !== undefined) return core.link.end("loggedOut");
  core.link.stop = true;
  core.emit({ type: "credentialsNeeded", error });
}
