import { stream } from "../base/random.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { input, type Value } from "../graph/value.ts";
import { createEngine } from "../node/engine.ts";
import { writeModel } from "../onnx/write.ts";

const engine = createEngine({ runtime: "native" });

/** Compiles and runs a graph once: outputs by name for feeds by name. */
export async function evaluate(
  inputs: readonly Value[],
  outputs: Readonly<Record<string, Value>>,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const program = await engine.compile(writeModel(emit({ name: "test", inputs, outputs })));
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}

export interface Range {
  readonly low: number;
  readonly high: number;
  /** Values are kept this far from these points, where the operator has a kink. */
  readonly avoid?: readonly number[];
}

/** Fixed random values of a shape: a function of (seed, name). */
export function randomTensor(
  name: string,
  shape: readonly number[],
  { low, high, avoid = [] }: Range,
  seed = 7,
): Tensor {
  const random = stream(seed, name);
  return Tensor.float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => {
      for (;;) {
        const value = random.uniform(low, high);
        if (avoid.every((kink) => Math.abs(value - kink) > 0.05)) return value;
      }
    }),
  );
}

export function floatInput(name: string, shape: readonly number[]): Value {
  return input(name, "float32", shape);
}
