// One conversation: who it is with, what was said, and what one is writing.
//
// Promises: the place where the person reads does not move under them when older or newer messages come; what is seen at
// the end of the list, in a window that has the focus, counts as read.

import { type Item, type Message, proto, RequestRefused, type Room, type Seq } from "hubbub-client";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { dayLine, isSameDay, lastActive } from "../time.ts";
import { sentenceOf, titleOf, typingLine } from "../words.ts";
import { RoomAvatar } from "./avatar.tsx";
import type { ChatProps } from "./chat_screen.tsx";
import { Composer, type Focus } from "./composer.tsx";
import type { DialogName } from "./dialogs.tsx";
import { BackIcon, DownIcon, InfoIcon } from "./icons.tsx";
import { type MessageActions, MessageRow, OutgoingRow } from "./message.tsx";

/** How near to an end of the list counts as there, in pixels. */
const NEAR_PX = 48;
/** How near to the start older messages are fetched. */
const FETCH_PX = 600;
/** Entries that are drawn at first, and at a time when the person reads upward. */
const DRAWN = 100;
/** Messages of one person within this time stand together, in microseconds. */
const TOGETHER_US = 300_000_000n;

type RoomProps = ChatProps & { room: Room; openDialog: (name: DialogName) => void };

/** Where the list stood after it was last shown. */
interface Shown {
  atEnd: boolean;
  /** Its first message, and how far down that was. */
  anchor: HTMLElement | undefined;
  anchorTop: number;
  outgoing: number;
}

export function Conversation(props: RoomProps) {
  const { app, chat, client, room } = props;
  const [focus, setFocus] = useState<Focus | undefined>(undefined);
  const actions: MessageActions = {
    reply: (message) => setFocus({ kind: "reply", message }),
    edit: (message) => setFocus({ kind: "edit", message }),
    revoke: (message) => attempt(() => client.run((now) => chat.revoke(now, room, message.seq))),
    react: (message, emoji) => attempt(() => client.run((now) => chat.react(now, room, message.seq, emoji))),
  };
  const attempt = (act: () => void): boolean => {
    try {
      act();
      return true;
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      app.tell(complaintOf(error));
      return false;
    }
  };
  return (
    <div class="conversation">
      <Header {...props} />
      <Messages {...props} actions={actions} attempt={attempt} />
      <Composer {...props} focus={focus} setFocus={setFocus} attempt={attempt} />
    </div>
  );
}

function complaintOf(refused: RequestRefused): string {
  switch (refused.reason) {
    case "bodyTooLong":
    case "frameTooLong":
      return "That message is too long for this server.";
    case "queueFull":
      return "Too much waits to be sent already. Please wait for the connection.";
    case "stopped":
      return "You are not signed in any more.";
  }
}

function Header({ app, chat, room, openDialog }: RoomProps) {
  return (
    <header class="bar">
      <button type="button" class="round back" aria-label="Back to the list" onClick={() => app.open(undefined)}>
        <BackIcon />
      </button>
      <RoomAvatar chat={chat} room={room} />
      <div class="bar-title">
        <h2 dir="auto">{titleOf(chat, room)}</h2>
        <p aria-live="off" dir="auto">
          {subtitleOf({ chat, room })}
        </p>
      </div>
      <button type="button" class="round" aria-label="Details" title="Details" onClick={() => openDialog("details")}>
        <InfoIcon />
      </button>
    </header>
  );
}

function subtitleOf({ chat, room }: Pick<RoomProps, "chat" | "room">): string {
  const typing = typingLine(chat, room);
  if (typing) return typing;
  if (room.peer !== undefined) {
    const person = chat.people.of(room.peer);
    if (person.online) return person.status ? `online · ${person.status}` : "online";
    return person.lastActiveUs > 0n ? lastActive(person.lastActiveUs) : "offline";
  }
  if (!room.isMember) return "you are not a member";
  const members = room.members?.filter((member) => member.user !== chat.me) ?? [];
  const online = members.filter((member) => chat.people.of(member.user).online).length;
  const count = `${room.memberCount} ${room.memberCount === 1 ? "member" : "members"}`;
  return online > 0 ? `${count}, ${online + 1} online` : count;
}

type MessagesProps = RoomProps & { actions: MessageActions; attempt: (act: () => void) => boolean };

function Messages(props: MessagesProps) {
  const { chat, client, room } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useRef<Shown>({ atEnd: true, anchor: undefined, anchorTop: 0, outgoing: room.outgoing.length });
  const [isAway, setAway] = useState(false);
  /** The first entry that is drawn; `undefined` at the end of the list, where the newest are. */
  const [drawnFrom, setDrawnFrom] = useState<Seq | undefined>(undefined);
  /** What was unread when the conversation was opened stands below a line. */
  const [readBefore] = useState(room.unread > 0 ? room.read : undefined);
  const items = room.timeline.items;
  const start = drawnFrom === undefined ? Math.max(items.length - DRAWN, 0) : items.findIndex((item) => item.seq >= drawnFrom);

  /** Draws, or else fetches, what is above, when the person comes near to it. */
  const reachUp = (): void => {
    const list = scroller.current;
    if (!list || list.scrollTop >= FETCH_PX) return;
    if (start > 0) setDrawnFrom(items[Math.max(start - DRAWN, 0)]?.seq);
    else if (room.hasOlder && !room.isLoading) client.run((now) => chat.loadOlder(now, room));
  };
  const look = (): void => {
    const list = scroller.current;
    if (!list) return;
    const fromEnd = list.scrollHeight - list.clientHeight - list.scrollTop;
    const atEnd = fromEnd < NEAR_PX;
    shown.current.atEnd = atEnd;
    setAway(fromEnd > list.clientHeight / 2);
    // Away from the end nothing may go that the person could be reading; there only the newest are drawn.
    setDrawnFrom(atEnd ? undefined : (drawnFrom ?? items[start]?.seq));
    reachUp();
    markSeen();
  };
  const markSeen = (): void => {
    const isSeen = shown.current.atEnd && document.visibilityState === "visible" && document.hasFocus();
    if (isSeen && (room.unread > 0 || room.read < room.timeline.last)) client.run((now) => chat.seen(now, room));
  };

  useLayoutEffect(() => {
    const list = scroller.current;
    if (!list) return;
    const before = shown.current;
    const wrote = room.outgoing.length > before.outgoing;
    if (before.atEnd || wrote) list.scrollTop = list.scrollHeight;
    // Something came above: what was read stays where it was.
    else if (before.anchor?.isConnected) list.scrollTop += before.anchor.offsetTop - before.anchorTop;
    const anchor = list.querySelector<HTMLElement>(".message") ?? undefined;
    shown.current = { atEnd: before.atEnd || wrote, anchor, anchorTop: anchor?.offsetTop ?? 0, outgoing: room.outgoing.length };
    if (wrote) setDrawnFrom(undefined);
    else reachUp();
    markSeen();
  }, [chat.revision, drawnFrom]);
  useEffect(() => {
    // A keyboard that opens, or a field that grows, must not hide the end.
    const list = scroller.current;
    if (!list) return undefined;
    const observer = new ResizeObserver(() => {
      if (shown.current.atEnd) list.scrollTop = list.scrollHeight;
    });
    observer.observe(list);
    addEventListener("focus", markSeen);
    return () => {
      observer.disconnect();
      removeEventListener("focus", markSeen);
    };
  }, []);

  // Nothing of it changes while the person writes.
  const lines = useMemo(() => <Lines {...props} start={Math.max(start, 0)} readBefore={readBefore} />, [chat.revision, drawnFrom]);
  return (
    <div class="messages-place">
      <div class="messages" ref={scroller} onScroll={look} tabIndex={0} role="log" aria-live="off" aria-label="Messages">
        {lines}
      </div>
      {isAway && (
        <button
          type="button"
          class="to-end"
          aria-label={room.unread > 0 ? `To the newest messages, ${room.unread} unread` : "To the newest messages"}
          onClick={() => {
            if (scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
          }}
        >
          <DownIcon />
          {room.unread > 0 && <span class="unread">{room.unread}</span>}
        </button>
      )}
    </div>
  );
}

/** What is drawn of a conversation: entries from `start` on, and what is on its way. */
function Lines({ chat, client, room, actions, attempt, start, readBefore }: MessagesProps & { start: number; readBefore: Seq | undefined }) {
  const items = room.timeline.items;
  const isEmpty = items.length === 0 && room.outgoing.length === 0;
  return (
    <>
      <div class="messages-start">
        {room.isLoading ? "Loading…" : room.hasOlder || start > 0 ? "" : isEmpty ? "Say hello." : "This is where it began."}
      </div>
      {items.slice(start).map((item, offset) => {
        const before = items[start + offset - 1];
        return (
          <Line
            key={`${item.seq}`}
            chat={chat}
            room={room}
            item={item}
            before={before}
            isFirstUnread={readBefore !== undefined && item.seq > readBefore && (before?.seq ?? 0n) <= readBefore}
            isLow={start + offset > 3 && start + offset > items.length - 4}
            actions={actions}
          />
        );
      })}
      {room.outgoing.map((outgoing) => (
        <OutgoingRow
          key={outgoing.name}
          chat={chat}
          room={room}
          outgoing={outgoing}
          sendAgain={() => attempt(() => client.run((now) => chat.sendAgain(now, room, outgoing)))}
          discard={() => client.run(() => chat.discard(room, outgoing))}
        />
      ))}
    </>
  );
}

interface LineProps {
  chat: ChatProps["chat"];
  room: Room;
  item: Item;
  before: Item | undefined;
  isFirstUnread: boolean;
  isLow: boolean;
  actions: MessageActions;
}

function Line({ chat, room, item, before, isFirstUnread, isLow, actions }: LineProps) {
  const newDay = !before || !isSameDay(before.timeUs, item.timeUs);
  const follows = !newDay && !isFirstUnread && isTogether(before, item);
  return (
    <>
      {newDay && <p class="day">{dayLine(item.timeUs)}</p>}
      {isFirstUnread && <p class="new-line">New</p>}
      {item.kind === "change" ? (
        <p class="change" dir="auto">
          {sentenceOf(chat, item)}
        </p>
      ) : (
        <MessageRow chat={chat} room={room} message={item} follows={follows} isLow={isLow} actions={actions} />
      )}
    </>
  );
}

function isTogether(before: Item, item: Item): item is Message {
  if (before.kind !== "message" || item.kind !== "message") return false;
  return before.sender === item.sender && item.timeUs - before.timeUs < TOGETHER_US && before.reactions.size === 0;
}

/** Whether a person may manage a group. */
export function mayManage(room: Room): boolean {
  return room.isMember && (room.role === proto.Role.OWNER || room.role === proto.Role.ADMIN);
}

