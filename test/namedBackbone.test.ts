import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { architectureNamed, architectures } from "../src/backbones/architectures.ts";
import { backbone } from "../src/backbones/backbone.ts";
import { cards, minusOneToOne } from "../src/backbones/cards.ts";
import { encodeSafetensors } from "../src/base/safetensors.ts";
import { sizeOf, Tensor } from "../src/base/tensor.ts";
import { input } from "../src/graph/value.ts";
import { Parameters, Scope, startBuild } from "../src/nn/scope.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { loadBackbone } from "../src/tasks/loadBackbone.ts";
import type { TrainInput } from "../src/tasks/trainInput.ts";

const platform = nodePlatform();
const folder = mkdtempSync(join(tmpdir(), "graft-named-"));

async function load(wanted: Pick<TrainInput, "backbone" | "weights" | "size">) {
  const events = loadBackbone(wanted, platform, new AbortController().signal);
  const texts: string[] = [];
  for (;;) {
    const { done, value } = await events.next();
    if (done) return { backbone: value, texts: [...texts, ...(value?.warnings ?? [])] };
    if (value.type === "warning") texts.push(value.text);
  }
}

function written(name: string, tensors: ReadonlyMap<string, Tensor>): string {
  const file = join(folder, `${name}.safetensors`);
  writeFileSync(file, Buffer.concat(encodeSafetensors({ tensors, metadata: {} })));
  return file;
}

/** Random weights of SqueezeNet under their published names. */
function squeezenetFile(): string {
  const { weights } = backbone("squeezenet1_1", { includeTop: true });
  const named = [...weights].map(([path, tensor]) => [path.split("/").slice(1).join("."), tensor] as const);
  return written("squeezenet", new Map(named));
}

const zeros = (shape: readonly number[]) => Tensor.float32(shape, new Float32Array(sizeOf(shape)));

/** A file of an architecture's features, all zero. */
function zerosOf(name: string, more: Readonly<Record<string, Tensor>> = {}): string {
  const parameters = new Parameters();
  const { body, side } = architectureNamed(name);
  body(new Scope(startBuild(parameters)), input("images", "float32", [1, 3, side, side]));
  const named = parameters.list.map(({ path, shape }) => [path.replaceAll("/", "."), zeros(shape)] as const);
  return written(name, new Map([...named, ...Object.entries(more)]));
}

describe("a backbone by name with weights from a file", () => {
  const weights = squeezenetFile();

  it("has features without the classifier, and says that it assumes how images are prepared", async () => {
    const { backbone: found, texts } = await load({ backbone: "squeezenet1_1", weights, size: 64 });
    expect([found?.width, found?.preparation.cropTo, found?.preparation.resizeTo]).toEqual([512, 64, 73]);
    // ImageNet's mean and deviation, not those of other weights of this network.
    expect(found?.normalisation.scale[0]).toBeCloseTo(1 / (255 * 0.229), 6);
    expect(texts.join()).toMatch(/assuming ImageNet's mean and deviation/);
  });

  it("is refused with another network's weights, an unknown name, or weights alone", async () => {
    await expect(load({ backbone: "resnet18", weights, size: undefined })).rejects.toThrow(/does not fit the model/);
    await expect(load({ backbone: "squeezenet11", weights, size: undefined })).rejects.toThrow(/"squeezenet1_1"/);
    // A card that speaks of one file says nothing of others.
    await expect(load({ backbone: "mobilenetv1_025", weights, size: undefined })).rejects.toThrow(
      /no network is called "mobilenetv1_025"/,
    );
    await expect(load({ backbone: undefined, weights, size: undefined })).rejects.toThrow(/--backbone resnet18/);
    await expect(load({ backbone: "squeezenet1_1", weights, size: 8 })).rejects.toThrow(/too small/);
  });

  it("assumes other pixels where torchvision changes them inside the network, and leaves auxiliary classifiers", async () => {
    const more = { "aux1.fc1.weight": zeros([1024, 2048]), "conv1.bn.num_batches_tracked": Tensor.int64([1]) };
    const googlenet = { backbone: "googlenet", weights: zerosOf("googlenet", more), size: 64 };
    const { backbone: found, texts } = await load(googlenet);
    expect(found?.width).toBe(1024);
    expect(found?.normalisation).toEqual(minusOneToOne);
    expect(texts.join()).toMatch(/assuming pixels from −1 to 1, as the usual weights of googlenet want them/);
  });

  it("has the architecture that its card names otherwise", async () => {
    const file = zerosOf("mobilenet_v2");
    const { backbone: found } = await load({ backbone: "mobilenetv2_100.ra_in1k", weights: file, size: 64 });
    expect([found?.name, found?.width]).toEqual(["mobilenet_v2", 1280]);
    const published = cards.filter(({ file }) => file !== undefined);
    const names = published.map(({ name, architecture }) => architecture ?? name.split(".")[0] ?? "");
    expect(names.filter((name) => !architectures.has(name))).toEqual([]);
  });
});
