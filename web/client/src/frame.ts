// The length before each frame, as TCP needs it. Over WebSocket a message is a frame, and nothing here is used.
//
// Promises: a length of 0 or over the limit is refused before the rest arrives; nothing is kept beyond one frame.

const PREFIX_BYTES = 4;

/** The peer broke the rules; the connection cannot go on. */
export class FrameError extends Error {}

/** A frame with its length before it. */
export function prefixed(payload: Uint8Array): Uint8Array {
  const framed = new Uint8Array(PREFIX_BYTES + payload.length);
  new DataView(framed.buffer).setUint32(0, payload.length);
  framed.set(payload, PREFIX_BYTES);
  return framed;
}

/** Takes frames off a stream of bytes. */
export class Unframer {
  readonly #frameBytesMax: number;
  #held = new Uint8Array(0);

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes that came; what is whole of them comes out, without lengths. Throws {@link FrameError}. */
  push(bytes: Uint8Array): Uint8Array[] {
    let rest: Uint8Array = bytes;
    if (this.#held.length > 0) {
      rest = new Uint8Array(this.#held.length + bytes.length);
      rest.set(this.#held);
      rest.set(bytes, this.#held.length);
    }
    const payloads: Uint8Array[] = [];
    while (rest.length >= PREFIX_BYTES) {
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0);
      if (length === 0 || length > this.#frameBytesMax) throw new FrameError(`a frame of ${length} bytes`);
      if (rest.length < PREFIX_BYTES + length) break;
      payloads.push(rest.slice(PREFIX_BYTES, PREFIX_BYTES + length));
      rest = rest.subarray(PREFIX_BYTES + length);
    }
    this.#held = rest.slice();
    return payloads;
  }

  /** Bytes of a frame that is not whole yet. */
  get heldBytes(): number {
    return this.#held.length;
  }
}
