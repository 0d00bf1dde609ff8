// A person or a group as a coloured circle with letters.

import type { Person, Room } from "hubbub-client";
import type { Chat } from "hubbub-client";
import { hueOf, initialsOf, nameOf, titleOf } from "../words.ts";
import { GroupIcon } from "./icons.tsx";

export function PersonAvatar({ person, small, showOnline }: { person: Person; small?: boolean; showOnline?: boolean }) {
  return (
    <span class={`avatar hue-${hueOf(person.user)} ${small ? "avatar-small" : ""}`} aria-hidden="true">
      {initialsOf(nameOf(person))}
      {showOnline && person.online && <span class="online-dot" />}
    </span>
  );
}

export function RoomAvatar({ chat, room, small }: { chat: Chat; room: Room; small?: boolean }) {
  if (room.peer !== undefined) return <PersonAvatar person={chat.people.of(room.peer)} small={small ?? false} showOnline />;
  const hue = room.conversation.kind === "group" ? hueOf(room.conversation.group) : 0;
  const title = titleOf(chat, room);
  return (
    <span class={`avatar avatar-group hue-${hue} ${small ? "avatar-small" : ""}`} aria-hidden="true">
      {room.title === "" ? <GroupIcon /> : initialsOf(title)}
    </span>
  );
}
