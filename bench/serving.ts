import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "../src/base/tensor.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { ImageModel } from "../src/tasks/imageModel.ts";
import { trainedRun } from "./trainedRun.ts";

const clients = 16;
const photosUsed = 60;
const batchSizes = [1, 8];
/** Between two answers to one photo, in batches of different sizes. */
const tolerance = 1e-4;
/** Over the server's default limit of 20 MB. */
const hugeBytes = 25_000_000;

export interface ServingOptions {
  readonly photos: string;
  readonly backbone: string;
  readonly seconds: number;
  readonly threads: number;
}

interface Photo {
  readonly bytes: Uint8Array;
  readonly expected: ReadonlyMap<string, number>;
}

interface Load {
  readonly good: number;
  readonly wrong: number;
  readonly statuses: ReadonlyMap<string, number>;
  /** Of good requests, sorted. */
  readonly durationsMs: readonly number[];
  readonly seconds: number;
  /** The server's resident megabytes, in the order of time. */
  readonly memory: readonly number[];
}

/** A server under mixed load, then batches against one image at a time, then where the time goes. */
export async function printServing(options: ServingOptions): Promise<void> {
  const run = trainedRun(options.photos, options.backbone);
  const model = await ImageModel.open(run, nodePlatform({ threads: options.threads }));
  const photos = await readPhotos(join(options.photos, "val"), model);
  console.log(`\n${clients} clients, ${photos.length} photos, ${options.seconds} s a row\n`);
  console.log(
    "| requests | images/s | p50 ms | p99 ms | wrong | other statuses | server's memory, MB: at start, middle, end |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const isMixed of [true, false]) {
    for (const batchSize of isMixed ? [8] : batchSizes) {
      const load = await withServer(run, { batchSize, threads: options.threads }, (url) =>
        loadOn(url, photos, isMixed, options.seconds),
      );
      console.log(rowOf(`${isMixed ? "mixed" : "good"}, batches of up to ${batchSize}`, load));
    }
  }
  await printStages(model, photos);
  await model.dispose();
}

async function readPhotos(folder: string, model: ImageModel): Promise<readonly Photo[]> {
  const files = readdirSync(folder).flatMap((name) =>
    readdirSync(join(folder, name)).map((file) => join(folder, name, file)),
  );
  const photos: Photo[] = [];
  for (const file of files.slice(0, photosUsed)) {
    const bytes = new Uint8Array(readFileSync(file));
    const { classes } = await model.classify(bytes);
    photos.push({ bytes, expected: new Map(classes.map(({ label, probability }) => [label, probability])) });
  }
  return photos;
}

/** Runs `work` against a server of its own. */
export async function withServer<T>(
  run: string,
  {
    batchSize,
    threads,
    more = [],
  }: { readonly batchSize: number; readonly threads: number; readonly more?: readonly string[] },
  work: (url: string) => Promise<T>,
): Promise<T> {
  const args = [
    "bin/graft.js",
    "serve",
    run,
    "--port",
    "0",
    "--batch-size",
    String(batchSize),
    "--threads",
    String(threads),
    ...more,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.stderr.on("data", (text) => {
        const found = /at (http:\S+)/.exec(String(text))?.[1];
        if (found !== undefined) resolve(found);
      });
      child.on("close", (code) => reject(new Error(`graft serve ended with ${code}`)));
    });
    return await work(url);
  } finally {
    child.kill("SIGTERM");
  }
}

async function loadOn(url: string, photos: readonly Photo[], isMixed: boolean, seconds: number): Promise<Load> {
  const durationsMs: number[] = [];
  const statuses = new Map<string, number>();
  const memory: number[] = [];
  let wrong = 0;
  const start = performance.now();
  const isOver = () => performance.now() - start > 1000 * seconds;
  const watch = async () => {
    while (!isOver()) {
      memory.push(await memoryOf(url));
      await new Promise((resume) => setTimeout(resume, 500));
    }
  };
  const client = async (first: number) => {
    for (let i = first; !isOver(); i += clients) {
      const photo = photos[i % photos.length];
      // Of ten requests seven are good.
      const kind = isMixed ? (["text", "truncated", "huge"][i % 10] ?? "good") : "good";
      const begun = performance.now();
      const answer = await ask(url, bodyOf(kind, photo.bytes));
      if (kind === "good" && answer.status === 200) {
        durationsMs.push(performance.now() - begun);
        if (!agrees(answer.json, photo)) wrong++;
        continue;
      }
      const told = `${kind} ${answer.status}`;
      statuses.set(told, (statuses.get(told) ?? 0) + 1);
    }
  };
  // The first runs allocate.
  for (const photo of photos.slice(0, 8)) await ask(url, photo.bytes);
  await Promise.all([watch(), ...Array.from({ length: clients }, (_, i) => client(i))]);
  const taken = (performance.now() - start) / 1000;
  durationsMs.sort((a, b) => a - b);
  return { good: durationsMs.length, wrong, statuses, durationsMs, seconds: taken, memory };
}

function bodyOf(kind: string, photo: Uint8Array): Uint8Array {
  if (kind === "text") return new TextEncoder().encode("not an image");
  if (kind === "truncated") return photo.subarray(0, photo.length >> 1);
  return kind === "huge" ? new Uint8Array(hugeBytes) : photo;
}

/** A server that refuses a body before it has come may close the connection: that is told as "closed". */
export async function ask(
  url: string,
  bytes: Uint8Array,
): Promise<{ readonly status: number | "closed"; readonly json: unknown }> {
  try {
    const headers = { "content-type": "application/octet-stream" };
    const response = await fetch(`${url}/predict`, { method: "POST", body: bytes.slice(), headers });
    return { status: response.status, json: await response.json() };
  } catch {
    return { status: "closed", json: undefined };
  }
}

function agrees(json: unknown, { expected }: Photo): boolean {
  const { predictions } = json as {
    readonly predictions: readonly {
      readonly classes: readonly { readonly label: string; readonly probability: number }[];
    }[];
  };
  const classes = predictions[0].classes;
  return (
    classes.length === expected.size &&
    classes.every(({ label, probability }) => Math.abs(probability - (expected.get(label) ?? Number.NaN)) <= tolerance)
  );
}

/** Of the server, in megabytes. */
async function memoryOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/process_resident_memory_bytes (\d+)/.exec(text)?.[1]) / 1e6;
}

function rowOf(title: string, { good, wrong, statuses, durationsMs, seconds, memory }: Load): string {
  const at = (share: number) => durationsMs[Math.floor(share * (durationsMs.length - 1))].toFixed(0);
  const others = [...statuses].map(([told, count]) => `${told}: ${count}`).join(", ") || "none";
  const sizes = [0, 0.5, 1].map((share) => memory[Math.floor(share * (memory.length - 1))].toFixed(0)).join(", ");
  return `| ${title} | ${(good / seconds).toFixed(1)} | ${at(0.5)} | ${at(0.99)} | ${wrong} | ${others} | ${sizes} |`;
}

/** What decoding with preparing costs an image, and the network by batch size, on the thread that calls. */
async function printStages(model: ImageModel, photos: readonly Photo[]): Promise<void> {
  const prepared: Tensor[] = [];
  const preparing = await timed(async () => {
    for (const { bytes } of photos) prepared.push(await model.prepare(bytes));
  });
  console.log("\n| stage | ms an image |\n| --- | --- |");
  console.log(`| decode and prepare | ${(preparing / photos.length).toFixed(1)} |`);
  for (const size of [1, 2, 4, 8, 16]) {
    await model.answer(prepared.slice(0, size));
    const duration = await timed(async () => {
      for (let i = 0; i + size <= 48; i += size) await model.answer(prepared.slice(i, i + size));
    });
    console.log(`| network, batch ${size} | ${(duration / 48).toFixed(1)} |`);
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
