/** Of η trials one goes on to η times as many epochs. */
export const halvingFactor = 3;
/** Fewer epochs say too little: a warm-up may last as long. */
const fewestEpochs = 3;

/** A stage of the race. */
export interface Rung {
  /** How many trials take part. */
  readonly trials: number;
  /** How far each has been trained at its end, in epochs since its beginning. */
  readonly epochs: number;
}

/**
 * Successive halving (Jamieson & Talwalkar 2016, figure 3; Li et al. 2018, algorithm 1, one bracket): all trials are trained for a few epochs, the
 * best third goes on to three times as many, and so on up to `epochs`. With fewer than three trials or nine epochs there is a single rung.
 */
export function rungsOf(trials: number, epochs: number): readonly Rung[] {
  const byEpochs = Math.floor(logarithm(epochs / fewestEpochs));
  const cuts = Math.max(0, Math.min(byEpochs, Math.floor(logarithm(trials))));
  return Array.from({ length: cuts + 1 }, (_, i) => ({
    trials: Math.floor(trials / halvingFactor ** i),
    epochs: Math.round(epochs / halvingFactor ** (cuts - i)),
  }));
}

/** To the base η; a little more, since 3^5 must give 5. */
function logarithm(x: number): number {
  return Math.log(x) / Math.log(halvingFactor) + 1e-9;
}
