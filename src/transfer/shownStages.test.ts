import { describe, expect, it } from "vitest";
import { stagedClassifier, tokenClassifier } from "../backbones/classifier.fixture.ts";
import { loadOnnxBackbone } from "../backbones/onnxBackbone.ts";
import { simpleCnn } from "../backbones/simpleCnn.ts";
import { trainableBackbone } from "../backbones/trainableBackbone.ts";
import { dense } from "../nn/denseLayers.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { shownStages } from "./shownStages.ts";

const shown = (network: Parameters<typeof shownStages>[0]) =>
  shownStages(network).map(({ layer, height, width }) => `${layer} ${height}×${width}`);

function tuned(file: Uint8Array) {
  const { layer } = trainableBackbone(loadOnnxBackbone(file, "file.onnx", "unknown"));
  return sequentialNetwork([layer, dense(3, { activation: "softmax", name: "head" })], [16, 16, 3]);
}

describe("the stages that a network shows to losses", () => {
  it("are outputs of layers from scratch, before dropout, without the image itself", () => {
    expect(shown(sequentialNetwork(simpleCnn(32, 3), [32, 32, 3]))).toEqual([
      "conv2d 32×32",
      "conv2d_1 30×30",
      "max_pooling2d 15×15",
      "conv2d_3 13×13",
      "max_pooling2d_1 6×6",
    ]);
  });

  it("are what a trained backbone shows, and none where it works on tokens", () => {
    expect(shown(tuned(stagedClassifier()))).toEqual([
      "backbone/maps.0 16×16",
      "backbone/maps.1 8×8",
      "backbone/maps.2 4×4",
    ]);
    expect(shown(tuned(tokenClassifier()))).toEqual([]);
  });
});
