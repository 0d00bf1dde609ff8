// The list and the conversation: two panes on a desk, one at a time on a phone.

import type { Chat, Client, Store } from "hubbub-client";
import { useState } from "preact/hooks";
import type { App } from "../app.ts";
import { Conversation } from "./conversation.tsx";
import { type DialogName, Dialogs } from "./dialogs.tsx";
import { Logo, OfflineIcon } from "./icons.tsx";
import { Rooms } from "./rooms.tsx";

export interface ChatProps {
  app: App;
  chat: Chat;
  client: Client;
  store: Store;
}

export function ChatScreen(props: ChatProps) {
  const { chat } = props;
  const [dialog, setDialog] = useState<DialogName | undefined>(undefined);
  const room = chat.openKey === undefined ? undefined : chat.rooms.get(chat.openKey);
  return (
    <main class={`chat ${room ? "chat-open" : ""}`}>
      <h1 class="unseen">Hubbub</h1>
      <section class="pane-list" aria-label="Conversations">
        <Rooms {...props} openDialog={setDialog} />
      </section>
      <section class="pane-room" aria-label="Conversation">
        <Banner {...props} />
        {room ? <Conversation key={room.key} {...props} room={room} openDialog={setDialog} /> : <Nothing />}
      </section>
      {dialog && <Dialogs {...props} room={room} name={dialog} close={() => setDialog(undefined)} />}
    </main>
  );
}

/** What stands between the person and the chat, while something does. */
export function Banner({ chat, client }: ChatProps) {
  const { state } = chat;
  return (
    <div class="banner-place" role="status">
      {state.kind === "waiting" && (
        <div class="banner">
          <OfflineIcon />
          <span>{state.told ? "The server is busy or restarts." : "No connection."} What you write is sent when it is back.</span>
          {!state.told && (
            <button type="button" class="plain" onClick={() => client.wake()}>
              Try now
            </button>
          )}
        </div>
      )}
      {state.kind === "connecting" && (
        <div class="banner banner-calm">
          <span>Connecting…</span>
        </div>
      )}
      {state.kind === "stopped" && state.why === "fatal" && (
        <div class="banner">
          <span dir="auto">The server refuses this page: {state.message}</span>
          <button type="button" class="plain" onClick={() => location.reload()}>
            Load again
          </button>
        </div>
      )}
    </div>
  );
}

function Nothing() {
  return (
    <div class="nothing">
      <Logo />
      <p>Choose a conversation, or begin a new one.</p>
    </div>
  );
}
