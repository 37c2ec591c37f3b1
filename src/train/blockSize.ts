import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { input } from "../graph/value.ts";
import { writeModel } from "../onnx/write.ts";
import { toBlockedLayout } from "../ops/blockedLayout.ts";
import { conv } from "../ops/convolution.ts";
import type { Engine } from "../platform/platform.ts";

/** AVX-512 and AVX2; other processors have no blocked convolution. */
const candidates = [16, 8];
const found = new WeakMap<Engine, Promise<number | undefined>>();

/**
 * Channels in a block of the engine's blocked convolution, or nothing when it has none: its operators are internal to the
 * runtime, so a small convolution is tried against the plain one before they are relied on.
 */
export function blockSizeOf(engine: Engine): Promise<number | undefined> {
  const known = found.get(engine) ?? probe(engine);
  found.set(engine, known);
  return known;
}

async function probe(engine: Engine): Promise<number | undefined> {
  if ((await engine.device()) !== "cpu") return undefined;
  for (const block of candidates) if (await works(engine, block)) return block;
  return undefined;
}

async function works(engine: Engine, block: number): Promise<boolean> {
  const x = input("x", "float32", [2, 32, 32, 32]);
  const w = input("w", "float32", [32, 32, 3, 3]);
  const y = conv(x, w, { pads: [1, 1, 1, 1] });
  const [blocked = y] = toBlockedLayout([y], block);
  const feeds = { x: noise("x", x.staticShape), w: noise("w", w.staticShape) };
  try {
    const program = await engine.compile(writeModel(emit({ name: "probe", inputs: [x, w], outputs: { y, blocked } })));
    const results = await program.run(feeds);
    await program.dispose();
    const expected = results["y"]?.floats ?? [];
    const actual = results["blocked"]?.floats ?? [];
    return expected.length > 0 && expected.every((value, i) => Math.abs(value - (actual[i] ?? Number.NaN)) < 1e-3);
  } catch (error) {
    if (error instanceof GraftError) return false;
    throw error;
  }
}

function noise(name: string, shape: readonly number[]): Tensor {
  const random = stream(0, `block size probe ${name}`);
  const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform(-1, 1));
  return Tensor.float32(shape, values);
}
