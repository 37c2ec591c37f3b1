import type { Tensor } from "../base/tensor.ts";
import { readNpy } from "./npy.ts";
import { readZip } from "./zip.ts";

/** The wanted arrays of a NumPy archive, by their names without `.npy`. Throws `input`. */
export function readNpz(
  bytes: Uint8Array,
  fileName: string,
  isWanted: (name: string) => boolean = () => true,
): ReadonlyMap<string, Tensor> {
  const members = readZip(bytes, fileName, (name) => name.endsWith(".npy") && isWanted(name.slice(0, -4)));
  return new Map([...members].map(([name, file]) => [name.slice(0, -4), readNpy(file, `${fileName}, ${name}`)]));
}
