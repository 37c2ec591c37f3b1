import { GraftError } from "../base/errors.ts";
import { decodeSafetensors } from "../base/safetensors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Store } from "../platform/platform.ts";
import { isHdf5 } from "./hdf5.ts";
import { isKerasMember, readKerasArchive, readKerasHdf5 } from "./kerasFile.ts";
import { readNpz } from "./npz.ts";
import { indexFile, readShards } from "./shards.ts";
import { isLegacyTorch, isTorchMember, readLegacyTorch, readTorchZip } from "./torchFile.ts";
import { isZip, zipNames } from "./zip.ts";

/** Files of these names are looked for in a folder, in this order. */
const usualNames = [
  "model.safetensors",
  indexFile,
  "pytorch_model.bin",
  "model.weights.h5",
  "tf_model.h5",
  "model.keras",
  "model.npz",
];

/**
 * The tensors of a weights file by name: safetensors (also sharded, by its index), PyTorch's `.pth`, Keras' HDF5 and `.keras`, NumPy's
 * `.npz`. The content decides, not the file's ending. A folder stands for the weights in it. Throws `input` or `model` naming the file.
 */
export async function openWeights(path: string, store: Store): Promise<ReadonlyMap<string, Tensor>> {
  const file = (await store.info(path))?.kind === "folder" ? await weightsIn(path, store) : path;
  const bytes = await store.read(file);
  const tensors = isJson(bytes) ? await readShards(bytes, file, store) : await decodeWeights(bytes, file);
  if (tensors.size > 0) return tensors;
  throw new GraftError("input", `"${file}" holds no weights.`);
}

/** The same for the content of one file. */
export async function decodeWeights(bytes: Uint8Array, fileName: string): Promise<ReadonlyMap<string, Tensor>> {
  if (isHdf5(bytes)) return readKerasHdf5(bytes, fileName);
  if (isLegacyTorch(bytes)) return readLegacyTorch(bytes, fileName);
  if (isZip(bytes)) return decodeArchive(bytes, fileName);
  if (isSafetensors(bytes)) return decodeSafetensors(bytes, fileName).tensors;
  throw new GraftError(
    "input",
    `"${fileName}" is no weights file that Graft reads: ${found(bytes)}. Expected ${formats}.`,
  );
}

const formats = "safetensors, a PyTorch .pth, a Keras .h5 or .keras, or a NumPy .npz";

function decodeArchive(
  bytes: Uint8Array,
  fileName: string,
): ReadonlyMap<string, Tensor> | Promise<ReadonlyMap<string, Tensor>> {
  const names = zipNames(bytes, fileName);
  if (names.some(isTorchMember)) return readTorchZip(bytes, fileName);
  if (names.some(isKerasMember)) return readKerasArchive(bytes, fileName);
  if (names.some((name) => name.endsWith(".npy"))) return readNpz(bytes, fileName);
  const some = names.slice(0, 10).map((name) => JSON.stringify(name.slice(0, 80)));
  throw new GraftError(
    "input",
    `"${fileName}" is a zip archive of ${some.join(", ") || "nothing"}; expected ${formats}.`,
  );
}

async function weightsIn(folder: string, store: Store): Promise<string> {
  const names = (await store.list(folder)).flatMap(({ name, kind }) => (kind === "file" ? [name] : []));
  const known = usualNames.find((name) => names.includes(name));
  const weights = names.filter((name) => /\.(safetensors|pth|pt|h5|keras|npz)$/.test(name));
  const chosen = known ?? (weights.length === 1 ? weights[0] : undefined);
  if (chosen !== undefined) return store.join(folder, chosen);
  const present = weights.length === 0 ? "no weights file" : `several weights files (${weights.join(", ")})`;
  throw new GraftError("input", `"${folder}" holds ${present}: give the path of the file.`);
}

/** Eight bytes of length, then JSON. */
function isSafetensors(bytes: Uint8Array): boolean {
  return bytes[8] === 0x7b;
}

/** JSON from the start: a length before it would have a zero byte. */
function isJson(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b && !bytes.subarray(0, 8).includes(0);
}

/** What an unknown file seems to be, for the message. */
function found(bytes: Uint8Array): string {
  if (bytes.length === 0) return "it is empty";
  const start = new TextDecoder().decode(bytes.subarray(0, 200));
  if (start.startsWith("version https://git-lfs")) return "it is a Git LFS pointer, not the file itself (git lfs pull)";
  if (/^\s*<(!doctype|html)/i.test(start)) return "it is a web page, as a failed download leaves";
  if (bytes[0] === 0x08) return "it may be an ONNX model, which is a backbone of its own: give it as --backbone";
  const first = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `it begins with the bytes ${first.join(" ")}`;
}
