// Which requests append to a log, to which one, and under which name.
//
// Promises: a request has a name exactly when a resend of it must be recognised; requests of one lane keep their order.

import type { ClientFrame, MessageName } from "../gen/chat/v1/chat_pb.ts";
import { type Conversation, direct, fromWire, group, type UserId } from "../ids.ts";

/** A request's body. */
export type Body = Exclude<ClientFrame["body"], { case: undefined }>;

/** The conversation whose order a request belongs to; `me` is who sends it. */
export function laneOf(body: ClientFrame["body"], me: UserId): Conversation | undefined {
  switch (body.case) {
    case "send":
      if (body.value.to.case === "user") return direct(me, body.value.to.value);
      return body.value.to.case === "group" ? group(body.value.to.value) : undefined;
    case "edit":
    case "revoke":
    case "react":
    case "setRetention":
      return fromWire(body.value.conversation);
    case "addMembers":
    case "removeMembers":
    case "leave":
    case "updateGroup":
    case "setRole":
    case "muteMember":
    case "deleteGroup":
      return group(body.value.group);
    default:
      return undefined;
  }
}

/** The name in a request that appends or creates. */
export function nameOf(body: ClientFrame["body"]): MessageName | undefined {
  switch (body.case) {
    case "send":
    case "edit":
    case "revoke":
    case "react":
    case "setRetention":
    case "createGroup":
    case "joinGroup":
    case "addMembers":
    case "removeMembers":
    case "leave":
    case "updateGroup":
    case "setRole":
    case "muteMember":
    case "deleteGroup":
      return body.value.name;
    default:
      return undefined;
  }
}

const ANSWERS: Partial<Record<Body["case"], string>> = {
  send: "sent",
  edit: "sent",
  revoke: "sent",
  react: "sent",
  getMessageInfo: "messageInfo",
  createGroup: "group",
  joinGroup: "group",
  getGroup: "group",
  createInvite: "invite",
  listConversations: "conversations",
  history: "entries",
  watch: "presence",
  listBlocked: "blocked",
  getProfile: "profile",
  updateProfile: "profile",
  listDevices: "devices",
};

/** The kind of reply that answers a request which is not refused. */
export function answerTo(asked: Body["case"]): string {
  return ANSWERS[asked] ?? "done";
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
