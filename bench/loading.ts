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
import { finished } from "./wholeJob.ts";

const weights = join(tmpdir(), "graft-bench-resnet50.safetensors");
/** The graph that Graft writes from the weights: what the other side opens. */
export const loadedModel = join(tmpdir(), "graft-bench-resnet50.onnx");

/** From a ResNet-50's weights in a file to its features of a first image, each time in a process that has just begun. */
export async function loadingJob(threads: number): Promise<Job> {
  const platform = nodePlatform({ threads });
  const untrained = backbone("resnet50", { includeTop: true }).weights;
  const tensors = new Map([...untrained].map(([path, value]) => [path.split("/").slice(1).join("."), value]));
  await writeFile(weights, Buffer.concat(encodeSafetensors({ tensors, metadata: {} })));
  await writeFile(loadedModel, writeModel(emit(emissionOf(await loaded(platform)))));
  return {
    async run() {
      const { output } = await finished("node", [import.meta.filename, String(threads)], {});
      return Number(output);
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

/** Milliseconds from the call to the features, the runtime's own start included. */
async function measureOnce(threads: number): Promise<number> {
  const image = Tensor.of("float32", [1, 3, 224, 224], new Float32Array(3 * 224 * 224));
  const start = performance.now();
  const platform = nodePlatform({ threads });
  const program = await compileGraph(emissionOf(await loaded(platform)), platform.engine);
  await program.run({ input: image });
  return performance.now() - start;
}

if (process.argv[1] === import.meta.filename) console.log(await measureOnce(Number(process.argv[2])));
