import type { Store } from "../platform/platform.ts";
import { readLayout } from "./folderLayout.ts";
import type { Source } from "./source.ts";

const readAhead = 8;

/** A folder with one sub-folder per class. */
export async function openFolder(path: string, store: Store): Promise<Source> {
  const files = await walk(path, store);
  const layout = readLayout(files, path);
  return {
    description: `folder with ${layout.labels.length} classes`,
    ...layout,
    async *read(ids) {
      const read = (id: string) => store.read(store.join(path, ...`${layout.root}${id}`.split("/")));
      const wanted = layout.samples.filter(({ id }) => ids.has(id));
      // A few files are read ahead: the disk works while images are decoded.
      const ahead: Promise<Uint8Array>[] = [];
      for (const [i, sample] of wanted.entries()) {
        for (let next = i + ahead.length; next < wanted.length && ahead.length < readAhead; next++) {
          const reading = read(wanted[next]?.id ?? "");
          reading.catch(() => {});
          ahead.push(reading);
        }
        const bytes = await ahead.shift();
        if (bytes !== undefined) yield { sample, image: { kind: "encoded", bytes } };
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
