// Each recorded frame decodes to what its JSON says, and encodes to the same bytes again; every body has one.

import { type DescMessage, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ClientFrameSchema, ErrorCode, ErrorCodeSchema, ServerFrameSchema } from "../src/gen/chat/v1/chat_pb.ts";
import { prefixed, Unframer } from "../src/index.ts";
import { FRAME_FILES, type FrameFile, fromHex, load } from "./vectors.ts";

const schemaOf = (file: FrameFile): DescMessage =>
  file.message === "hubbub.chat.v1.ClientFrame" ? ClientFrameSchema : ServerFrameSchema;
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe.each(FRAME_FILES)("%s", (name) => {
  const file = load<FrameFile>(name);
  const schema = schemaOf(file);

  test.each(file.frames)("$name", ({ hex, json }) => {
    const payloads = new Unframer(65_536).push(fromHex(hex));
    expect(payloads).toHaveLength(1);
    const message = fromBinary(schema, payloads[0] ?? new Uint8Array());
    expect(toJson(schema, message)).toEqual(json);
    expect(hexOf(prefixed(toBinary(schema, message)))).toBe(hex);
    expect(hexOf(prefixed(toBinary(schema, fromJson(schema, json))))).toBe(hex);
  });
});

test("every body has a frame", () => {
  const files = FRAME_FILES.map((name) => load<FrameFile>(name));
  for (const schema of [ClientFrameSchema, ServerFrameSchema]) {
    const frames = files.filter((file) => schemaOf(file) === schema).flatMap((file) => file.frames);
    const bodies = schema.oneofs[0]?.fields ?? [];
    expect(bodies.length).toBeGreaterThan(20);
    for (const field of bodies) {
      const has = frames.some(({ json }) => typeof json === "object" && json !== null && field.jsonName in json);
      expect(has, field.name).toBe(true);
    }
  }
});

test("every error code has a frame with an action that is known", () => {
  const errors = load<FrameFile>("error_frames.json").frames.map(({ hex }) => {
    const { body } = fromBinary(ServerFrameSchema, fromHex(hex).subarray(4));
    if (body.case !== "error") throw new Error("not an error");
    return body.value;
  });
  const codes = new Set(errors.map((error) => error.code));
  const all = ErrorCodeSchema.values.map((value) => value.number).filter((code) => code !== ErrorCode.ERROR_CODE_UNSPECIFIED);
  expect([...codes].sort()).toEqual([...all].sort());
  expect(errors.every((error) => error.action >= 1 && error.action <= 4)).toBe(true);
});
