// The list of conversations, the newest first.

import type { Chat, Room } from "hubbub-client";
import { shortTime } from "../time.ts";
import { lastLine, nameOf, titleOf, typingLine } from "../words.ts";
import { PersonAvatar, RoomAvatar } from "./avatar.tsx";
import { Banner, type ChatProps } from "./chat_screen.tsx";
import type { DialogName } from "./dialogs.tsx";
import { GroupIcon, PersonPlusIcon } from "./icons.tsx";
import { OwnTicks } from "./message.tsx";

export function Rooms(props: ChatProps & { openDialog: (name: DialogName) => void }) {
  const { app, chat, openDialog } = props;
  const me = chat.people.of(chat.me);
  const rooms = chat.list;
  return (
    <>
      <header class="bar">
        <button type="button" class="me" aria-label="Your account" title="Your account" onClick={() => openDialog("account")}>
          <PersonAvatar person={me} />
          <span class="bar-title">
            <strong dir="auto">{nameOf(me)}</strong>
            <small>id {`${chat.me}`}</small>
          </span>
        </button>
        <button type="button" class="round" aria-label="New conversation" title="New conversation" onClick={() => openDialog("newDirect")}>
          <PersonPlusIcon />
        </button>
        <button type="button" class="round" aria-label="New group" title="New group" onClick={() => openDialog("newGroup")}>
          <GroupIcon />
        </button>
      </header>
      <div class="list-banner">
        <Banner {...props} />
      </div>
      <nav class="rooms" aria-label="All conversations">
        {rooms.length === 0 && (
          <div class="rooms-empty">
            {chat.state.kind === "live" ? (
              <>
                <p>No conversations yet.</p>
                <button type="button" class="primary" onClick={() => openDialog("newDirect")}>
                  Begin one
                </button>
              </>
            ) : (
              <p>Loading…</p>
            )}
          </div>
        )}
        <ul>
          {rooms.map((room) => (
            <li key={room.key}>
              <RoomRow chat={chat} room={room} isOpen={room.key === chat.openKey} open={() => app.open(room)} />
            </li>
          ))}
        </ul>
      </nav>
    </>
  );
}

function RoomRow({ chat, room, isOpen, open }: { chat: Chat; room: Room; isOpen: boolean; open: () => void }) {
  const typing = typingLine(chat, room);
  const last = room.lastItem;
  const isOnline = room.peer !== undefined && chat.people.of(room.peer).online;
  return (
    <button type="button" class="room" aria-current={isOpen ? "true" : undefined} onClick={open}>
      <RoomAvatar chat={chat} room={room} />
      <span class="room-title" dir="auto">
        {titleOf(chat, room)}
      </span>
      {isOnline && <span class="unseen">, online</span>}
      <span class="room-time">{last ? shortTime(last.timeUs) : ""}</span>
      <span class={`room-line ${typing ? "room-typing" : ""}`}>
        {!typing && <OwnTicks chat={chat} room={room} />}
        <span dir="auto">{typing || lastLine(chat, room)}</span>
      </span>
      {room.unread > 0 && (
        <span class="unread">
          {room.unread > 999 ? "999+" : room.unread}
          <span class="unseen"> unread</span>
        </span>
      )}
    </button>
  );
}
