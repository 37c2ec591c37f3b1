import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backbone } from "../src/backbones/backbone.ts";
import type { Backbone } from "../src/backbones/onnxBackbone.ts";
import { encodeSafetensors } from "../src/base/safetensors.ts";
import { Tensor } from "../src/base/tensor.ts";
import { compileGraph } from "../src/graph/compile.ts";
import { type Emission, emit } from "../src/graph/emit.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { writeModel } from "../src/onnx/write.ts";
import type { Platform } from "../src/platform/platform.ts";
import { loadBackbone } from "../src/tasks/loadBackbone.ts";
import type { Job } from "./jobs.ts";

const weights = join(tmpdir(), "graft-bench-resnet50.safetensors");
/** The graph that Graft writes from the weights: what the other side opens. */
export const loadedModel = join(tmpdir(), "graft-bench-resnet50.onnx");

/** From a ResNet-50's weights in a file to its features of a first image, as an application that starts. */
export async function loadingJob(threads: number): Promise<Job> {
  const platform = nodePlatform({ threads });
  const untrained = backbone("resnet50", { includeTop: true }).weights;
  const tensors = new Map([...untrained].map(([path, value]) => [path.split("/").slice(1).join("."), value]));
  await writeFile(weights, Buffer.concat(encodeSafetensors({ tensors, metadata: {} })));
  await writeFile(loadedModel, writeModel(emit(emissionOf(await loaded(platform)))));
  const image = Tensor.of("float32", [1, 3, 224, 224], new Float32Array(3 * 224 * 224));
  return {
    async run() {
      const program = await compileGraph(emissionOf(await loaded(platform)), platform.engine);
      await program.run({ input: image });
      await program.dispose();
    },
    async dispose() {
      for (const path of [weights, loadedModel]) await rm(path, { force: true });
    },
  };
}

function emissionOf({ input, features }: Backbone): Emission {
  return { name: "features", inputs: [input], outputs: { features } };
}

async function loaded(platform: Platform): Promise<Backbone> {
  const loading = loadBackbone(
    { backbone: "resnet50", weights, size: undefined },
    platform,
    new AbortController().signal,
  );
  let step = await loading.next();
  while (!step.done) step = await loading.next();
  if (step.value === undefined) throw new Error("no backbone was loaded");
  return step.value;
}
