// Sent, delivered or read: what has become of one's own messages in one conversation.
//
// Promises: a status never goes back, in whatever order and however often marks arrive.

import type { Receipt, ReceiptSummary } from "./gen/chat/v1/chat_pb.ts";
import type { Seq, UserId } from "./ids.ts";

/** What has become of a message that is durable. In a group: of all others. */
export type Status = "sent" | "delivered" | "read";

/** How many counts of a group are kept. */
const SUMMARIES_MAX = 256;

export class Statuses {
  #delivered: Seq = 0n;
  #read: Seq = 0n;
  readonly #counts = new Map<Seq, { delivered: number; read: number }>();

  of(seq: Seq): Status {
    if (seq <= this.#read) return "read";
    return seq <= this.#delivered ? "delivered" : "sent";
  }

  /** How many others of a group hold a message and have read it, as far as was told. */
  countsOf(seq: Seq): { delivered: number; read: number } | undefined {
    return this.#counts.get(seq);
  }

  /** The marks of the other person of a direct conversation. */
  raise(delivered: Seq, read: Seq): void {
    if (read > this.#read) this.#read = read;
    // Who has read it holds it.
    for (const mark of [delivered, read]) if (mark > this.#delivered) this.#delivered = mark;
  }

  /** The receipts of a direct conversation with `peer`. */
  noteReceipts(peer: UserId, receipts: readonly Receipt[]): void {
    for (const { user, delivered, read } of receipts) if (user === peer) this.raise(delivered, read);
  }

  /** The summaries of a group that has so many members besides this user (0: not known). */
  noteSummaries(summaries: readonly ReceiptSummary[], others: number): void {
    for (const { seq, deliveredCount, readCount } of summaries) {
      const before = this.#counts.get(seq) ?? { delivered: 0, read: 0 };
      const delivered = Math.max(before.delivered, deliveredCount, readCount);
      this.#counts.set(seq, { delivered, read: Math.max(before.read, readCount) });
    }
    for (const seq of this.#counts.keys()) if (this.#counts.size > SUMMARIES_MAX) this.#counts.delete(seq);
    this.noteOthers(others);
  }

  /** How many members a group has besides this user: counts that came before may mean more now. */
  noteOthers(others: number): void {
    if (others <= 0) return;
    for (const [seq, { delivered, read }] of this.#counts) {
      this.raise(delivered >= others ? seq : 0n, read >= others ? seq : 0n);
    }
  }

  /** The log began anew: its old numbers mean nothing any more. */
  reset(): void {
    this.#delivered = 0n;
    this.#read = 0n;
    this.#counts.clear();
  }
}
