import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import { readHdf5 } from "./hdf5.ts";
import { readZip } from "./zip.ts";

/** The member of a `.keras` archive that holds the weights. */
const weightsMember = "model.weights.h5";

/** The variables of Keras 3's layers, which it stores by number, in the order of their numbers. */
const variables: Readonly<Record<string, readonly string[]>> = {
  conv2d: ["kernel", "bias"],
  depthwise_conv2d: ["kernel", "bias"],
  separable_conv2d: ["depthwise_kernel", "pointwise_kernel", "bias"],
  dense: ["kernel", "bias"],
  batch_normalization: ["gamma", "beta", "moving_mean", "moving_variance"],
  layer_normalization: ["gamma", "beta"],
};

/**
 * The weights in a Keras HDF5 file, of a whole model or of the weights alone, by layer and variable: `conv1/kernel`. Kernels stay in Keras'
 * order, [height, width, in, out]. What has no such names keeps its path. Throws `input`.
 */
export async function readKerasHdf5(bytes: Uint8Array, fileName: string): Promise<ReadonlyMap<string, Tensor>> {
  const { tensors, names } = await readHdf5(bytes, fileName);
  const named = new Map<string, Tensor>();
  for (const [path, tensor] of tensors) {
    if (/^optimizer(_weights)?\//.test(path)) continue;
    named.set(numberedName(path, tensors, names) ?? weightName(path), tensor);
  }
  return named;
}

export function isKerasMember(name: string): boolean {
  return name === weightsMember;
}

/** The weights in a `.keras` archive, named in the same way. Throws `input`. */
export async function readKerasArchive(bytes: Uint8Array, fileName: string): Promise<ReadonlyMap<string, Tensor>> {
  const weights = readZip(bytes, fileName, isKerasMember).get(weightsMember);
  if (weights !== undefined) return readKerasHdf5(weights, `${fileName}, ${weightsMember}`);
  throw new GraftError("input", `"${fileName}" is no Keras archive: no member "${weightsMember}".`);
}

/**
 * Keras 3 numbers layers by class and variables by place, "layers/conv2d_1/vars/0", and tells the layer's own name beside them; models inside
 * others nest.
 */
function numberedName(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  names: ReadonlyMap<string, string>,
): string | undefined {
  const [, place = "", layer = "", index = ""] = /^((?:.*\/)?([^/]+))\/vars\/(\d+)$/.exec(path) ?? [];
  const known = variables[layer.replace(/_\d+$/, "")] ?? [];
  const variable = known[Number(index)];
  // Batch norm without a scale has fewer: then the numbers do not tell.
  const isWhole = known.length <= 2 || tensors.has(`${place}/vars/${known.length - 1}`);
  if (variable === undefined || !isWhole) return undefined;
  const parts = place.split("/");
  const own = parts.flatMap((part, i) =>
    part === "layers" ? [] : [names.get(`${parts.slice(0, i + 1).join("/")}/vars`)],
  );
  return own.includes(undefined) ? undefined : [...own, variable].join("/");
}

/** Keras 2 puts the weight "conv1/kernel:0" into the group of its layer, "conv1", below the one of all weights. */
function weightName(path: string): string {
  return path
    .replace(/^model_weights\//, "")
    .replace(/^([^/]+)\/\1\//, "$1/")
    .replace(/:0$/, "");
}
