/**
 * How much a classifier's answers on unlabelled images tell: the mutual information of image and answer, H(mean p) − mean H(p) (Shi & Sha 2012,
 * eq. 6), which is large where each answer is sure and all classes are named. In nats; more is better.
 */
export function infoMax(probabilities: Float32Array, classes: number): number {
  const parts = informationOf(probabilities, classes);
  return parts.reduce((sum, part) => sum + part, 0) / parts.length;
}

/** What each image adds, KL(pᵢ ‖ mean p): the mean over all is the mutual information, and to first order it varies as that of independent images. */
export function informationOf(probabilities: Float32Array, classes: number): Float64Array {
  const count = probabilities.length / classes;
  const mean = new Float64Array(classes);
  for (const [i, p] of probabilities.entries()) mean[i % classes] = (mean[i % classes] ?? 0) + p / count;
  return Float64Array.from({ length: count }, (_, row) => {
    let divergence = 0;
    for (const [c, q] of mean.entries()) {
      const p = probabilities[row * classes + c] ?? 0;
      if (p > 0) divergence += p * Math.log(p / q);
    }
    return divergence;
  });
}
