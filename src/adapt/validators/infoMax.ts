/**
 * How much a classifier's answers on unlabelled images tell: the mutual information of image and answer, H(mean p) − mean H(p) (Shi & Sha 2012,
 * eq. 6), which is large where each answer is sure and all classes are named. In nats; more is better.
 */
export function infoMax(probabilities: Float32Array, classes: number): number {
  const count = probabilities.length / classes;
  const mean = new Float64Array(classes);
  for (const [i, p] of probabilities.entries()) mean[i % classes] = (mean[i % classes] ?? 0) + p / count;
  let sum = 0;
  // KL(p ‖ mean p) of each image.
  for (const [i, p] of probabilities.entries()) if (p > 0) sum += p * Math.log(p / (mean[i % classes] ?? 1));
  return sum / count;
}
