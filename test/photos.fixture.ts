import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stream } from "../src/base/random.ts";
import { createCodec } from "../src/node/codec.ts";

/** A folder that the operating system may clean up. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "graft-"));
}

/** Writes small PNGs of noise in one colour per class: a problem that is easy, but not trivial. */
export async function writePhotos(
  root: string,
  classes: Readonly<Record<string, readonly [number, number, number]>>,
  count: number,
  size = 24,
): Promise<void> {
  const codec = createCodec();
  for (const [name, colour] of Object.entries(classes)) {
    mkdirSync(join(root, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const random = stream(1, name, 0, i);
      const data = Uint8Array.from({ length: size * size * 3 }, (_, at) => {
        const level = (colour[at % 3] ?? 0) + random.uniform(-90, 90);
        return Math.max(0, Math.min(255, level));
      });
      writeFileSync(
        join(root, name, `${i}.png`),
        await codec.encodePng({ width: size, height: size, channels: 3, data }),
      );
    }
  }
}
