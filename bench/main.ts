import { availableParallelism } from "node:os";
import { createEngine } from "../src/node/engine.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { printAdaptationScale } from "./adaptationScale.ts";
import { printAgreement } from "./agreement.ts";
import { printColdPredict } from "./coldPredict.ts";
import { printDigitDomains } from "./digitDomains.ts";
import { featuresJob, type Job, productJob, stepJob, tuningJob } from "./jobs.ts";
import { loadedModel, loadingJob } from "./loading.ts";
import { type ModelName, models } from "./models.ts";
import { printOfficeCaltech } from "./officeCaltech.ts";
import { printPhotoAdaptation } from "./photoAdaptation.ts";
import { printRecomputation } from "./recomputation.ts";
import { type Rival, type RivalName, startRival } from "./rival.ts";
import { printScaling } from "./scaling.ts";
import { printServing } from "./serving.ts";
import { trainingCommandJob } from "./wholeJob.ts";
import { workOf } from "./work.ts";

/** Both sides of a row run in turns, so that what slows the machine slows both. */
interface Row {
  readonly title: string;
  readonly images: number;
  readonly goal: number;
  readonly ours: () => Promise<Job>;
  readonly theirs: readonly string[];
  /** Default: PyTorch. */
  readonly rival?: RivalName;
  /** Floating-point operations an image, where the same ones are done every time. */
  readonly work?: number;
}

const threads = Number(process.env["GRAFT_BENCH_THREADS"] ?? availableParallelism());
const turns = Number(process.env["GRAFT_BENCH_TURNS"] ?? 7);
const only = process.argv[2];
const photos = process.env["GRAFT_BENCH_PHOTOS"] ?? "../shared/data/hymenoptera";
const backbone = process.env["GRAFT_BENCH_BACKBONE"] ?? "../shared/data/backbones/mobilenetv2-tf-224.onnx";
const scalingCounts = (process.env["GRAFT_BENCH_COUNTS"] ?? "1000,10000,100000").split(",").map(Number);
const surf = process.env["GRAFT_BENCH_SURF"] ?? "../shared/data/office-caltech10/surf";
const domainPhotos = process.env["GRAFT_BENCH_DOMAINS"] ?? "../shared/data/office-caltech10/images";
const epochs = 10;

const step = (name: ModelName, statistics: "frozen" | "measured", title: string): Row => ({
  title,
  images: models[name].batchSize,
  goal: 1,
  work: workOf(name).step,
  ours: () => stepJob(name, statistics, threads),
  theirs: ["step", name, statistics],
});

const features = (name: ModelName, title: string): Row => ({
  title,
  images: models[name].batchSize,
  goal: 1.5,
  work: workOf(name).forward,
  ours: () => featuresJob(name, threads),
  theirs: ["features", name],
});

const rows: readonly Row[] = [
  features("resnet18", "frozen features, ResNet-18 at 224"),
  features("mobilenetV2", "frozen features, MobileNetV2 at 224"),
  {
    title: "fine-tuning the last stage, ResNet-18 at 224, batch 16, second epoch and later",
    images: models.resnet18.batchSize,
    goal: 1,
    ours: () => tuningJob("resnet18", /layer4|dense/, threads),
    theirs: ["tuning", "resnet18"],
  },
  {
    title: "training the head alone, ResNet-18 at 224, batch 16, second epoch and later",
    images: models.resnet18.batchSize,
    goal: 5,
    ours: () => tuningJob("resnet18", /dense/, threads),
    theirs: ["head", "resnet18"],
  },
  step("resnet18", "frozen", "training step, ResNet-18 at 224, batch 16, batch norm frozen"),
  step("resnet18", "measured", "training step, ResNet-18 at 224, batch 16, batch norm training"),
  step("mobilenetV2", "measured", "training step, MobileNetV2 at 224, batch 16"),
  step("vgg16", "measured", "training step, VGG16 at 32, batch 64"),
  step("cifarResnet20", "measured", "training step, CIFAR ResNet-20, batch 128"),
  {
    title: `a whole graft train, ${epochs} epochs of 244 photos, frozen MobileNetV2, from files to a saved model`,
    images: 244 * epochs,
    goal: 5,
    ours: async () => trainingCommandJob({ data: photos, backbone, epochs, threads }),
    theirs: ["whole", photos, String(epochs)],
  },
  {
    title: "training step, two convolutions at 32, batch 32, against tfjs",
    images: models.kerasCnn.batchSize,
    goal: 100,
    ours: () => stepJob("kerasCnn", "measured", threads),
    theirs: ["step", "kerasCnn", String(models.kerasCnn.batchSize)],
    rival: "tfjs",
  },
  {
    title: "loading ResNet-50 from safetensors to a first prediction, against its ONNX file on the bare runtime",
    images: 1,
    goal: 1 / 1.5,
    ours: () => loadingJob(threads),
    theirs: ["load", loadedModel, String(threads)],
    rival: "onnxruntime-node",
  },
];

const peak = await medianOf(await productJob(1024, threads), 21);
const peakRate = (1000 * 2 * 1024 ** 3) / peak;
console.log(`${threads} threads; matrix product of 1024²: ${(peakRate / 1e9).toFixed(0)} GFLOP/s\n`);
const rivals = new Map<RivalName, Rival | undefined>();
console.log("| job | Graft, images/s | the other, images/s | ratio | goal | of the matrix product |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const row of rows) if (only === undefined || row.title.includes(only)) console.log(await measure(row));
for (const rival of rivals.values()) rival?.stop();
if (only === undefined || only === "recomputation") await printRecomputation(turns, threads);
if (only === undefined || only === "scaling") await printScaling(scalingCounts, backbone);
if (only === undefined || only === "audit") await printScaling(scalingCounts, backbone, "audit");
if (only === "adaptation") await printAdaptation();
if (only === "serving") {
  const seconds = Number(process.env["GRAFT_BENCH_SECONDS"] ?? 60);
  await printServing({ photos, backbone, seconds, threads });
}
if (only === "agreement") await printAgreement({ photos, backbone, threads });
if (only === "cold-predict") await printColdPredict({ photos, backbone, turns, threads });
if (only === "digit-domains") await printDigitDomains(nodePlatform(), process.argv.slice(3));
if (only === "photo-adaptation") printPhotoAdaptation(domainPhotos, backbone, process.argv.slice(3));

async function printAdaptation(): Promise<void> {
  const compute = { engine: createEngine({ threads }) };
  await printAdaptationScale(compute);
  await printOfficeCaltech(surf, compute);
}

async function measure(row: Row): Promise<string> {
  const { rival: name = "PyTorch" } = row;
  if (!rivals.has(name)) rivals.set(name, startRival(name, threads));
  const rival = rivals.get(name);
  const job = await row.ours();
  const [ours, theirs]: number[][] = [[], []];
  for (let turn = -1; turn < turns; turn++) {
    const own = await timed(job);
    const other = await rival?.time(row.theirs);
    if (turn < 0) continue;
    ours.push(own);
    if (other !== undefined) theirs.push(other);
  }
  await job.dispose();
  const rate = (durations: readonly number[]) => (row.images * 1000) / median(durations);
  const [otherRate, ratio] =
    theirs.length === 0 ? [`no ${name} here`, "–"] : [rate(theirs).toFixed(1), (rate(ours) / rate(theirs)).toFixed(2)];
  const share = row.work === undefined ? "–" : ((rate(ours) * row.work) / peakRate).toFixed(2);
  const cells = [row.title, rate(ours).toFixed(1), otherRate, ratio, Number(row.goal.toFixed(2)), share];
  return `| ${cells.join(" | ")} |`;
}

async function medianOf(job: Job, times: number): Promise<number> {
  const durations: number[] = [];
  for (let i = 0; i < times; i++) durations.push(await timed(job));
  await job.dispose();
  return median(durations);
}

/** As the job measured itself, where what it times is only a part of its run. */
async function timed(job: Job): Promise<number> {
  const start = performance.now();
  const own = await job.run();
  return typeof own === "number" ? own : performance.now() - start;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
