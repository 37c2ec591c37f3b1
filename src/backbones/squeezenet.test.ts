import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeSafetensors } from "../base/safetensors.ts";
import type { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { input } from "../graph/value.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { createEngine } from "../node/engine.ts";
import { writeModel } from "../onnx/write.ts";
import { loadStateDict } from "../weights/stateDict.ts";
import { architectureNamed } from "./architectures.ts";

const folder = join(import.meta.dirname, "../../../shared/data/backbones");
const isThere = existsSync(join(folder, "squeezenet1.1.safetensors"));
const skipped = isThere ? "" : " (skipped: no folder ../shared/data/backbones beside the repository)";
const engine = createEngine();

function read(name: string) {
  return decodeSafetensors(new Uint8Array(readFileSync(join(folder, name))), name).tensors;
}

/** Logits of published weights for images fed as they are. */
async function logitsOf(images: readonly Tensor[]): Promise<readonly Float32Array[]> {
  const { body, top } = architectureNamed("squeezenet1_1");
  const parameters = new Parameters();
  const scope = new Scope(startBuild(parameters));
  const image = input("image", "float32", [1, 3, 224, 224]);
  const logits = top(scope, body(scope, image), 1000);
  const inputs = [image, ...parameters.list.map(({ value }) => value)];
  const program = await engine.compile(writeModel(emit({ name: "squeezenet", inputs, outputs: { logits } })));
  const weights = loadStateDict(parameters.list, read("squeezenet1.1.safetensors"), { fileName: "squeezenet1.1" });
  const found: Float32Array[] = [];
  for (const each of images) {
    const results = await program.run({ ...Object.fromEntries(weights), image: each });
    found.push(results["logits"]?.floats ?? new Float32Array());
  }
  await program.dispose();
  return found;
}

describe.skipIf(!isThere)(`SqueezeNet 1.1 with published weights${skipped}`, () => {
  it("gives the stored logits", async () => {
    const pairs = read("squeezenet1.1.pairs.safetensors");
    const stored = [0, 1, 2].flatMap((i) => {
      const [image, output] = [pairs.get(`input.${i}`), pairs.get(`output.${i}`)];
      return image && output ? [{ image, output }] : [];
    });
    expect(stored.length).toBe(3);
    const found = await logitsOf(stored.map(({ image }) => image));
    found.forEach((logits, i) => {
      const expected = stored[i]?.output.floats ?? new Float32Array();
      const scale = Math.max(...expected.map(Math.abs));
      expect(
        Math.max(...logits.map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN)))) / scale,
      ).toBeLessThan(2e-4);
    });
  });
});
