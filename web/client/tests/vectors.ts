// The files of `proto/vectors`.

import { readFileSync } from "node:fs";
import type { JsonValue } from "@bufbuild/protobuf";

/** A recorded frame: its bytes, the length included, and what it says. */
export interface Vector {
  name: string;
  hex: string;
  json: JsonValue;
}

export interface FrameFile {
  message: "hubbub.chat.v1.ClientFrame" | "hubbub.chat.v1.ServerFrame";
  frames: Vector[];
}

export const FRAME_FILES = ["client_frames.json", "server_frames.json", "error_frames.json"];

export function load<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../proto/vectors/${name}`, import.meta.url), "utf8")) as T;
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}
