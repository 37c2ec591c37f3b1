import { defineConfig } from "vitest/config";

/** Checks that take minutes: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ["test/**/*.long.ts"],
    globalSetup: ["test/build.ts"],
    reporters: ["default", "./test/closingLine.ts"],
    hookTimeout: 300_000,
    pool: "forks",
  },
});
