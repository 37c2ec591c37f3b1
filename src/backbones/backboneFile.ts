import type { Siblings } from "../onnx/external.ts";
import { readModelWithSiblings } from "../onnx/read.ts";
import type { Platform, Store } from "../platform/platform.ts";
import { type Backbone, backboneFrom } from "./onnxBackbone.ts";

/** Reads an ONNX classifier, with the data files that may lie beside it, as a backbone. Throws `input` or `model`. */
export async function loadBackboneFile(path: string, platform: Platform, size?: number): Promise<Backbone> {
  const { store } = platform;
  const bytes = await store.read(path);
  const fileName = store.baseName(path);
  const model = await readModelWithSiblings(bytes, fileName, siblingsOf(path, store));
  return backboneFrom(model, fileName, platform.digest(bytes), size);
}

/** The files in and below the folder of `path`; what a link puts elsewhere does not count. */
export function siblingsOf(path: string, store: Store): Siblings {
  const folder = store.join(store.absolute(path), "..");
  return {
    size: async (location) => {
      const file = store.join(folder, location);
      const info = await store.info(file);
      if (info?.kind !== "file") return undefined;
      const inside = isBelow(await store.realPath(file), await store.realPath(folder), store);
      return inside ? info.size : undefined;
    },
    read: (location, offset, length) => store.readAt(store.join(folder, location), offset, length),
  };
}

function isBelow(path: string, folder: string, store: Store): boolean {
  for (let at = path; ; at = store.join(at, "..")) {
    if (at === folder) return true;
    if (at === store.join(at, "..")) return false;
  }
}
