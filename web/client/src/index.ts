// The client of the Hubbub chat protocol: a session without IO, what a chat shows, and a WebSocket to carry them.

export * from "./ids.ts";
export * as proto from "./gen/chat/v1/chat_pb.ts";
export { FrameError, prefixed, Unframer } from "./frame.ts";
export { Session } from "./session.ts";
export { type Credentials, type SessionConfig, sessionConfig } from "./session/config.ts";
export type { BodyInit, Stats } from "./session/core.ts";
export { ProtocolError, RequestRefused } from "./session/errors.ts";
export type { Ending, Keep, Reply, SessionEvent, Source, StoredRequest } from "./session/event.ts";
export type { Limits } from "./session/limits.ts";
export { type Status, Statuses } from "./statuses.ts";
export { type Change, type Item, type Message, textOf, Timeline } from "./timeline.ts";
export { Chat, type ChatState, type KeptFailure } from "./chat/chat.ts";
export { People, type Person } from "./chat/people.ts";
export { type Outgoing, Room } from "./chat/room.ts";
export { type Errand, Lobby, type Outcome } from "./lobby.ts";
export { type KeyValue, Store } from "./store.ts";
export { Client, type ClientParts, runErrand, SUBPROTOCOL } from "./socket.ts";
