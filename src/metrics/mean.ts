/** A weighted mean of what there is; nothing of nothing. */
export class Mean {
  #sum = 0;
  #weight = 0;

  add(value: number, weight: number): void {
    this.#sum += weight * value;
    this.#weight += weight;
  }

  value(): number | undefined {
    return this.#weight > 0 ? this.#sum / this.#weight : undefined;
  }
}

/** The mean over the classes that have a score, each counting the same or as much as its samples. */
export function classMeans(
  perClass: readonly (number | undefined)[],
  supports: Float64Array,
): { readonly macro: number | undefined; readonly weighted: number | undefined } {
  const macro = new Mean();
  const weighted = new Mean();
  perClass.forEach((score, c) => {
    if (score === undefined) return;
    macro.add(score, 1);
    weighted.add(score, supports[c]);
  });
  return { macro: macro.value(), weighted: weighted.value() };
}
