// Signing in with a password or a token, and making an account where the server allows it.

import type { Credentials } from "hubbub-client";
import { idOf, proto } from "hubbub-client";
import { useState } from "preact/hooks";
import type { App } from "../app.ts";
import { Logo } from "./icons.tsx";

type Way = "password" | "token" | "register";

const LABELS: Record<Way, string> = { password: "Password", token: "Token", register: "New account" };

export function SignIn({ app, notice }: { app: App; notice: string }) {
  const [way, setWay] = useState<Way>("password");
  const [busy, setBusy] = useState(false);
  const [complaint, setComplaint] = useState("");
  const methods = app.welcome?.authMethods;
  const ways: Way[] = [];
  if (!methods || methods.includes(proto.AuthMethod.PASSWORD)) ways.push("password");
  if (!methods || methods.includes(proto.AuthMethod.JWT)) ways.push("token");
  if (app.welcome?.registration) ways.push("register");

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || !(event.target instanceof HTMLFormElement)) return;
    const fields = new FormData(event.target);
    const field = (name: string): string => String(fields.get(name) ?? "");
    setBusy(true);
    setComplaint("");
    const wrong =
      way === "register"
        ? await app.register(field("name").trim(), field("email").trim(), field("password"))
        : await app.signIn(credentialsOf(way, field));
    setBusy(false);
    if (wrong !== undefined) setComplaint(wrong);
  };

  return (
    <main class="card-screen">
      <section class="card" aria-labelledby="sign-in">
        <Logo />
        <h1 id="sign-in">{way === "register" ? "Join Hubbub" : "Sign in to Hubbub"}</h1>
        {notice !== "" && (
          <p class="hint" role="status">
            {notice}
          </p>
        )}
        {!app.isReachable && (
          <p class="hint" role="status">
            The server cannot be reached right now. Trying again…
          </p>
        )}
        <div class="ways" role="group" aria-label="How to sign in">
          {ways.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === way}
              onClick={() => {
                setWay(each);
                setComplaint("");
              }}
            >
              {LABELS[each]}
            </button>
          ))}
        </div>
        <form key={way} onSubmit={(event) => void submit(event)}>
          {way === "register" && <Field name="name" label="Your name" autoComplete="name" maxLength={64} />}
          {way === "register" && <Field name="email" label="E-mail address" type="email" autoComplete="email" />}
          {way === "password" && <Field name="account" label="E-mail address or user id" autoComplete="username" />}
          {way !== "token" && (
            <Field
              name="password"
              label="Password"
              type="password"
              autoComplete={way === "register" ? "new-password" : "current-password"}
            />
          )}
          {way === "token" && (
            <label class="field">
              <span>Token</span>
              <textarea name="token" rows={4} required spellcheck={false} autocomplete="off" dir="ltr" placeholder="eyJ…" />
            </label>
          )}
          {complaint !== "" && (
            <p class="complaint" role="alert">
              {complaint}
            </p>
          )}
          <button type="submit" class="primary" disabled={busy}>
            {busy ? "One moment…" : way === "register" ? "Create account" : "Sign in"}
          </button>
        </form>
      </section>
    </main>
  );
}

interface FieldProps {
  name: string;
  label: string;
  type?: string;
  autoComplete: string;
  maxLength?: number;
}

function Field({ name, label, type = "text", autoComplete, maxLength }: FieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input name={name} type={type} required dir="auto" autocomplete={autoComplete} maxLength={maxLength} />
    </label>
  );
}

function credentialsOf(way: "password" | "token", field: (name: string) => string): Credentials {
  if (way === "token") return { kind: "jwt", jwt: field("token").trim() };
  const account = field("account").trim();
  const userId = idOf(account);
  const who = userId === undefined ? { email: account } : { userId };
  return { kind: "password", account: who, password: field("password") };
}
