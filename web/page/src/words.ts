// What things are called on the page.

import { type Change, type Chat, idOf, type Item, textOf, type Message, type Person, proto, type Room, type UserId } from "hubbub-client";

/** What a person is called. An account without a name goes by its id. */
export function nameOf(person: Person): string {
  return person.name || `User ${person.user}`;
}

export function titleOf(chat: Chat, room: Room): string {
  if (room.peer !== undefined) return nameOf(chat.people.of(room.peer));
  return room.title || "Group";
}

/** The words of a message; a stand-in for what is no text. */
export function wordsOf(message: Message): string {
  if (message.gone === "revoked") return "Message deleted";
  if (message.gone === "expired") return "Message expired";
  return textOf(message) ?? "Attachment";
}

/** Somebody, as the subject of a sentence. */
function subject(chat: Chat, user: UserId): string {
  return user === chat.me ? "You" : nameOf(chat.people.of(user));
}

function list(chat: Chat, users: readonly UserId[]): string {
  const names = users.map((user) => (user === chat.me ? "you" : nameOf(chat.people.of(user))));
  return new Intl.ListFormat("en").format(names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} others`] : names);
}

/** A change as a sentence. */
export function sentenceOf(chat: Chat, { sender, event }: Change): string {
  const who = subject(chat, sender);
  switch (event.case) {
    case "groupCreated":
      return `${who} created the group “${event.value.name}”`;
    case "membersAdded":
      return `${who} added ${list(chat, event.value.members)}`;
    case "membersRemoved":
      return `${who} removed ${list(chat, event.value.members)}`;
    case "memberLeft":
      return `${subject(chat, event.value.member)} left`;
    case "memberJoined":
      return `${subject(chat, event.value.member)} joined by an invitation`;
    case "groupUpdated":
      return `${who} changed the group: “${event.value.title}”`;
    case "roleChanged": {
      const role = event.value.role === proto.Role.OWNER ? "the owner" : event.value.role === proto.Role.ADMIN ? "an admin" : "a member";
      return `${who} made ${list(chat, [event.value.member])} ${role}`;
    }
    case "memberMuted":
      return `${who} ${event.value.untilUs === 0n ? "unmuted" : "muted"} ${list(chat, [event.value.member])}`;
    case "groupDeleted":
      return `${who} ended the group`;
    case "retentionChanged":
      return `${who} changed how long messages are kept`;
  }
}

/** The line of a conversation in the list. */
export function lastLine(chat: Chat, room: Room): string {
  const outgoing = room.outgoing.at(-1);
  if (outgoing) return `You: ${outgoing.text}`;
  const item = room.lastItem;
  if (!item) return "";
  if (item.kind === "change") return sentenceOf(chat, item);
  const words = wordsOf(item);
  if (item.sender === chat.me) return `You: ${words}`;
  return room.conversation.kind === "group" ? `${nameOf(chat.people.of(item.sender))}: ${words}` : words;
}

/** Who is writing, as a line; empty when nobody is. */
export function typingLine(chat: Chat, room: Room): string {
  const users = chat.people.typingIn(room.key);
  if (users.length === 0) return "";
  if (room.peer !== undefined) return "typing…";
  if (users.length > 2) return "several people are typing…";
  const names = users.map((user) => nameOf(chat.people.of(user)));
  return `${names.join(" and ")} ${users.length === 1 ? "is" : "are"} typing…`;
}

/** One or two letters for a name. */
export function initialsOf(name: string): string {
  const words = name.replace(/^User (\d+)$/, "$1").trim().split(/\s+/);
  const first = (word: string | undefined): string => Array.from(word ?? "")[0] ?? "";
  return (words.length > 1 ? first(words[0]) + first(words.at(-1)) : first(words[0])).toLocaleUpperCase();
}

/** One of eight colours, always the same for one id. Fibonacci hashing: the top bits of a product depend on all of the id. */
export function hueOf(id: bigint): number {
  return Number(BigInt.asUintN(64, id * 0x9e3779b97f4a7c15n) >> 61n);
}

/** Text of nothing but one to three emojis. */
export function isOnlyEmoji(text: string): boolean {
  if (text.length > 40 || !/^[\p{Extended_Pictographic}\p{Emoji_Component}\s\u200d\ufe0f]+$/u.test(text)) return false;
  if (!/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(text)) return false;
  const segments = new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text.trim());
  return Array.from(segments).filter(({ segment }) => segment.trim() !== "").length <= 3;
}

export function isMine(chat: Chat, item: Item): boolean {
  return item.sender === chat.me;
}

/** User ids as people type them; `undefined` when something in it is none. */
export function parseIds(text: string): UserId[] | undefined {
  const ids = text.split(/[\s,;]+/).filter((word) => word !== "").map(idOf);
  return ids.every((id) => id !== undefined) ? Array.from(new Set(ids)) : undefined;
}
