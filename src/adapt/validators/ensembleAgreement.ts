/**
 * Which images each classifier names as all classifiers do together, by the class of the largest mean probability: 1 or 0, one row a classifier. The
 * share of ones ranks them (EnsV, Hu, Luo, Liang & Foo 2024): the mean of many errs less than most, so whoever agrees with it is seldom the worst.
 *
 * @param candidates probabilities [images, classes] of the same images, one classifier each
 */
export function ensembleAgreement(candidates: readonly Float32Array[], classes: number): readonly Float64Array[] {
  const numbers = candidates[0]?.length ?? 0;
  const mean = new Float32Array(numbers);
  for (const probabilities of candidates)
    for (let i = 0; i < numbers; i++) mean[i] = (mean[i] ?? 0) + (probabilities[i] ?? 0) / candidates.length;
  const named = classesOf(mean, classes);
  return candidates.map((probabilities) => {
    const own = classesOf(probabilities, classes);
    return Float64Array.from(named, (label, image) => Number(own[image] === label));
  });
}

function classesOf(probabilities: Float32Array, classes: number): readonly number[] {
  return Array.from({ length: probabilities.length / classes }, (_, image) => {
    const row = probabilities.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}
