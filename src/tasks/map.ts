import { z } from "zod";
import { unitRows } from "../algebra/matrix.ts";
import { embedInPlane, evenPlaces, type PlaneMethod, planeMethods } from "../algebra/planeEmbedding.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import type { Source } from "../data/source.ts";
import type { Platform } from "../platform/platform.ts";
import { drawChart } from "../report/chart.ts";
import { type ScatterPoint, scatterChart } from "../report/scatterChart.ts";
import { isRun } from "./adaptRun.ts";
import { openData, prepareData } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import { featuresOf } from "./openDomains.ts";
import { openPredictions } from "./predictions.ts";
import { predictionsFile, RunFolder } from "./runFolder.ts";
import { openRunImages } from "./runImages.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";

/** Of the picture in pixels. */
const side = 720;
const methodTold: Readonly<Record<PlaneMethod, string>> = {
  pca: "PCA: the two directions in which they differ most",
  umap: "UMAP keeps neighbours, not distances",
};

/** `graft map`: a data set as points, alike where they are near. */
export const map: Task = defineTask({
  name: "map",
  summary: "Draw a data set as a picture in which like images lie together",
  input: z.object({
    data: z.string().describe("data set in any form that train takes, or a run folder for its data set and features"),
    backbone: z.string().optional().describe("pretrained network whose features say what is alike, for a data set"),
    weights: z.string().optional().describe("weights for the named network, as for train"),
    size: z.number().int().min(8).optional().describe("side in pixels that the network sees (default: its own)"),
    method: z
      .enum(planeMethods)
      .default("umap")
      .describe("umap keeps who is like whom, pca the directions in which images differ most"),
    points: z
      .number()
      .int()
      .min(4)
      .max(10_000)
      .default(2000)
      .describe("images to draw at most, evenly over the data set"),
    seed: z.number().int().min(0).default(0).describe("draws what umap leaves to chance"),
    out: z.string().default("map.svg").describe("file for the picture"),
  }),
  positionals: ["data"],
  parting: "stopping; features computed so far are kept",
  async *run(input, platform, signal, given) {
    const subject = yield* open(input, platform, signal, given);
    const { source, backbone } = subject;
    const images = yield* prepareData(source, backbone.preparation, platform, { strict: false, signal });
    const places = evenPlaces(images.samples.length, input.points);
    const rows = unitRows(yield* featuresOf(backbone, images, places, { platform, signal }));
    const plane = await embedInPlane(rows, input.method, input.seed, { engine: platform.engine, signal });
    const points = places.map((place, i): ScatterPoint => {
      const { id, label } = images.samples[place] ?? { id: "", label: 0 };
      const name = source.labels[label] ?? "";
      const answer = subject.wrong.get(id);
      const title = `${id}: ${name}${answer === undefined ? "" : `, answered ${answer}`}`;
      const [x = 0, y = 0] = plane.values.subarray(2 * i, 2 * i + 2);
      return { x, y, group: label, mark: answer === undefined ? "dot" : "ringed", title };
    });
    const ringed = points.filter(({ mark }) => mark === "ringed").length;
    const shown = told({ drawn: points.length, of: images.samples.length, ringed, method: input.method });
    const panel = { title: `${input.data}, by the features of ${backbone.name}`, points, legend: source.labels };
    const picture = await drawChart(scatterChart([[panel]], shown, { side, named: true }));
    await platform.store.write(input.out, new TextEncoder().encode(picture));
    yield { type: "note", text: shown };
    yield { type: "artefact", kind: "map", path: input.out };
  },
});

interface Subject {
  readonly source: Source;
  readonly backbone: Backbone;
  /** What a run answered to images that it held out, by their ids, where that is not their label. */
  readonly wrong: ReadonlyMap<string, string>;
}

type MapInput = { readonly [K in "backbone" | "weights"]?: string | undefined } & {
  readonly data: string;
  readonly size?: number | undefined;
};

async function* open(
  input: MapInput,
  platform: Platform,
  signal: AbortSignal,
  given: ReadonlySet<string>,
): AsyncGenerator<TaskEvent, Subject> {
  const { data } = input;
  if (await isRun(data, platform)) {
    const superfluous = ["backbone", "weights", "size"].find((name) => given.has(name));
    if (superfluous !== undefined) {
      throw new GraftError("usage", `--${superfluous}: "${data}" is a run, which brings its own. Leave it out.`);
    }
    const { source, backbone } = yield* openRunImages(data, platform, signal);
    return { source, backbone, wrong: await wrongAnswers(data, platform) };
  }
  const backbone = yield* loadBackbone(input, platform, signal);
  if (backbone === undefined) {
    throw new GraftError(
      "usage",
      `map: features say what is alike; name a network with --backbone, or give a run folder instead of "${data}".`,
    );
  }
  for (const text of backbone.warnings) yield { type: "warning", text };
  return { source: yield* openData(data, platform), backbone, wrong: new Map() };
}

async function wrongAnswers(run: string, platform: Platform): Promise<ReadonlyMap<string, string>> {
  const folder = new RunFolder(run, platform);
  if (!(await folder.has(predictionsFile))) return new Map();
  const file = folder.file(predictionsFile);
  const { predictions } = await openPredictions(platform.store.stream(file), file);
  const wrong = new Map<string, string>();
  for await (const { image, label, answer } of predictions) if (answer !== label) wrong.set(image, answer);
  return wrong;
}

interface Drawing {
  readonly drawn: number;
  readonly of: number;
  readonly ringed: number;
  readonly method: PlaneMethod;
}

function told({ drawn, of, ringed, method }: Drawing): string {
  const count = drawn === of ? `${of} images` : `${drawn} of ${of} images`;
  const rings = ringed === 0 ? "" : `; rings: ${ringed} held-out images answered wrongly`;
  return `${count} by their features; ${methodTold[method]}${rings}`;
}
