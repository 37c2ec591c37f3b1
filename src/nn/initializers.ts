import { didYouMean, GraftError } from "../base/errors.ts";
import type { Stream } from "../base/random.ts";
import { sizeOf } from "../base/tensor.ts";

/** What an initialiser may know of a parameter: its shape, and how many inputs and outputs one unit connects. */
export interface Fans {
  readonly shape: readonly number[];
  readonly fanIn: number;
  readonly fanOut: number;
}

type Initializer = (fans: Fans, random: Stream) => Float32Array;

/** Uniform in ±√(3·scale), normal with variance `scale`, truncated at two standard deviations as Keras does. */
const uniform =
  (scale: (fans: Fans) => number): Initializer =>
  (fans, random) => {
    const limit = Math.sqrt(3 * scale(fans));
    return fill(fans, () => random.uniform(-limit, limit));
  };
// A normal truncated at ±2σ has standard deviation 0.8796; dividing restores the wanted one (keras.initializers.VarianceScaling).
const truncatedNormal =
  (scale: (fans: Fans) => number): Initializer =>
  (fans, random) => {
    const deviation = Math.sqrt(scale(fans)) / 0.87962566103423978;
    return fill(fans, () => deviation * truncated(random));
  };

/** Initialisers by their Keras names. Glorot & Bengio 2010; He et al. 2015; LeCun et al. 1998. */
export const initializers = {
  zeros: (fans) => fill(fans, () => 0),
  ones: (fans) => fill(fans, () => 1),
  glorotUniform: uniform(({ fanIn, fanOut }) => 2 / (fanIn + fanOut)),
  glorotNormal: truncatedNormal(({ fanIn, fanOut }) => 2 / (fanIn + fanOut)),
  heUniform: uniform(({ fanIn }) => 2 / fanIn),
  heNormal: truncatedNormal(({ fanIn }) => 2 / fanIn),
  lecunUniform: uniform(({ fanIn }) => 1 / fanIn),
  lecunNormal: truncatedNormal(({ fanIn }) => 1 / fanIn),
} as const satisfies Record<string, Initializer>;

export type InitializerName = keyof typeof initializers;
export const initializerNames = Object.keys(initializers) as InitializerName[];

/** Draws a parameter. Throws `usage` for an unknown name. */
export function initialize(name: InitializerName, fans: Fans, random: Stream): Float32Array {
  const initializer: Initializer | undefined = initializers[name];
  if (initializer === undefined) {
    throw new GraftError("usage", `unknown initializer "${name}".${didYouMean(name, initializerNames)}`);
  }
  return initializer(fans, random);
}

function fill({ shape }: Fans, draw: () => number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = draw();
  return values;
}

function truncated(random: Stream): number {
  for (;;) {
    const value = random.normal();
    if (Math.abs(value) <= 2) return value;
  }
}
