// Bytes that are no frame are refused, before they are read where that can be told; what is only unknown is not.

import { type DescMessage, fromBinary, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type ClientFrame, ClientFrameSchema, type ServerFrame, ServerFrameSchema } from "../src/gen/chat/v1/chat_pb.ts";
import { Unframer } from "../src/index.ts";
import { fromHex, load } from "./vectors.ts";

interface RefusedFile {
  frame_bytes_max: number;
  frames: { name: string; direction: "up" | "down"; hex: string; outcome: string; json?: JsonValue }[];
}

const file = load<RefusedFile>("refused_frames.json");

function outcomeOf(schema: DescMessage, hex: string): [string, JsonValue?] {
  const unframer = new Unframer(file.frame_bytes_max);
  try {
    const payload = unframer.push(fromHex(hex))[0];
    if (!payload) return ["incomplete"];
    const message = fromBinary(schema, payload) as Message as ClientFrame | ServerFrame;
    if (message.body.case === undefined) return ["no_body"];
    return ["message", toJson(schema, message)];
  } catch {
    return ["bad_frame"];
  }
}

test.each(file.frames)("$name", ({ direction, hex, outcome, json }) => {
  const [found, said] = outcomeOf(direction === "up" ? ClientFrameSchema : ServerFrameSchema, hex);
  expect(found).toBe(outcome);
  if (outcome === "message") expect(said).toEqual(json);
});

test("there are some of each", () => {
  const outcomes = new Set(file.frames.map(({ outcome }) => outcome));
  expect(outcomes).toEqual(new Set(["bad_frame", "incomplete", "no_body", "message"]));
});
