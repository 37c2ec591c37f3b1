import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import { readHdf5 } from "./hdf5.ts";
import { readZip } from "./zip.ts";

/** The member of a `.keras` archive that holds the weights. */
const weightsMember = "model.weights.h5";

/**
 * The weights in a Keras HDF5 file, of a whole model or of the weights alone, by Keras' names without ":0": `conv1/kernel`. Kernels stay in
 * Keras' order, [height, width, in, out]. Throws `input`.
 */
export async function readKerasHdf5(bytes: Uint8Array, fileName: string): Promise<ReadonlyMap<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const [path, tensor] of await readHdf5(bytes, fileName)) {
    if (/^optimizer(_weights)?\//.test(path)) continue;
    tensors.set(weightName(path), tensor);
  }
  return tensors;
}

export function isKerasMember(name: string): boolean {
  return name === weightsMember;
}

/** The weights in a `.keras` archive, by their place in it: `layers/conv2d/vars/0`. Throws `input`. */
export async function readKerasArchive(bytes: Uint8Array, fileName: string): Promise<ReadonlyMap<string, Tensor>> {
  const weights = readZip(bytes, fileName, isKerasMember).get(weightsMember);
  if (weights !== undefined) return readKerasHdf5(weights, `${fileName}, ${weightsMember}`);
  throw new GraftError("input", `"${fileName}" is no Keras archive: no member "${weightsMember}".`);
}

/** Keras 2 puts the weight "conv1/kernel:0" into the group of its layer, "conv1", below the one of all weights. */
function weightName(path: string): string {
  return path
    .replace(/^model_weights\//, "")
    .replace(/^([^/]+)\/\1\//, "$1/")
    .replace(/:0$/, "");
}
