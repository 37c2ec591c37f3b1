import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { backbone } from "../src/backbones/backbone.ts";
import { encodeSafetensors } from "../src/base/safetensors.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { loadBackbone } from "../src/tasks/loadBackbone.ts";

const platform = nodePlatform();
const folder = mkdtempSync(join(tmpdir(), "graft-named-"));

async function load(input: Parameters<typeof loadBackbone>[0]) {
  const events = loadBackbone(input, platform, new AbortController().signal);
  const texts: string[] = [];
  for (;;) {
    const { done, value } = await events.next();
    if (done) return { backbone: value, texts };
    if (value.type === "warning") texts.push(value.text);
  }
}

/** Random weights of SqueezeNet under their published names. */
function squeezenetFile(): string {
  const { weights } = backbone("squeezenet1_1", { includeTop: true });
  const named = [...weights].map(([path, tensor]) => [path.split("/").slice(1).join("."), tensor] as const);
  const file = join(folder, "squeezenet.safetensors");
  writeFileSync(file, Buffer.concat(encodeSafetensors({ tensors: new Map(named), metadata: {} })));
  return file;
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
    await expect(load({ backbone: undefined, weights, size: undefined })).rejects.toThrow(/--backbone resnet18/);
    await expect(load({ backbone: "squeezenet1_1", weights, size: 8 })).rejects.toThrow(/too small/);
  });
});
