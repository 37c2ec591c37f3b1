import type { Store } from "../platform/platform.ts";

/** Names for pictures in one folder: none is given twice, and each says of what it is. */
export class PictureNames {
  readonly #folder: string;
  readonly #store: Store;
  readonly #given = new Set<string>();

  constructor(folder: string, store: Store) {
    this.#folder = folder;
    this.#store = store;
  }

  /** `photo.jpg` as `photo-gradcam-ants.png`; photos of one name from different folders get a number. */
  of(file: string, method: string, label: string): string {
    const stem = this.#store.baseName(file).replace(/\.[^.]+$/, "");
    const name = `${stem}-${method}-${label.replace(/[^\p{L}\p{N}._-]+/gu, "_")}`;
    let free = name;
    for (let i = 2; this.#given.has(free); i++) free = `${name}-${i}`;
    this.#given.add(free);
    return this.#store.join(this.#folder, `${free}.png`);
  }
}
