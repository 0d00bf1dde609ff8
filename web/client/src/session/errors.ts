// How a server can break the rules, and why a request was not taken.

/** The server broke the rules: close the connection (`handleClose` follows as after any loss). */
export class ProtocolError extends Error {}

/** Why a request was not taken. Nothing was queued. */
export class RequestRefused extends Error {
  readonly reason: "queueFull" | "bodyTooLong" | "frameTooLong" | "stopped";

  constructor(reason: RequestRefused["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}
