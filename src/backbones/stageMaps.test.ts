import { describe, expect, it } from "vitest";
import { constantOf, input } from "../graph/value.ts";
import { conv } from "../ops/convolution.ts";
import { reshape, transpose } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import { reduceMean } from "../ops/reductions.ts";
import { backbone, frozen } from "./backbone.ts";
import { imagenetNormalisation } from "./cards.ts";
import { stagedClassifier } from "./classifier.fixture.ts";
import { loadOnnxBackbone } from "./onnxBackbone.ts";
import { stageMaps } from "./stageMaps.ts";

function mapsOf(name: string, side: number): readonly string[] {
  const built = backbone(name, { includeTop: false, inputShape: [side, side, 3], pooling: "avg" });
  const preparation = { resizeTo: side, cropTo: side, interpolation: "bilinear" } as const;
  const maps = stageMaps(frozen(built, { preparation, normalisation: imagenetNormalisation }));
  return maps.map(({ shape }) => shape.slice(1).join("×"));
}

describe("the maps with which stages end", () => {
  it("are block outputs, not what the next stage widens them to", () => {
    // Sandler et al. 2018, table 2: 16, 24, 32, 96 and 320 channels before maps become smaller.
    expect(mapsOf("mobilenet_v2", 64)).toEqual(["16×32×32", "24×16×16", "32×8×8", "96×4×4", "320×2×2"]);
    expect(mapsOf("efficientnet_b0", 64)).toEqual(["16×32×32", "24×16×16", "40×8×8", "112×4×4", "320×2×2"]);
  });

  it("include what residual blocks add up to", () => {
    expect(mapsOf("resnet18", 64)).toEqual(["64×32×32", "64×16×16", "128×8×8", "256×4×4", "512×2×2"]);
  });

  it("are those of any file", () => {
    const maps = stageMaps(loadOnnxBackbone(stagedClassifier(), "staged.onnx", "unknown"));
    expect(maps.map(({ shape }) => shape.slice(1))).toEqual([
      [6, 16, 16],
      [8, 8, 8],
      [8, 4, 4],
    ]);
  });

  it("are none where the network works on tokens", () => {
    const images = input("input", "float32", ["N", 3, 8, 8]);
    const weights = (shape: readonly number[]) =>
      constantOf("float32", shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0.1));
    const patches = conv(images, weights([6, 3, 4, 4]), { strides: [4, 4] });
    const tokens = transpose(reshape(patches, [-1, 6, 4]), { perm: [0, 2, 1] });
    const features = reduceMean(matmul(tokens, weights([6, 6])), [1], { keepdims: 0 });
    expect(stageMaps({ input: images, features })).toEqual([]);
  });
});
