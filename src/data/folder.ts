import type { Store } from "../platform/platform.ts";
import { type Layout, readLayout, readUnlabelled } from "./folderLayout.ts";
import type { Source } from "./source.ts";

const readAhead = 8;

/** A folder with one sub-folder per class. */
export async function openFolder(path: string, store: Store): Promise<Source> {
  const layout = readLayout(await walk(path, store), path);
  return folderSource(layout, path, store);
}

/** A folder of photos whose classes need not be known: one sub-folder per class, or no sub-folders at all. */
export async function openPhotos(path: string, store: Store): Promise<Source> {
  const files = await walk(path, store);
  return folderSource(readUnlabelled(files) ?? readLayout(files, path), path, store);
}

function folderSource(layout: Layout, path: string, store: Store): Source {
  const classes = layout.labels.length;
  return {
    description: classes === 0 ? "folder without classes" : `folder with ${classes} class${classes === 1 ? "" : "es"}`,
    ...layout,
    folder: store.join(path, ...layout.root.split("/").filter((part) => part !== "")),
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

/** Paths of all files below `folder`, relative, with forward slashes; a link to a folder `above` is passed over, as its files are among them. */
async function walk(
  folder: string,
  store: Store,
  prefix = "",
  above: readonly string[] = [],
): Promise<readonly string[]> {
  const real = await store.realPath(folder);
  if (above.includes(real)) return [];
  const paths: string[] = [];
  for (const entry of await store.list(folder)) {
    const path = `${prefix}${entry.name}`;
    if (entry.kind === "folder")
      paths.push(...(await walk(store.join(folder, entry.name), store, `${path}/`, [...above, real])));
    else if (entry.kind === "file") paths.push(path);
  }
  return paths;
}
