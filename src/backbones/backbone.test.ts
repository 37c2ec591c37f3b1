import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { input, type Value } from "../graph/value.ts";
import { sequential } from "../index.ts";
import { dense } from "../nn/denseLayers.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { evaluate } from "../ops/operators.fixture.ts";
import { sgd } from "../optim/optimizers.ts";
import { architectureNamed } from "./architectures.ts";
import { type ArchitectureBackbone, type BackboneOptions, backbone, frozen } from "./backbone.ts";
import { minusOneToOne } from "./cards.ts";
import { deterministicValues, deterministicWeights } from "./parity.fixture.ts";
import { trainableBackbone } from "./trainableBackbone.ts";

/** The layer's graph on images [2, 3, H, W], and its parameters' values by path. */
function written({ layer, inputShape: [height, width, channels] }: ArchitectureBackbone) {
  const parameters = new Parameters();
  const images = input("images", "float32", [2, channels, height, width]);
  const output = layer.build(new Scope(startBuild(parameters), layer.layerName ?? ""), [images]);
  return { images, output, parameters };
}

/** Values of all parameters that the body of `name` has. */
function weightsOf(name: string, side: number): Map<string, Tensor> {
  const parameters = new Parameters();
  architectureNamed(name).body(new Scope(startBuild(parameters)), input("images", "float32", [1, 3, side, side]));
  return deterministicWeights(parameters.list);
}

const features = { includeTop: false, inputShape: [64, 48, 3] } as const;

describe("a backbone", () => {
  it.each<[string, BackboneOptions, readonly number[]]>([
    ["probabilities of 1000 classes", { inputShape: [64, 48, 3] }, [2, 1000]],
    ["probabilities of as many classes as wanted", { classes: 7, inputShape: [64, 48, 3] }, [2, 7]],
    ["maps", features, [2, 512, 3, 2]],
    ["the mean of each map", { ...features, pooling: "avg" }, [2, 512]],
    ["the maximum of each map", { ...features, pooling: "max" }, [2, 512]],
    ["maps of the size it was published for", { includeTop: false }, [2, 512, 13, 13]],
  ])("gives %s", (_, options, shape) => {
    expect(written(backbone("squeezenet1_1", options)).output.shape).toEqual(shape);
  });

  it("takes the smallest images that its layers can work on", () => {
    const weights = weightsOf("vgg16", 32);
    const built = backbone("vgg16", { includeTop: false, inputShape: [32, 32, 3], weights });
    expect(written(built).output.shape).toEqual([2, 512, 1, 1]);
    expect([...built.weights.keys()]).toContain("vgg16/features/0/weight");
  });

  it("draws the same weights for the same seed", () => {
    const drawn = (seed: number) => backbone("lenet5", { seed }).weights.get("lenet5/conv1/weight")?.floats;
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
  });

  it.each<[string, string, BackboneOptions, RegExp]>([
    ["an unknown name", "resnet51", {}, /unknown architecture "resnet51"\. Did you mean "resnet50"\?/],
    ["images that are too small", "vgg16", { inputShape: [32, 31, 3] }, /32×31 pixels are too small; 32×32 at least/],
    ["images that patches do not cover", "vit_small_patch16_224", { inputShape: [64, 100, 3] }, /64×96/],
    ["pooling beside a classifier", "resnet18", { pooling: "avg" }, /"includeTop" to false/],
    ["weights of another architecture", "lenet5", { weights: new Map() }, /lack "conv1\/weight" and 9 more/],
  ])("refuses %s", (_, name, options, message) => {
    expect(() => backbone(name, options)).toThrow(message);
  });

  it("refuses weights of another shape", () => {
    const given = new Map([...backbone("lenet5").weights].map(([path, tensor]) => [path.slice(7), tensor]));
    given.set("fc3/weight", Tensor.float32([10, 84], new Array(840).fill(0)));
    expect(() => backbone("lenet5", { weights: given })).toThrow(
      /"fc3\/weight" has shape \[10, 84\], expected \[1000, 84\]/,
    );
  });

  it("trains as a layer of a model, its running statistics included", async () => {
    const inputShape = [16, 16, 3] as const;
    const { layer, weights } = backbone("cifar_resnet20", { includeTop: false, pooling: "avg", inputShape });
    const model = sequential([layer, dense(2, { activation: "softmax" })], { inputShape });
    model.setWeights(weights);
    model.compile({ optimizer: sgd({ learningRate: 0.05 }), loss: "sparseCategoricalCrossentropy" });
    const count = 16;
    const noise = deterministicValues("noise", [count, 16 * 16 * 3], 0, 1).floats;
    const x = noise.map((value, at) => value + (Math.floor(at / 768) % 2 === 0 ? 0.5 : -0.5));
    const y = Int32Array.from({ length: count }, (_, i) => i % 2);
    const { history } = await model.fit({ x, y }, { epochs: 6, batchSize: 8 });
    const losses = history["loss"] ?? [];
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0));
    for (const path of ["layer2/0/bn1/running_var", "conv1/weight"].map((below) => `cifar_resnet20/${below}`)) {
      expect(model.weights().get(path)?.floats).not.toEqual(weights.get(path)?.floats);
    }
  });
});

describe("a frozen backbone", () => {
  const preparation = { resizeTo: 37, cropTo: 32, interpolation: "bilinear" } as const;
  const preprocessing = { preparation, normalisation: minusOneToOne };
  const built = backbone("mobilenet_v3_small", { includeTop: false, pooling: "avg", inputShape: [32, 32, 3] });

  it("computes what the layer computes", async () => {
    const { images, output, parameters } = written(built);
    const fed = Object.fromEntries(built.weights);
    const pixels = deterministicValues("pixels", [2, 3, 32, 32], 0, 1);
    const inputs: Value[] = [images, ...parameters.list.map(({ value }) => value)];
    const expected = (await evaluate(inputs, { output }, { ...fed, images: pixels }))["output"];
    const { input: image, features, width } = frozen(built, preprocessing);
    const actual = (await evaluate([image], { features }, { input: pixels }))["features"];
    expect(actual?.shape).toEqual([2, width]);
    // Folding batch normalisation into weights rounds anew.
    expected?.floats.forEach((value, i) => {
      expect(actual?.floats[i]).toBeCloseTo(value, 4);
    });
  });

  it("can be fine-tuned, its weights called as in the architecture", () => {
    const { weights } = trainableBackbone(frozen(built, preprocessing));
    expect([...weights.keys()]).toContain("backbone/features/0/0/weight");
    expect(weights.size).toBe(built.weights.size);
  });

  it("must give vectors", () => {
    const maps = backbone("lenet5", { includeTop: false });
    expect(() => frozen(maps, preprocessing)).toThrow(/gives maps \[N, 16, 5, 5\]\. Set "pooling"/);
  });
});
