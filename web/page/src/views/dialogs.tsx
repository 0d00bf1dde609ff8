// What is asked in a window of its own: with whom to begin, and about a group.

import { type Chat, proto, RequestRefused, type Room, type UserId } from "hubbub-client";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { lastActive } from "../time.ts";
import { nameOf, parseIds, titleOf } from "../words.ts";
import { PersonAvatar } from "./avatar.tsx";
import type { ChatProps } from "./chat_screen.tsx";
import { mayManage } from "./conversation.tsx";
import { CloseIcon } from "./icons.tsx";

export type DialogName = "newDirect" | "newGroup" | "details" | "account";

type DialogProps = ChatProps & { room: Room | undefined; name: DialogName; close: () => void };

export function Dialogs(props: DialogProps) {
  switch (props.name) {
    case "newDirect":
      return <NewDirect {...props} />;
    case "newGroup":
      return <NewGroup {...props} />;
    case "details":
      return props.room ? <Details {...props} room={props.room} /> : null;
    case "account":
      return <Account {...props} />;
  }
}

function Window({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="dialog-title"
      onClose={close}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
    >
      <div class="window">
        <header>
          <h2 id="dialog-title" dir="auto">
            {title}
          </h2>
          <button type="button" class="round" aria-label="Close" onClick={() => dialog.current?.close()}>
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** Whether the window is open still, for answers that come late. */
function useIsOpen(): { readonly current: boolean } {
  const isOpen = useRef(true);
  useEffect(() => () => void (isOpen.current = false), []);
  return isOpen;
}

/** Runs a request, and says what is wrong when it is not taken. */
function attempt(act: () => void, complain: (complaint: string) => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error;
    complain("That cannot be sent now. Please try again in a moment.");
  }
}

function NewDirect({ app, chat, client, close }: DialogProps) {
  const [complaint, setComplaint] = useState("");
  const [busy, setBusy] = useState(false);
  const isOpen = useIsOpen();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const [user, ...more] = parseIds(textField(event, "user")) ?? [];
    if (user === undefined || more.length > 0) return setComplaint("A user id is a number, such as 4242.");
    if (user === chat.me) return setComplaint("That is you.");
    setBusy(true);
    attempt(
      () =>
        client.run((now) =>
          chat.lookUp(now, user, (name) => {
            if (!isOpen.current) return;
            setBusy(false);
            if (name === undefined) return setComplaint("There is no user with that id.");
            const room = chat.startDirect(performance.now(), user);
            close();
            if (room) app.open(room);
          }),
        ),
      setComplaint,
    );
  };
  return (
    <Window title="New conversation" close={close}>
      <form onSubmit={submit}>
        <label class="field">
          <span>User id of the other person</span>
          <input name="user" inputMode="numeric" autocomplete="off" required autoFocus />
        </label>
        <Complaint text={complaint} />
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Looking…" : "Begin"}
        </button>
      </form>
    </Window>
  );
}

function NewGroup({ app, chat, client, close }: DialogProps) {
  const [complaint, setComplaint] = useState("");
  const [busy, setBusy] = useState(false);
  const isOpen = useIsOpen();
  const known = knownPeople(chat);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const title = textField(event, "title").trim();
    const others = parseIds(textField(event, "others"));
    if (!others) return setComplaint("User ids are numbers, with spaces or commas between them.");
    const chosen = checkedIds(event);
    const members = Array.from(new Set([...chosen, ...others])).filter((user) => user !== chat.me);
    setBusy(true);
    const made = (room: Room): void => {
      if (!isOpen.current) return;
      close();
      app.open(room);
    };
    const failed = (message: string): void => {
      setBusy(false);
      setComplaint(message);
    };
    attempt(() => client.run((now) => chat.createGroup(now, title, members, made, failed)), failed);
  };
  return (
    <Window title="New group" close={close}>
      <form onSubmit={submit}>
        <label class="field">
          <span>Name of the group</span>
          <input name="title" required maxLength={64} dir="auto" autocomplete="off" autoFocus />
        </label>
        <Choice chat={chat} people={known} />
        <label class="field">
          <span>{known.length > 0 ? "Others, by user id" : "Members, by user id"}</span>
          <input name="others" autocomplete="off" placeholder="12, 34" />
        </label>
        <Complaint text={complaint} />
        <button type="submit" class="primary" disabled={busy}>
          Create group
        </button>
      </form>
    </Window>
  );
}

function Details(props: DialogProps & { room: Room }) {
  const { chat, room, close } = props;
  if (room.peer !== undefined) {
    const person = chat.people.of(room.peer);
    return (
      <Window title={nameOf(person)} close={close}>
        <dl class="facts">
          <dt>User id</dt>
          <dd class="own-id">{`${person.user}`}</dd>
          <dt>Presence</dt>
          <dd>{person.online ? "online" : person.lastActiveUs > 0n ? lastActive(person.lastActiveUs) : "offline"}</dd>
          {person.status !== "" && <dt>Status</dt>}
          {person.status !== "" && <dd dir="auto">{person.status}</dd>}
        </dl>
      </Window>
    );
  }
  return (
    <Window title={titleOf(chat, room)} close={close}>
      {mayManage(room) && <Rename {...props} />}
      <Members {...props} />
      {room.isMember && <AddMembers {...props} />}
      {room.isMember && <LeaveGroup {...props} />}
    </Window>
  );
}

function Rename({ app, chat, client, room }: DialogProps & { room: Room }) {
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        const title = textField(event, "title").trim();
        if (title !== room.title) attempt(() => client.run((now) => chat.rename(now, room, title)), (text) => app.tell(text));
      }}
    >
      <label class="field">
        <span>Name</span>
        <input name="title" required maxLength={64} dir="auto" defaultValue={room.title} autocomplete="off" />
      </label>
      <button type="submit">Rename</button>
    </form>
  );
}

const ROLES: Partial<Record<proto.Role, string>> = { [proto.Role.OWNER]: "owner", [proto.Role.ADMIN]: "admin" };

function Members({ app, chat, client, room }: DialogProps & { room: Room }) {
  const members = room.members ?? [];
  const mayRemove = (member: proto.Member): boolean =>
    member.user !== chat.me && (room.role === proto.Role.OWNER || (room.role === proto.Role.ADMIN && member.role === proto.Role.MEMBER));
  return (
    <section aria-label="Members">
      <h3>{room.memberCount === 1 ? "1 member" : `${room.memberCount} members`}</h3>
      <ul class="members">
        {members.map((member) => {
          const person = chat.people.of(member.user);
          return (
            <li key={`${member.user}`}>
              <PersonAvatar person={person} small showOnline />
              <span class="member-name">
                <span dir="auto">{member.user === chat.me ? `${nameOf(person)} (you)` : nameOf(person)}</span>
                <small>{person.online ? "online" : `id ${member.user}`}</small>
              </span>
              {ROLES[member.role] && <span class="tag">{ROLES[member.role]}</span>}
              {mayRemove(member) && (
                <button
                  type="button"
                  class="plain danger"
                  aria-label={`Remove ${nameOf(person)}`}
                  onClick={() => attempt(() => client.run((now) => chat.removeMember(now, room, member.user)), (text) => app.tell(text))}
                >
                  Remove
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function AddMembers({ app, chat, client, room }: DialogProps & { room: Room }) {
  const [complaint, setComplaint] = useState("");
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        const users = parseIds(textField(event, "users")) ?? [];
        if (users.length === 0) return setComplaint("User ids are numbers, with spaces or commas between them.");
        setComplaint("");
        attempt(() => client.run((now) => chat.addMembers(now, room, users)), (text) => app.tell(text));
        if (event.target instanceof HTMLFormElement) event.target.reset();
      }}
    >
      <label class="field">
        <span>Add people, by user id</span>
        <input name="users" required autocomplete="off" placeholder="12, 34" />
      </label>
      <button type="submit">Add</button>
      <Complaint text={complaint} />
    </form>
  );
}

/** A step that is asked about once more before it is taken. */
function AskedTwice(step: { label: string; question: () => string; confirm: string; take: () => void }) {
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <button type="button" class="danger wide" onClick={() => setAsked(true)}>
        {step.label}
      </button>
    );
  }
  return (
    <div class="confirm" role="alert">
      <p>{step.question()}</p>
      <button type="button" onClick={() => setAsked(false)}>
        Stay
      </button>
      <button type="button" class="danger" onClick={step.take}>
        {step.confirm}
      </button>
    </div>
  );
}

function LeaveGroup({ app, chat, client, room, close }: DialogProps & { room: Room }) {
  const leave = () => {
    attempt(() => client.run((now) => chat.leave(now, room)), (text) => app.tell(text));
    close();
  };
  const question = () => "You will not receive anything further. Leave?";
  return <AskedTwice label="Leave this group" question={question} confirm="Leave" take={leave} />;
}

function Account({ app, chat, close }: DialogProps) {
  const signOut = () => {
    close();
    app.signOut();
  };
  return (
    <Window title={nameOf(chat.people.of(chat.me))} close={close}>
      <dl class="facts">
        <dt>Your user id</dt>
        <dd>
          <span class="own-id">{`${chat.me}`}</span> <CopyButton text={`${chat.me}`} />
        </dd>
      </dl>
      <p class="hint">Others begin a conversation with you by this number.</p>
      <AskedTwice label="Sign out…" question={() => farewell(chat)} confirm="Sign out" take={signOut} />
    </Window>
  );
}

/** What is lost by signing out. */
function farewell(chat: Chat): string {
  const waiting = Array.from(chat.rooms.values()).reduce((sum, room) => sum + room.outgoing.length, 0);
  if (waiting === 0) return "Drafts in this browser are forgotten. Your conversations stay on the server.";
  return `${waiting === 1 ? "One message is" : `${waiting} messages are`} not sent yet, and will be lost. So are drafts in this browser.`;
}

/** Browsers let pages copy only where the connection is safe. */
function CopyButton({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  if (!("clipboard" in navigator)) return null;
  return (
    <button type="button" class="plain" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}>
      {copied ? "Copied" : "Copy"}
    </button>
  );
}

function Complaint({ text }: { text: string }) {
  return text === "" ? null : (
    <p class="complaint" role="alert">
      {text}
    </p>
  );
}

/** People one talks with. */
function knownPeople(chat: Chat): UserId[] {
  return chat.list.flatMap((room) => (room.peer === undefined ? [] : [room.peer])).slice(0, 50);
}

function Choice({ chat, people }: { chat: Chat; people: UserId[] }) {
  if (people.length === 0) return null;
  return (
    <fieldset class="choice">
      <legend>People you talk with</legend>
      {people.map((user) => {
        const person = chat.people.of(user);
        return (
          <label key={`${user}`}>
            <input type="checkbox" name="chosen" value={`${user}`} />
            <PersonAvatar person={person} small />
            <span dir="auto">{nameOf(person)}</span>
          </label>
        );
      })}
    </fieldset>
  );
}

function formOf(event: SubmitEvent): FormData {
  return new FormData(event.target instanceof HTMLFormElement ? event.target : undefined);
}

function textField(event: SubmitEvent, name: string): string {
  return String(formOf(event).get(name) ?? "");
}

function checkedIds(event: SubmitEvent): UserId[] {
  return formOf(event).getAll("chosen").map((value) => BigInt(String(value)));
}
