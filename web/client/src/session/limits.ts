// What the server allows, from its `Welcome`; the defaults hold until then.

import type { Welcome } from "../gen/chat/v1/chat_pb.ts";

export interface Limits {
  readonly frameBytesMax: number;
  readonly bodyBytesMax: number;
  readonly requestsInProgressMax: number;
  readonly signalBytesMax: number;
  readonly watchedUsersMax: number;
  readonly groupMembersMax: number;
  readonly keepaliveMs: number;
}

export const LIMITS_DEFAULT: Limits = {
  frameBytesMax: 65_536,
  bodyBytesMax: 65_536 - 1024,
  requestsInProgressMax: 64,
  signalBytesMax: 8_192,
  watchedUsersMax: 1_000,
  groupMembersMax: 1_000,
  keepaliveMs: 240_000,
};

/** A field that the server left at 0 keeps its default. */
export function limitsOf(welcome: Welcome): Limits {
  const said = welcome.limits;
  const d = LIMITS_DEFAULT;
  return {
    frameBytesMax: said?.frameBytesMax || d.frameBytesMax,
    bodyBytesMax: said?.bodyBytesMax || d.bodyBytesMax,
    requestsInProgressMax: said?.requestsInProgressMax || d.requestsInProgressMax,
    signalBytesMax: said?.signalBytesMax || d.signalBytesMax,
    watchedUsersMax: said?.watchedUsersMax || d.watchedUsersMax,
    groupMembersMax: said?.groupMembersMax || d.groupMembersMax,
    keepaliveMs: welcome.keepaliveMs || d.keepaliveMs,
  };
}
