import type { Store } from "../platform/platform.ts";
import { readLayout } from "./folderLayout.ts";
import type { Source } from "./source.ts";

/** A folder with one sub-folder per class. */
export async function openFolder(path: string, store: Store): Promise<Source> {
  const files = await walk(path, store);
  const layout = readLayout(files, path);
  return {
    description: `folder with ${layout.labels.length} classes`,
    ...layout,
    async *read(ids) {
      for (const sample of layout.samples) {
        if (!ids.has(sample.id)) continue;
        const bytes = await store.read(store.join(path, ...`${layout.root}${sample.id}`.split("/")));
        yield { sample, image: { kind: "encoded", bytes } };
      }
    },
  };
}

/** Paths of all files below `folder`, relative, with forward slashes. */
async function walk(folder: string, store: Store, prefix = ""): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const entry of await store.list(folder)) {
    const path = `${prefix}${entry.name}`;
    if (entry.kind === "folder") paths.push(...(await walk(store.join(folder, entry.name), store, `${path}/`)));
    else if (entry.kind === "file") paths.push(path);
  }
  return paths;
}
