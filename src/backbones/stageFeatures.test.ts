import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { nodePlatform } from "../node/platform.ts";
import { writeModel } from "../onnx/write.ts";
import { stagedClassifier, tinyClassifier, tokenClassifier } from "./classifier.fixture.ts";
import { loadOnnxBackbone } from "./onnxBackbone.ts";
import { withStageFeatures } from "./stageFeatures.ts";
import { stageMaps } from "./stageMaps.ts";

const load = (bytes: Uint8Array) => loadOnnxBackbone(bytes, "classifier.onnx", "unknown");

describe("a backbone with the features of its stages", () => {
  it("gives its own, then the mean of each map with which an earlier stage ends", async () => {
    const plain = load(stagedClassifier());
    const staged = withStageFeatures(plain);
    const [first, second] = stageMaps(plain);
    if (first === undefined || second === undefined) throw new Error("two earlier stages");
    expect(staged.width).toBe(8 + 6 + 8);
    const outputs = { staged: staged.features, own: plain.features, first, second };
    const program = await nodePlatform().engine.compile(
      writeModel(emit({ name: "stages", inputs: [plain.input], outputs })),
    );
    const random = stream(1, "image");
    const image = Tensor.float32(
      [1, 3, 16, 16],
      Array.from({ length: 768 }, () => random.uniform(-1, 1)),
    );
    const found = await program.run({ [program.inputNames[0] ?? ""]: image });
    await program.dispose();
    const expected = [...(found["own"]?.floats ?? []), ...meansOf(found["first"], 6), ...meansOf(found["second"], 8)];
    expect(found["staged"]?.shape).toEqual([1, staged.width]);
    for (const [i, value] of expected.entries()) expect(found["staged"]?.floats[i]).toBeCloseTo(value, 5);
  });

  it("has the stages that it had without", () => {
    const plain = load(stagedClassifier());
    expect(stageMaps(withStageFeatures(plain))).toEqual(stageMaps(plain));
  });

  it.each([
    ["one stage", tinyClassifier()],
    ["tokens", tokenClassifier()],
  ])("cannot be made of a network with %s", (_, bytes) => {
    expect(() => withStageFeatures(load(bytes))).toThrow(/--features stages: .* Use --features last/);
  });
});

/** Of maps [1, C, H, W]. */
function meansOf(maps: Tensor | undefined, channels: number): readonly number[] {
  const values = maps?.floats ?? new Float32Array(0);
  const size = values.length / channels;
  return Array.from({ length: channels }, (_, channel) => {
    const map = values.subarray(channel * size, (channel + 1) * size);
    return map.reduce((sum, value) => sum + value, 0) / size;
  });
}
