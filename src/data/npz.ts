import { unzipSync } from "fflate";
import { GraftError, messageOf } from "../base/errors.ts";
import type { Store } from "../platform/platform.ts";
import { arraySource, type ImageArray } from "./imageArray.ts";
import { type NpyArray, readNpy } from "./npy.ts";
import type { Source, SplitName } from "./source.ts";

const limitBytes = 4 * 1024 ** 3;
/** Member names of MedMNIST and of Keras' data sets. */
const parts: readonly { readonly images: string; readonly labels: string; readonly split: SplitName }[] = [
  { images: "train_images", labels: "train_labels", split: "train" },
  { images: "val_images", labels: "val_labels", split: "validation" },
  { images: "test_images", labels: "test_labels", split: "test" },
  { images: "x_train", labels: "y_train", split: "train" },
  { images: "x_val", labels: "y_val", split: "validation" },
  { images: "x_test", labels: "y_test", split: "test" },
];

/** A NumPy archive of image and label arrays. */
export async function openNpz(path: string, store: Store): Promise<Source> {
  const members = unpack(await store.read(path), path);
  const arrays: ImageArray[] = [];
  for (const { images, labels, split } of parts) {
    const pixels = members.get(images);
    const classes = members.get(labels);
    if (pixels !== undefined && classes !== undefined) arrays.push(imageArray(split, pixels, classes, path));
  }
  if (arrays.length > 0) return arraySource("NumPy archive", arrays);
  const found = [...members.keys()].join(", ") || "nothing";
  throw new GraftError(
    "data",
    `"${path}" holds ${found}; expected train_images and train_labels, or x_train and y_train.`,
  );
}

function unpack(bytes: Uint8Array, path: string): ReadonlyMap<string, NpyArray> {
  let total = 0;
  const wanted = new Set(parts.flatMap(({ images, labels }) => [`${images}.npy`, `${labels}.npy`]));
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!wanted.has(name)) return false;
        total += originalSize;
        if (total > limitBytes) throw new Error(`it unpacks to more than ${limitBytes} bytes`);
        return true;
      },
    });
    return new Map(Object.entries(files).map(([name, file]) => [name.slice(0, -4), readNpy(file, `${path}, ${name}`)]));
  } catch (error) {
    if (error instanceof GraftError) throw error;
    throw new GraftError("input", `"${path}" is not a whole NumPy archive: ${messageOf(error)}.`);
  }
}

function imageArray(split: SplitName, images: NpyArray, labels: NpyArray, path: string): ImageArray {
  const [count = 0, height = 0, width = 0, channels = 1, ...rest] = images.shape;
  const fits = images.shape.length >= 3 && rest.length === 0 && (channels === 1 || channels === 3);
  if (!fits || !(images.data instanceof Uint8Array)) {
    throw new GraftError(
      "data",
      `"${path}": images of shape [${images.shape}]; expected unsigned bytes [N, H, W] or [N, H, W, 1 or 3].`,
    );
  }
  if (labels.data.length !== count) {
    throw new GraftError(
      "data",
      `"${path}": ${count} images but ${labels.data.length} labels; expected one label each.`,
    );
  }
  const classes = Int32Array.from(labels.data, Number);
  if (classes.some((label) => label < 0)) throw new GraftError("data", `"${path}": a label is negative.`);
  return { name: split, split, height, width, channels: channels === 3 ? 3 : 1, pixels: images.data, labels: classes };
}
