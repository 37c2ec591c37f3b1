import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { arraySource, type ImageArray } from "./imageArray.ts";
import type { Source, SplitName } from "./source.ts";

const limitBytes = 4 * 1024 ** 3;
const parts: readonly { readonly prefix: string; readonly split: SplitName }[] = [
  { prefix: "train", split: "train" },
  { prefix: "t10k", split: "test" },
];

/** Whether these file names are MNIST's. */
export function isIdxFolder(names: readonly string[]): boolean {
  return names.some((name) => /^train-images.*idx3-ubyte(\.gz)?$/.test(name));
}

/** A folder of MNIST's IDX files, gzipped or not: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-…`. */
export async function openIdx(folder: string, names: readonly string[], platform: Platform): Promise<Source> {
  const arrays: ImageArray[] = [];
  for (const { prefix, split } of parts) {
    const images = names.find((name) => name.startsWith(`${prefix}-images`));
    const labels = names.find((name) => name.startsWith(`${prefix}-labels`));
    if (images === undefined && labels === undefined) continue;
    if (images === undefined || labels === undefined) {
      throw new GraftError("data", `"${folder}" has ${images ?? labels} but not its ${images ? "labels" : "images"}.`);
    }
    const pixels = await readIdx(platform, folder, images, 3);
    const classes = await readIdx(platform, folder, labels, 1);
    const [count = 0, height = 0, width = 0] = pixels.shape;
    if (classes.shape[0] !== count) {
      throw new GraftError("data", `"${images}" has ${count} images, "${labels}" ${classes.shape[0]} labels.`);
    }
    arrays.push({ name: prefix, split, height, width, channels: 1, pixels: pixels.data, labels: classes.data });
  }
  return arraySource("MNIST IDX files", arrays);
}

/** The format's own description: two zeros, type 8 (unsigned bytes), the number of axes, big-endian lengths, data. */
async function readIdx(platform: Platform, folder: string, name: string, rank: number) {
  const { store } = platform;
  const raw = await store.read(store.join(folder, name));
  const bytes = name.endsWith(".gz") ? platform.inflate(raw, "gzip", limitBytes) : raw;
  const headBytes = 4 + 4 * rank;
  const fail = (what: string) => new GraftError("input", `"${name}" is not a whole IDX file: ${what}.`);
  if (bytes.length < headBytes || bytes[0] !== 0 || bytes[1] !== 0) throw fail("its header is wrong");
  if (bytes[2] !== 8 || bytes[3] !== rank)
    throw fail(`type ${bytes[2]} with ${bytes[3]} axes; expected bytes with ${rank}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = shape.reduce((a, b) => a * b, 1);
  if (bytes.length - headBytes !== expected) throw fail(`${bytes.length - headBytes} bytes of data for [${shape}]`);
  return { shape, data: bytes.subarray(headBytes) };
}
