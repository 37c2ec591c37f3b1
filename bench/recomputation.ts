import { sparseCategoricalCrossentropy } from "../src/nn/losses.ts";
import { createEngine } from "../src/node/engine.ts";
import { sgd } from "../src/optim/optimizers.ts";
import { initialTensors, TrainingState } from "../src/train/state.ts";
import { compileStep } from "../src/train/step.ts";
import { batchFor } from "./jobs.ts";
import { networkOf } from "./models.ts";
import { finished } from "./wholeJob.ts";

const modes = ["kept", "recomputed"] as const;
const steps = 4;

/** Prints what a training step of ResNet-50 at 224 holds and takes with all activations kept, and with most computed again. */
export async function printRecomputation(turns: number, threads: number): Promise<void> {
  console.log("\n| activations, ResNet-50 at 224, batch 32 | peak memory, MB | step, s |\n| --- | --- | --- |");
  const measured = new Map(modes.map((mode) => [mode, { peaks: [] as number[], seconds: [] as number[] }]));
  for (let turn = 0; turn < turns; turn++) {
    for (const [mode, { peaks, seconds }] of measured) {
      const { peak, output } = await finished("node", [import.meta.filename, mode, String(threads)], {});
      peaks.push(peak / 1e6);
      seconds.push(Number(output));
    }
  }
  for (const [mode, { peaks, seconds }] of measured) {
    console.log(`| ${mode} | ${median(peaks).toFixed(0)} | ${median(seconds).toFixed(1)} |`);
  }
}

/** The seconds of the fastest step but the first, in a process of its own: memory is a process's. */
async function measureSteps(mode: string, threads: number): Promise<number> {
  const network = networkOf("resnet50");
  const optimizer = sgd({ learningRate: 1e-4, momentum: 0.9 });
  const loss = sparseCategoricalCrossentropy();
  const recipe = { network, loss, optimizer, trainable: network.parameters.trainable, recompute: mode === modes[1] };
  const batch = batchFor("resnet50");
  const step = await compileStep(recipe, batch.x.shape[0] ?? 0, "float32", createEngine({ threads }));
  const state = new TrainingState(initialTensors(network.parameters, 0));
  const durations: number[] = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    await step.run(state, batch, optimizer.learningRate);
    durations.push((performance.now() - start) / 1000);
  }
  await step.dispose();
  return Math.min(...durations.slice(1));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

if (process.argv[1] === import.meta.filename) {
  const [mode = modes[0], threads = "1"] = process.argv.slice(2);
  console.log(await measureSteps(mode, Number(threads)));
}
