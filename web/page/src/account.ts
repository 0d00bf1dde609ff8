// Who is signed in on this browser, and which device it is. Never a password.

import { idOf, type KeyValue, type UserId } from "hubbub-client";

const ACCOUNT = "hubbub/account";
const DEVICE = "hubbub/device";

/** What the browser keeps for this page; where it keeps nothing, it is kept until the page is closed. */
export const storage: KeyValue = browserStorage() ?? memory();

function browserStorage(): KeyValue | undefined {
  try {
    localStorage.setItem("hubbub/probe", "");
    localStorage.removeItem("hubbub/probe");
    return localStorage;
  } catch {
    return undefined;
  }
}

function memory(): KeyValue {
  const kept = new Map<string, string>();
  return {
    get length() {
      return kept.size;
    },
    key: (index) => Array.from(kept.keys())[index] ?? null,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

export interface Account {
  readonly user: UserId;
  readonly sessionToken: string;
}

export function loadAccount(): Account | undefined {
  try {
    const saved: unknown = JSON.parse(storage.getItem(ACCOUNT) ?? "null");
    if (typeof saved !== "object" || saved === null || !("user" in saved) || !("sessionToken" in saved)) return undefined;
    return { user: BigInt(String(saved.user)), sessionToken: String(saved.sessionToken) };
  } catch {
    return undefined;
  }
}

export function saveAccount({ user, sessionToken }: Account): void {
  storage.setItem(ACCOUNT, JSON.stringify({ user: `${user}`, sessionToken }));
}

export function forgetAccount(): void {
  storage.removeItem(ACCOUNT);
}

/** This browser as a device: chosen once, at random, not 0. */
export function deviceId(): bigint {
  const saved = storage.getItem(DEVICE);
  const known = idOf(saved ?? "");
  if (known !== undefined) return known;
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  const made = (BigInt(high) << 32n) | BigInt(low) | 1n;
  storage.setItem(DEVICE, `${made}`);
  return made;
}

/** For people to recognise the device by, at most 64 bytes. */
export function deviceName(): string {
  const agent = navigator.userAgent;
  const browser = ["Firefox", "Edg", "OPR", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`)) ?? "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"].find((name) => agent.includes(name));
  return `${browser.replace("Edg", "Edge").replace("OPR", "Opera")}${system ? ` on ${system}` : ""}`;
}
