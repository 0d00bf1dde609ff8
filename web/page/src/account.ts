// Who is signed in on this browser, and which device it is. Never a password.

import type { UserId } from "hubbub-client";

const ACCOUNT = "hubbub/account";
const DEVICE = "hubbub/device";

export interface Account {
  readonly user: UserId;
  readonly sessionToken: string;
}

export function loadAccount(): Account | undefined {
  try {
    const saved: unknown = JSON.parse(localStorage.getItem(ACCOUNT) ?? "null");
    if (typeof saved !== "object" || saved === null || !("user" in saved) || !("sessionToken" in saved)) return undefined;
    return { user: BigInt(String(saved.user)), sessionToken: String(saved.sessionToken) };
  } catch {
    return undefined;
  }
}

export function saveAccount({ user, sessionToken }: Account): void {
  localStorage.setItem(ACCOUNT, JSON.stringify({ user: `${user}`, sessionToken }));
}

export function forgetAccount(): void {
  localStorage.removeItem(ACCOUNT);
}

/** This browser as a device: chosen once, at random, not 0. */
export function deviceId(): bigint {
  const saved = localStorage.getItem(DEVICE);
  if (saved && /^[1-9]\d{0,19}$/.test(saved)) return BigInt(saved);
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  const made = (BigInt(high) << 32n) | BigInt(low) | 1n;
  localStorage.setItem(DEVICE, `${made}`);
  return made;
}

/** For people to recognise the device by, at most 64 bytes. */
export function deviceName(): string {
  const agent = navigator.userAgent;
  const browser = ["Firefox", "Edg", "OPR", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`)) ?? "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"].find((name) => agent.includes(name));
  return `${browser.replace("Edg", "Edge").replace("OPR", "Opera")}${system ? ` on ${system}` : ""}`;
}
