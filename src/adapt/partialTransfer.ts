/**
 * How much each class of the source counts where the target may lack some: the mean of the answers on target images, in units of the largest
 * (PADA; Cao, Ma, Long & Wang 2018, eq. 4 and the normalisation below it). Classes that no target image is given count next to nothing.
 *
 * @param probabilities row by row
 */
export function classCounts(probabilities: Float32Array, classes: number): readonly number[] {
  const sums = new Array<number>(classes).fill(0);
  for (const [at, p] of probabilities.entries()) sums[at % classes] = (sums[at % classes] ?? 0) + p;
  const largest = Math.max(...sums);
  return sums.map((sum) => sum / largest);
}

/**
 * Places of as many source images as there are, each class in proportion to how much it counts: evenly spaced along the sum of the counts (systematic
 * resampling), so that methods without weights see the source as the target has it, and nothing is left to chance.
 */
export function resampledPlaces(labels: ArrayLike<number>, counts: readonly number[]): readonly number[] {
  const total = Array.from(labels).reduce((sum, label) => sum + (counts[label] ?? 0), 0);
  const places: number[] = [];
  let passed = 0;
  for (let row = 0; row < labels.length; row++) {
    passed += counts[labels[row] ?? -1] ?? 0;
    while (places.length < labels.length && ((places.length + 0.5) / labels.length) * total <= passed) places.push(row);
  }
  return places;
}
