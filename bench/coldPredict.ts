import { readdirSync } from "node:fs";
import { join } from "node:path";
import { trainedRun } from "./trainedRun.ts";
import { finished } from "./wholeJob.ts";

export interface ColdPredictOptions {
  readonly photos: string;
  readonly backbone: string;
  readonly turns: number;
  readonly threads: number;
}

/** `graft predict` of one photo as a process of its own, by turns with the bare packages and with a process that does nothing. */
export async function printColdPredict({ photos, backbone, turns, threads }: ColdPredictOptions): Promise<void> {
  await finished("npm", ["run", "build"], {});
  const model = join(trainedRun(photos, backbone), "model.onnx");
  const ants = join(photos, "val/ants");
  const photo = join(ants, readdirSync(ants).sort()[0]);
  const commands = {
    "graft predict": ["bin/graft.js", "predict", model, photo, "--threads", String(threads)],
    "onnxruntime-node and sharp": ["bench/onnxruntime/predict.mjs", model, photo, String(threads)],
    "node alone": ["--eval", "0"],
  };
  const durationsMs = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]));
  for (let turn = -1; turn < turns; turn++) {
    for (const [name, command] of Object.entries(commands)) {
      const start = performance.now();
      await finished("node", command, {});
      if (turn >= 0) durationsMs.get(name)?.push(performance.now() - start);
    }
  }
  console.log(`\none photo, cold, ${turns} turns\n\n| process | median ms | least ms |\n| --- | --- | --- |`);
  const medians = Array.from(durationsMs, ([name, taken]) => {
    taken.sort((a, b) => a - b);
    const median = taken[taken.length >> 1];
    console.log(`| ${name} | ${median.toFixed(0)} | ${taken[0].toFixed(0)} |`);
    return median;
  });
  console.log(`\nratio ${(medians[0] / medians[1]).toFixed(2)} (goal: 1.3 at most)`);
}
