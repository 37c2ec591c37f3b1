import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { codecContract } from "../platform/codec.fixture.ts";
import { edgeImages } from "../platform/edgeImages.fixture.ts";
import { createCodec } from "./codec.ts";
import { loadSharp } from "./sharp.ts";

const folder = join(import.meta.dirname, "../../../shared/data/edge-images");
const present = existsSync(folder);

codecContract("sharp", createCodec, {
  readEdgeImage: present ? async (name) => new Uint8Array(await readFile(join(folder, name))) : undefined,
});

describe("the codec over sharp", () => {
  const codec = createCodec();

  it.skipIf(!present)("has an expectation for every edge image", async () => {
    expect((await readdir(folder)).sort()).toEqual(Object.keys(edgeImages).sort());
  });

  it("scales 16-bit gray to 8 bits instead of clipping it", async () => {
    const sharp = await loadSharp();
    const samples = Uint16Array.of(0, 32768, 65535, 257);
    const png = await sharp(samples, { raw: { width: 4, height: 1, channels: 1 } })
      .toColourspace("grey16")
      .png()
      .toBuffer();
    expect((await sharp(png).metadata()).depth).toBe("ushort");
    const { data } = await codec.decode(png, 4);
    expect([...data]).toEqual([0, 0, 0, 128, 128, 128, 255, 255, 255, 1, 1, 1]);
  });

  it("ignores ICC profiles, as Pillow does", async () => {
    const sharp = await loadSharp();
    const raw = { width: 1, height: 1, channels: 3 } as const;
    const tagged = await sharp(Uint8Array.of(200, 100, 50), { raw })
      .withIccProfile("p3", { attach: true })
      .png()
      .toBuffer();
    const stored = await sharp(tagged, { ignoreIcc: true }).raw().toBuffer();
    expect((await sharp(tagged).metadata()).hasProfile).toBe(true);
    expect([...(await codec.decode(tagged, 1)).data]).toEqual([...stored]);
    expect([...stored]).not.toEqual([200, 100, 50]);
  });

  const formats = ["jpeg", "png", "webp", "tiff", "avif", "gif"] as const;
  it.each(formats)("refuses %s files cut anywhere", async (format) => {
    const sharp = await loadSharp();
    const data = Uint8Array.from({ length: 3 * 64 * 48 }, (_, i) => (i * i) % 251);
    const whole = await sharp(data, { raw: { width: 64, height: 48, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    expect(await codec.decode(whole, 64 * 48)).toMatchObject({ width: 64, height: 48 });
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const cut = codec.decode(whole.subarray(0, Math.floor(whole.length * share)), 64 * 48);
      await expect(cut).rejects.toThrow(/^ends early|^is cut short or damaged/);
    }
  });

  it("says how to install sharp where it is missing", async () => {
    const broken = loadSharp(() => Promise.reject(new Error("Cannot find package 'sharp'\nmore")));
    await expect(broken).rejects.toMatchObject({
      code: "system",
      message: expect.stringMatching(/"sharp" does not load \(Cannot find package 'sharp'\)\. Do "npm install/),
    });
  });
});
