// One message, and what can be done with it. Text is text: never markup.

import { type Chat, type Message, type Outgoing, proto, type Room, type Status } from "hubbub-client";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { clockTime, exactTime } from "../time.ts";
import { hueOf, isOnlyEmoji, nameOf, wordsOf } from "../words.ts";
import { MoreIcon, Ticks } from "./icons.tsx";

const REACTIONS = ["👍", "❤️", "😂", "😮", "😢", "🎉"];

export interface MessageActions {
  reply: (message: Message) => void;
  edit: (message: Message) => void;
  revoke: (message: Message) => void;
  react: (message: Message, emoji: string) => void;
}

interface MessageProps {
  chat: Chat;
  room: Room;
  message: Message;
  /** The message before it is by the same person, a moment ago. */
  follows: boolean;
  /** There is no room for a menu below. */
  isLow: boolean;
  actions: MessageActions;
}

/** A long conversation has many of these: one is drawn anew only when what it shows has changed. */
export function MessageRow(props: MessageProps) {
  const { chat, room, message } = props;
  const mine = message.sender === chat.me;
  const answered = message.replyToSeq > 0n ? room.timeline.message(message.replyToSeq) : undefined;
  const counts = mine ? room.statuses.countsOf(message.seq) : undefined;
  return useMemo(
    () => <Drawn {...props} answered={answered} />,
    [
      ...[message, message.body, message.gone, message.edited, props.follows, props.isLow],
      ...[nameOf(chat.people.of(message.sender)), room.role, mine ? room.statuses.of(message.seq) : "", counts?.read],
      ...[answered, answered?.body, answered && nameOf(chat.people.of(answered.sender))],
      Array.from(message.reactions, ([emoji, users]) => `${emoji}${users.size}${users.has(chat.me)}`).join(),
    ],
  );
}

function Drawn({ chat, room, message, follows, isLow, actions, answered }: MessageProps & { answered: Message | undefined }) {
  const mine = message.sender === chat.me;
  const sender = chat.people.of(message.sender);
  const words = wordsOf(message);
  const showName = room.conversation.kind === "group" && !mine && !follows;
  const large = !message.gone && isOnlyEmoji(words);
  const classes = ["message", mine ? "message-mine" : "", follows ? "message-follows" : "", message.gone ? "message-gone" : ""];
  return (
    <article class={classes.join(" ")} aria-label={`${mine ? "You" : nameOf(sender)}, ${clockTime(message.timeUs)}`}>
      <div class="bubble">
        {showName && (
          <p class={`sender hue-text-${hueOf(sender.user)}`} dir="auto">
            {nameOf(sender)}
          </p>
        )}
        {message.replyToSeq > 0n && <Quote chat={chat} answered={answered} />}
        <p class={`words ${large ? "words-large" : ""}`} dir="auto">
          {words}
        </p>
        <p class="foot">
          {message.edited && <span>edited</span>}
          <time dateTime={new Date(Number(message.timeUs / 1000n)).toISOString()} title={exactTime(message.timeUs)}>
            {clockTime(message.timeUs)}
          </time>
          {mine && !message.gone && <Ticks status={room.statuses.of(message.seq)} />}
          {mine && !message.gone && <ReadBy room={room} message={message} />}
        </p>
      </div>
      {!message.gone && <Menu chat={chat} room={room} message={message} isLow={isLow} actions={actions} />}
      {message.reactions.size > 0 && (
        <ul class="reactions" aria-label="Reactions">
          {Array.from(message.reactions, ([emoji, users]) => (
            <li key={emoji}>
              <button
                type="button"
                aria-pressed={users.has(chat.me)}
                title={Array.from(users, (user) => nameOf(chat.people.of(user))).join(", ")}
                onClick={() => actions.react(message, emoji)}
              >
                <span class="emoji">{emoji}</span> {users.size}
              </button>
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}

/** In a group: how many have read it, while not all have. */
function ReadBy({ room, message }: { room: Room; message: Message }) {
  const counts = room.statuses.countsOf(message.seq);
  if (room.peer !== undefined || !counts || counts.read === 0 || room.statuses.of(message.seq) === "read") return null;
  return <span>read by {counts.read}</span>;
}

export function Quote({ chat, answered }: { chat: Chat; answered: Message | undefined }) {
  if (!answered) return <p class="quote quote-unknown">An earlier message</p>;
  const sender = chat.people.of(answered.sender);
  return (
    <p class={`quote hue-edge-${hueOf(sender.user)}`}>
      <strong dir="auto">{answered.sender === chat.me ? "You" : nameOf(sender)}</strong>
      <span dir="auto">{wordsOf(answered)}</span>
    </p>
  );
}

function Menu({ chat, room, message, isLow, actions }: Omit<MessageProps, "follows">) {
  const [isOpen, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!isOpen) return undefined;
    place.current?.querySelector<HTMLButtonElement>(".menu button")?.focus();
    const away = (event: Event): void => {
      if (event.target instanceof Node && !place.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [isOpen]);
  const close = (): void => {
    setOpen(false);
    place.current?.querySelector<HTMLButtonElement>(".menu-opener")?.focus();
  };
  const act = (action: () => void) => (): void => {
    setOpen(false);
    action();
  };
  const mine = message.sender === chat.me;
  const mayRevoke = mine || room.role === proto.Role.OWNER || room.role === proto.Role.ADMIN;
  return (
    <div
      class="menu-place"
      ref={place}
      onKeyDown={(event) => {
        if (event.key === "Escape" && isOpen) {
          event.stopPropagation();
          close();
        }
      }}
    >
      <button
        type="button"
        class="menu-opener"
        aria-label="What to do with this message"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <MoreIcon />
      </button>
      {isOpen && (
        <div class={`menu ${isLow ? "menu-up" : ""}`}>
          <div class="menu-reactions" role="group" aria-label="React">
            {REACTIONS.map((emoji) => (
              <button key={emoji} type="button" class="emoji" onClick={act(() => actions.react(message, emoji))}>
                {emoji}
              </button>
            ))}
          </div>
          <button type="button" onClick={act(() => actions.reply(message))}>
            Reply
          </button>
          {mine && (
            <button type="button" onClick={act(() => actions.edit(message))}>
              Edit
            </button>
          )}
          {mayRevoke && (
            <button type="button" class="danger" onClick={act(() => actions.revoke(message))}>
              Delete for everybody
            </button>
          )}
        </div>
      )}
    </div>
  );
}

interface OutgoingProps {
  chat: Chat;
  room: Room;
  outgoing: Outgoing;
  sendAgain: () => void;
  discard: () => void;
}

/** A message that is on its way, or was refused. */
export function OutgoingRow({ chat, room, outgoing, sendAgain, discard }: OutgoingProps) {
  return (
    <article class={`message message-mine ${outgoing.failed === undefined ? "message-waiting" : "message-failed"}`} aria-label="You">
      <div class="bubble">
        {outgoing.replyToSeq > 0n && <Quote chat={chat} answered={room.timeline.message(outgoing.replyToSeq)} />}
        <p class={`words ${isOnlyEmoji(outgoing.text) ? "words-large" : ""}`} dir="auto">
          {outgoing.text}
        </p>
        <p class="foot">{outgoing.failed === undefined && <Ticks status="sending" />}</p>
      </div>
      {outgoing.failed !== undefined && (
        <div class="failure" role="alert">
          <span dir="auto">{outgoing.uncertain ? "It may have been sent: look before you send it again." : `Not sent: ${outgoing.failed}`}</span>
          <button type="button" class="plain" onClick={sendAgain}>
            Send again
          </button>
          <button type="button" class="plain" onClick={discard}>
            Discard
          </button>
        </div>
      )}
    </article>
  );
}

/** In the list: what has become of the last message, when it is one's own. */
export function OwnTicks({ chat, room }: { chat: Chat; room: Room }) {
  if (room.outgoing.length > 0) return <Ticks status="sending" />;
  const last = room.lastItem;
  if (last?.kind !== "message" || last.sender !== chat.me || last.gone) return null;
  const status: Status = room.statuses.of(last.seq);
  return <Ticks status={status} />;
}
