// Before a session: what a server offers, making an account, and turning a password or a token into a session token.
//
// Without IO: one attempt is one connection, `Hello` and at most one request, one outcome. A registration cannot be
// resent: when the connection is lost before the answer, the account may be there.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClientFrameSchema, ErrorCode, type Error as WireError, ServerFrameSchema, type Welcome } from "./gen/chat/v1/chat_pb.ts";
import type { UserId } from "./ids.ts";
import type { Credentials } from "./session/config.ts";
import type { BodyInit } from "./session/core.ts";
import { helloOf, methodOf, VERSION } from "./session/handshake.ts";

/** What an attempt is for. */
export type Errand =
  /** Only to hear the `Welcome`. */
  | { kind: "greet" }
  | { kind: "register"; name: string; email: string; password: string }
  | { kind: "logIn"; credentials: Credentials; deviceId: bigint; deviceName: string };

/** What came of it. */
export type Outcome =
  | { kind: "greeted"; welcome: Welcome }
  | { kind: "registered"; userId: UserId }
  | { kind: "loggedIn"; userId: UserId; sessionToken: string }
  | { kind: "refused"; code: ErrorCode; message: string; retryAfterMs: number; field: string }
  /** The connection ended, or what came is not this protocol. */
  | { kind: "lost" };

export class Lobby {
  readonly #errand: Errand;

  constructor(errand: Errand) {
    this.#errand = errand;
  }

  /** The connection stands: what to write. */
  handleOpen(): Uint8Array[] {
    const frames = [frame(1n, helloOf("hubbub-page", "0.1.0"))];
    const errand = this.#errand;
    if (errand.kind === "register") {
      const { name, email, password } = errand;
      frames.push(frame(2n, { case: "register", value: { name, email, password } }));
    } else if (errand.kind === "logIn") {
      const { deviceId, deviceName } = errand;
      const value = { method: methodOf(errand.credentials), deviceId, deviceName, platform: "web", wantSessionToken: true };
      frames.push(frame(2n, { case: "login", value }));
    }
    return frames;
  }

  /** One frame of the server; the outcome, once it is there. Then the connection is of no more use. */
  handleFrame(payload: Uint8Array): Outcome | undefined {
    let body;
    try {
      ({ body } = fromBinary(ServerFrameSchema, payload));
    } catch {
      return { kind: "lost" };
    }
    switch (body.case) {
      case "welcome":
        if (body.value.version !== VERSION) return { kind: "lost" };
        return this.#errand.kind === "greet" ? { kind: "greeted", welcome: body.value } : undefined;
      case "registered":
        return { kind: "registered", userId: body.value.userId };
      case "loggedIn":
        return { kind: "loggedIn", userId: body.value.userId, sessionToken: body.value.sessionToken };
      case "error":
        return refused(body.value);
      case "bye":
        return { kind: "lost" };
      default:
        return undefined;
    }
  }
}

function refused(error: WireError): Outcome {
  const { code, message, retryAfterMs, field } = error;
  return { kind: "refused", code, message, retryAfterMs, field };
}

function frame(requestId: bigint, body: BodyInit): Uint8Array {
  return toBinary(ClientFrameSchema, create(ClientFrameSchema, { requestId, body }));
}
