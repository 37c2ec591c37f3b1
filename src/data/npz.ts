import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Store } from "../platform/platform.ts";
import { readNpz } from "../weights/npz.ts";
import { arraySource, type ImageArray } from "./imageArray.ts";
import type { Source, SplitName } from "./source.ts";

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
  const wanted = new Set(parts.flatMap(({ images, labels }) => [images, labels]));
  const members = readNpz(await store.read(path), path, (name) => wanted.has(name));
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

function imageArray(split: SplitName, images: Tensor, labels: Tensor, path: string): ImageArray {
  const [count = 0, height = 0, width = 0, channels = 1, ...rest] = images.shape;
  const fits = images.shape.length >= 3 && rest.length === 0 && (channels === 1 || channels === 3);
  if (!fits || images.dtype !== "uint8") {
    throw new GraftError(
      "data",
      `"${path}": images of shape [${images.shape}]; expected unsigned bytes [N, H, W] or [N, H, W, 1 or 3].`,
    );
  }
  if (labels.size !== count || labels.dtype === "float16") {
    throw new GraftError(
      "data",
      `"${path}": ${count} images but ${labels.size} labels of ${labels.dtype}; expected one number each.`,
    );
  }
  const classes = Int32Array.from(labels.data, Number);
  if (classes.some((label) => label < 0)) throw new GraftError("data", `"${path}": a label is negative.`);
  return { name: split, split, height, width, channels: channels === 3 ? 3 : 1, pixels: images.bytes, labels: classes };
}
