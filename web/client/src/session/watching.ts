// Whom the application watches.
//
// Promises: the session watches them again after each login, until the application unwatches them or the server refuses.

import { create } from "@bufbuild/protobuf";
import { ClientFrameSchema } from "../gen/chat/v1/chat_pb.ts";
import type { UserId } from "../ids.ts";
import type { Core } from "./core.ts";

/** The most users of one `Watch`, by the protocol. */
export const WATCH_MAX = 1_000;

/** A new connection watches nobody: asks for all again. */
export function watchAgain(core: Core): void {
  const users = Array.from(core.watched);
  for (let at = 0; at < users.length; at += WATCH_MAX) {
    const body = { case: "watch", value: { users: users.slice(at, at + WATCH_MAX) } } as const;
    core.outbox.push(create(ClientFrameSchema, { requestId: core.takeRequestId(), body }), { own: true });
  }
}

/** Takes users off the list. */
export function forgetWatched(core: Core, users: UserId[]): void {
  for (const user of users) core.watched.delete(user);
}
