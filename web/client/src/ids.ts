// Names of things: users, conversations, and their keys in maps and storage.
//
// Promises: one conversation has one key, whichever member names it. Ids are `bigint`, because the protocol's have 64 bits.

import { create } from "@bufbuild/protobuf";
import { ConversationSchema, type Conversation as WireConversation } from "./gen/chat/v1/chat_pb.ts";

/** A user, given by the server or by a token's subject. */
export type UserId = bigint;
/** The place of an entry in its conversation: 1, 2, 3, … */
export type Seq = bigint;

/** A conversation, named alike for every member. */
export type Conversation =
  | { readonly kind: "direct"; readonly low: UserId; readonly high: UserId }
  | { readonly kind: "group"; readonly group: bigint };

/** A conversation as text, such as `direct:10:20` or `group:77`. */
export type ConversationKey = string;

/** The conversation of two users; `undefined` with oneself. */
export function direct(one: UserId, other: UserId): Conversation | undefined {
  if (one === other || one === 0n || other === 0n) return undefined;
  return one < other ? { kind: "direct", low: one, high: other } : { kind: "direct", low: other, high: one };
}

/** A group by its id. */
export function group(id: bigint): Conversation {
  return { kind: "group", group: id };
}

/** The other person of a direct conversation, as `me` sees it. */
export function peerOf(conversation: Conversation, me: UserId): UserId | undefined {
  if (conversation.kind === "group") return undefined;
  return conversation.low === me ? conversation.high : conversation.low;
}

/** The key of a conversation. */
export function keyOf(conversation: Conversation): ConversationKey {
  return conversation.kind === "group"
    ? `group:${conversation.group}`
    : `direct:${conversation.low}:${conversation.high}`;
}

/** The conversation of a key; `undefined` when it is none. */
export function conversationOf(key: ConversationKey): Conversation | undefined {
  const found = /^(?:group:(\d{1,20})|direct:(\d{1,20}):(\d{1,20}))$/.exec(key);
  if (!found) return undefined;
  const [one, low, high] = found.slice(1).map((digits) => (digits === undefined ? undefined : idOf(digits)));
  if (one !== undefined) return group(one);
  return low === undefined || high === undefined ? undefined : direct(low, high);
}

/** The greatest id there can be. */
const ID_MAX = (1n << 64n) - 1n;

/** An id from its decimal digits; `undefined` when it is none. */
export function idOf(digits: string): bigint | undefined {
  if (!/^[1-9]\d{0,19}$/.test(digits)) return undefined;
  const id = BigInt(digits);
  return id <= ID_MAX ? id : undefined;
}

/** From the wire; `undefined` when it names nothing. */
export function fromWire(wire: WireConversation | undefined): Conversation | undefined {
  switch (wire?.kind.case) {
    case "group":
      return group(wire.kind.value);
    case "direct":
      return direct(wire.kind.value.low, wire.kind.value.high);
    default:
      return undefined;
  }
}

/** To the wire. */
export function toWire(conversation: Conversation): WireConversation {
  const kind =
    conversation.kind === "group"
      ? ({ case: "group", value: conversation.group } as const)
      : ({ case: "direct", value: { low: conversation.low, high: conversation.high } } as const);
  return create(ConversationSchema, { kind });
}
