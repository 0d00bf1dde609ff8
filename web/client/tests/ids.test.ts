// Keys of conversations, and ids as people and addresses write them.

import { expect, test } from "vitest";
import { conversationOf, direct, group, idOf, keyOf } from "../src/index.ts";

test.each([direct(20n, 10n), direct(1n, 2n ** 64n - 1n), group(77n)])("a key leads back", (conversation) => {
  if (!conversation) throw new Error("no conversation");
  expect(conversationOf(keyOf(conversation))).toEqual(conversation);
});

test.each(["", "group:", "group:0", "group:18446744073709551616", "direct:1", "direct:1:1", "direct:0:1", "direct:1:18446744073709551616", "x:1"])(
  "%s is no key",
  (key) => expect(conversationOf(key)).toBeUndefined(),
);

test("ids have 64 bits", () => {
  expect(idOf("18446744073709551615")).toBe(2n ** 64n - 1n);
  for (const digits of ["18446744073709551616", "0", "-1", "1.5", "", "1 ", "01", "99999999999999999999999"]) {
    expect(idOf(digits), digits).toBeUndefined();
  }
});
