// What one is writing. Kept while it is not sent, over conversations and reloads.

import { type Message, type Room, textOf } from "hubbub-client";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { shortTime } from "../time.ts";
import { nameOf, wordsOf } from "../words.ts";
import type { ChatProps } from "./chat_screen.tsx";
import { CloseIcon, SendIcon } from "./icons.tsx";

/** The message that is answered, or changed. */
export interface Focus {
  kind: "reply" | "edit";
  message: Message;
}

type ComposerProps = ChatProps & {
  room: Room;
  focus: Focus | undefined;
  setFocus: (focus: Focus | undefined) => void;
  attempt: (act: () => void) => boolean;
};

export function Composer({ app, chat, client, store, room, focus, setFocus, attempt }: ComposerProps) {
  const [text, setText] = useState(() => store.draft(room.key));
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) field.current?.focus();
    return () => client.run((now) => chat.typingStopped(now, room));
  }, []);
  useEffect(() => {
    if (!focus) return;
    if (focus.kind === "edit") setText(textOf(focus.message) ?? "");
    field.current?.focus();
  }, [focus]);
  useLayoutEffect(() => fit(field.current), [text]);

  const write = (written: string): void => {
    setText(written);
    if (focus?.kind === "edit") return;
    try {
      store.saveDraft(room.key, written);
    } catch {
      app.tell("This browser has no room left: what you write is lost when the page is closed.");
    }
    client.run((now) => (written === "" ? chat.typingStopped(now, room) : chat.typing(now, room)));
  };
  const submit = (): void => {
    const written = text.trim();
    if (written === "") return;
    const sent = attempt(() =>
      client.run((now) => {
        if (focus?.kind === "edit") chat.edit(now, room, focus.message.seq, written);
        else chat.send(now, room, written, focus?.message.seq ?? 0n);
      }),
    );
    if (!sent) return;
    setFocus(undefined);
    setText(focus?.kind === "edit" ? store.draft(room.key) : "");
    if (focus?.kind !== "edit") store.saveDraft(room.key, "");
    field.current?.focus();
  };
  const cancel = (): void => {
    if (focus?.kind === "edit") setText(store.draft(room.key));
    setFocus(undefined);
    field.current?.focus();
  };

  const closed = whyClosed(room);
  if (closed) return <p class="composer-closed">{closed}</p>;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {focus && (
        <div class="composer-focus">
          <p>
            <strong dir="auto">
              {focus.kind === "edit" ? "Changing your message" : `Answering ${focus.message.sender === chat.me ? "yourself" : nameOf(chat.people.of(focus.message.sender))}`}
            </strong>
            <span dir="auto">{wordsOf(focus.message)}</span>
          </p>
          <button type="button" class="round" aria-label="Cancel" onClick={cancel}>
            <CloseIcon />
          </button>
        </div>
      )}
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        value={text}
        placeholder="Write a message"
        aria-label="Message"
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && focus) cancel();
          // A new line by Shift and Enter; on touch screens by Enter, where a button sends.
          const byEnter = event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(hover: hover)").matches;
          if (!byEnter) return;
          event.preventDefault();
          submit();
        }}
      />
      <button type="submit" class="round send" aria-label={focus?.kind === "edit" ? "Save" : "Send"} disabled={text.trim() === ""}>
        <SendIcon />
      </button>
    </form>
  );
}

/** Why the person may not write here; empty when they may. */
function whyClosed(room: Room): string {
  if (room.isBlocked) return "You cannot write to this person.";
  if (!room.isMember) return "You are no member of this group any more.";
  if (room.mutedUntilUs === -1n) return "You may not write in this group for now.";
  const until = Number(room.mutedUntilUs / 1000n);
  return until > Date.now() ? `You may write here again ${shortTime(room.mutedUntilUs)}.` : "";
}

/** Makes the field as high as its text. Rows, because a style attribute would be refused by the page's policy. */
function fit(field: HTMLTextAreaElement | null): void {
  if (!field || CSS.supports("field-sizing", "content")) return;
  field.rows = 1;
  while (field.rows < 8 && field.scrollHeight > field.clientHeight + 4) field.rows += 1;
}
