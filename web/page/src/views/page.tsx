// Which screen is shown, and what is said on all of them.

import type { App } from "../app.ts";
import { ChatScreen } from "./chat_screen.tsx";
import { Logo } from "./icons.tsx";
import { SignIn } from "./sign_in.tsx";

export function Page({ app }: { app: App }) {
  const { screen } = app;
  return (
    <>
      {screen.kind === "loading" && <p class="loading">Loading…</p>}
      {screen.kind === "elsewhere" && <Elsewhere app={app} />}
      {screen.kind === "signIn" && <SignIn app={app} notice={screen.notice} />}
      {screen.kind === "chat" && <ChatScreen key={screen.chat.me} app={app} {...screen} />}
      {app.notice !== "" && (
        <div class="toast" role="alert">
          <span dir="auto">{app.notice}</span>
          <button type="button" class="plain" onClick={() => app.tell("")}>
            Dismiss
          </button>
        </div>
      )}
      <div class="unseen" aria-live="polite">
        {app.announcement}
      </div>
    </>
  );
}

/** Two tabs would fight over one device. */
function Elsewhere({ app }: { app: App }) {
  return (
    <main class="card-screen">
      <section class="card" aria-labelledby="elsewhere">
        <Logo />
        <h1 id="elsewhere">Hubbub is open elsewhere</h1>
        <p class="hint">Another tab or window of this browser has the conversation.</p>
        <button type="button" class="primary" onClick={() => app.start(true)}>
          Use it here
        </button>
      </section>
    </main>
  );
}
