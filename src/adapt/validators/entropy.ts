/** Mean entropy of a classifier's answers on unlabelled images, in nats (Morerio, Cavazza & Murino 2018, §4); less is surer, and taken as better. */
export function meanEntropy(probabilities: Float32Array, classes: number): number {
  let sum = 0;
  for (const p of probabilities) if (p > 0) sum -= p * Math.log(p);
  return (sum * classes) / probabilities.length;
}
