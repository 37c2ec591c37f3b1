import { unitRows } from "../../algebra/matrix.ts";

/** Of the paper, §3.2. */
const temperature = 0.05;
/** Every pair is compared: of more images, so many, evenly spaced. */
const mostImages = 3000;

/**
 * Soft neighbourhood density (Saito, Kim, Teterwak, Sclaroff, Darrell & Saenko 2021, eq. 1–3): the mean entropy of each image's likeness to all
 * others, softmax of cosines between the answers over τ. Large where images lie in dense clusters; more is better.
 */
export function neighbourhoodDensity(probabilities: Float32Array, classes: number): number {
  const all = probabilities.length / classes;
  const count = Math.min(all, mostImages);
  const chosen = Float32Array.from({ length: count * classes }, (_, i) => {
    const row = Math.floor((Math.floor(i / classes) * all) / count);
    return probabilities[row * classes + (i % classes)] ?? 0;
  });
  const rows = unitRows({ values: chosen, count, width: classes }).values;
  const likeness = new Float64Array(count);
  let total = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      let cosine = 0;
      for (let c = 0; c < classes; c++) cosine += (rows[i * classes + c] ?? 0) * (rows[j * classes + c] ?? 0);
      likeness[j] = j === i ? Number.NEGATIVE_INFINITY : cosine / temperature;
    }
    total += softmaxEntropy(likeness);
  }
  return total / count;
}

/** log Σ e^s − Σ p·s. */
function softmaxEntropy(scores: Float64Array): number {
  const largest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  let [mass, mean] = [0, 0];
  for (const score of scores) {
    if (score === Number.NEGATIVE_INFINITY) continue;
    const share = Math.exp(score - largest);
    mass += share;
    mean += share * (score - largest);
  }
  return Math.log(mass) - mean / mass;
}
