import { describe, expect, it } from "vitest";
import { createCodec } from "./codec.ts";

const { decode } = createCodec();
const ascii = (text: string) => new TextEncoder().encode(text);
const file = (header: string, ...samples: number[]) => Uint8Array.from([...ascii(header), ...samples]);

describe("portable pixmaps", () => {
  it("read binary colour, with a comment in the header", async () => {
    const pixels = await decode(file("P6\n# made by hand\n2 1\n255\n", 1, 2, 3, 10, 32, 255), 2);
    expect(pixels).toEqual({ width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 10, 32, 255) });
  });

  it("repeat binary gray, also where the first sample looks like white space", async () => {
    expect((await decode(file("P5 2 1 255\n", 10, 32), 2)).data).toEqual(Uint8Array.of(10, 10, 10, 32, 32, 32));
  });

  it("scale other maxima to 255", async () => {
    expect((await decode(file("P5 2 1 15\n", 0, 15), 2)).data).toEqual(Uint8Array.of(0, 0, 0, 255, 255, 255));
    expect((await decode(file("P5 1 1 65535\n", 128, 128), 1)).data).toEqual(Uint8Array.of(128, 128, 128));
  });

  it("read plain text samples", async () => {
    expect((await decode(ascii("P3\n1 1 255\n7 8\n9\n"), 1)).data).toEqual(Uint8Array.of(7, 8, 9));
    expect((await decode(ascii("P2\n2 1\n# top\n4\n0 4"), 2)).data).toEqual(Uint8Array.of(0, 0, 0, 255, 255, 255));
  });

  it.each([
    ["ends early", file("P6 2 1 255\n", 1, 2, 3), /^ends early/],
    ["ends early as text", ascii("P3 1 1 255 1 2"), /^ends early/],
    ["has no size", ascii("P6 hello"), /^is damaged: its PNM header/],
    ["has a size of zero", ascii("P6 0 5 255\n"), /^is damaged: its PNM header/],
    ["is over the limit", ascii("P6 100 100 255\n"), /^100×100 pixels, over the limit of 9,000$/],
  ])("are refused when the file %s", async (_, bytes, message) => {
    await expect(decode(bytes, 9000)).rejects.toMatchObject({ code: "input", message: expect.stringMatching(message) });
  });
});
