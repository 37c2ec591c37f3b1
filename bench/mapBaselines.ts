import { readFileSync } from "node:fs";
import { logOdds } from "../src/explain/check.ts";
import { type Faithfulness, faithfulness, randomMap } from "../src/explain/faithfulness.ts";
import type { HeatMap } from "../src/explain/heatMap.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { ExplainedModel } from "../src/tasks/explainedModel.ts";
import { readRun } from "../src/tasks/servedModel.ts";

// What other maps than Grad-CAM's reach in the test of `graft explain --check`, as in docs/results.md: node bench/.build/bench/mapBaselines.js RUN PHOTO…
// A map that knows nothing must win as often as it loses.

const randomMaps = 5;
const cells = { width: 7, height: 7 };

/** A hill in the middle, where photographers put what they photograph. */
const middle: HeatMap = {
  ...cells,
  values: Float64Array.from({ length: 49 }, (_, i) => -Math.hypot((i % 7) - 3, Math.floor(i / 7) - 3)),
};
const blank: HeatMap = { ...cells, values: new Float64Array(49) };

const [run = "", ...photos] = process.argv.slice(2);
const platform = nodePlatform();
const { file, bytes } = await readRun(run, platform);
const model = await ExplainedModel.of(bytes, file, platform);
const { probe } = model;
const attribution = model.attributionOf("gradcam");
const wins = new Map<string, { deletion: number; insertion: number; both: number }>();
for (const [seed, photo] of photos.entries()) {
  const { prepared, classIndex, map } = await model.explain(readFileSync(photo), { attribution });
  const tried: Readonly<Record<string, HeatMap>> = {
    "Grad-CAM": map,
    "a hill in the middle": middle,
    "one more random map": randomMap(blank, seed, randomMaps),
    "a blank map": blank,
  };
  const random = Array.from({ length: randomMaps }, (_, draw) => randomMap(blank, seed, draw));
  const scoreOf = async (images: readonly Float32Array[]) =>
    (await probe.answers(images)).map((one) => logOdds(one, classIndex));
  const names = Object.keys(tried);
  const figures = await faithfulness(prepared, probe.network.side, [...Object.values(tried), ...random], scoreOf, {
    seed,
  });
  const reference = meanOf(figures.slice(names.length));
  for (const [i, name] of names.entries()) count(name, figures[i] ?? reference, reference);
}
for (const [name, { deletion, insertion, both }] of wins) {
  process.stdout.write(`${name}: deletion ${deletion}, insertion ${insertion}, both ${both} of ${photos.length}\n`);
}
await model.dispose();

function count(name: string, map: Faithfulness, random: Faithfulness): void {
  const so = wins.get(name) ?? { deletion: 0, insertion: 0, both: 0 };
  const [less, more] = [map.deletion < random.deletion, map.insertion > random.insertion];
  wins.set(name, {
    deletion: so.deletion + Number(less),
    insertion: so.insertion + Number(more),
    both: so.both + Number(less && more),
  });
}

function meanOf(figures: readonly Faithfulness[]): Faithfulness {
  const mean = (name: keyof Faithfulness) => figures.reduce((sum, one) => sum + one[name] / figures.length, 0);
  return { deletion: mean("deletion"), insertion: mean("insertion") };
}
