import fc from "fast-check";
import { expect, it } from "vitest";
import { base64 } from "./base64.ts";

it("writes bytes as Node does", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      expect(base64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
    }),
  );
});
