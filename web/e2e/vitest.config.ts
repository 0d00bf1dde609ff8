import { defineConfig } from "vitest/config";

// Browsers are heavy: one file at a time, one test at a time.
export default defineConfig({
  test: { include: ["*.test.ts"], environment: "node", fileParallelism: false, testTimeout: 90_000, hookTimeout: 60_000 },
});
