/** Places 0 to `count` − 1 in sets that only ever grow together (union by the lesser place, with path halving; Tarjan & van Leeuwen 1984). */
export class DisjointSets {
  readonly #parents: Uint32Array;

  constructor(count: number) {
    this.#parents = Uint32Array.from({ length: count }, (_, place) => place);
  }

  join(a: number, b: number): void {
    const [first, second] = [this.#rootOf(a), this.#rootOf(b)];
    this.#parents[Math.max(first, second)] = Math.min(first, second);
  }

  /** The sets of two places and more, each in ascending order, in the order of their first member. */
  groups(): readonly (readonly number[])[] {
    const members = new Map<number, number[]>();
    for (const place of this.#parents.keys()) {
      const root = this.#rootOf(place);
      const group = members.get(root);
      if (group === undefined) members.set(root, [place]);
      else group.push(place);
    }
    return [...members.values()].filter((group) => group.length > 1);
  }

  #rootOf(place: number): number {
    let at = place;
    for (;;) {
      const parent = this.#parents[at] ?? at;
      if (parent === at) return at;
      const above = this.#parents[parent] ?? parent;
      this.#parents[at] = above;
      at = above;
    }
  }
}
