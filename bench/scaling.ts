import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { stream } from "../src/base/random.ts";
import { finished } from "./wholeJob.ts";

const side = 224;
const classes = 10;

/** What is run on a folder of photos. */
const commands = {
  train: (photos: string, folder: string, backbone: string) => [
    "train",
    photos,
    "--backbone",
    backbone,
    "--strategy",
    "feature-extraction",
    "--out",
    join(folder, "run"),
  ],
  audit: (photos: string, folder: string) => ["audit", photos, "--out", join(folder, "audit.json")],
} as const;

/** Prints how time and memory of `graft train` with a frozen backbone, or of `graft audit` without one, grow with the number of photos. */
export async function printScaling(
  counts: readonly number[],
  backbone: string,
  command: keyof typeof commands = "train",
): Promise<void> {
  console.log(`\n| photos, ${command} | seconds | ms a photo | peak memory, MB |\n| --- | --- | --- | --- |`);
  for (const count of counts) {
    const folder = await mkdtemp(join(tmpdir(), "graft-scaling-"));
    try {
      const photos = join(folder, "photos");
      await makePhotos(photos, count);
      const options = ["bin/graft.js", ...commands[command](photos, folder, backbone)];
      const start = performance.now();
      const { peak } = await finished("node", options, { GRAFT_CACHE: join(folder, "cache") });
      const durationMs = performance.now() - start;
      console.log(
        `| ${count} | ${(durationMs / 1000).toFixed(0)} | ${(durationMs / count).toFixed(2)} | ${(peak / 1e6).toFixed(0)} |`,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** JPEG photos of 224×224, each class with a colour of its own under coarse noise. */
async function makePhotos(folder: string, count: number): Promise<void> {
  for (let i = 0; i < classes; i++) await mkdir(join(folder, `class${i}`), { recursive: true });
  for (let i = 0; i < count; i++) {
    const random = stream(0, "photo", i);
    const noise = Uint8Array.from(
      { length: 3 * 28 * 28 },
      (_, at) => 60 + 12 * (((i % classes) + at) % 3) + (random.bits() & 127),
    );
    const jpeg = await sharp(noise, { raw: { width: 28, height: 28, channels: 3 } })
      .resize(side, side)
      .jpeg()
      .toBuffer();
    await writeFile(join(folder, `class${i % classes}`, `${i}.jpg`), jpeg);
  }
}
