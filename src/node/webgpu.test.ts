import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runScript } from "./childProcess.fixture.ts";

/** A software Vulkan driver (SwiftShader), which comes with the browser of the tests, stands in for a graphics card. */
const isPacked = process.platform === "linux" && process.arch === "x64";
let folder = "";

beforeAll(async () => {
  if (!isPacked) return;
  folder = await mkdtemp(join(tmpdir(), "graft-vulkan-"));
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const packed = join(dirname(entry), "../../bin/swiftshader.tar.br");
  await unpack(brotliDecompressSync(await readFile(packed)), folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The plain files of a ustar archive, without folders in their names. */
async function unpack(archive: Buffer, into: string): Promise<void> {
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const name = archive.toString("latin1", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 136), 8);
    if (!name.endsWith("/")) await writeFile(join(into, name), archive.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

const script = `
import { nodePlatform } from "$/platform.js";
import { conv2d } from "$/../nn/convolutionLayers.js";
import { dense, flatten } from "$/../nn/denseLayers.js";
import { maxPooling2d } from "$/../nn/poolingLayers.js";
import { sgd } from "$/../optim/optimizers.js";
import { sequentialModel } from "$/../train/model.js";
const x = Float32Array.from({ length: 8 * 108 }, (_, i) => Math.sin(i * i));
const y = Int32Array.from({ length: 8 }, (_, i) => i % 3);
const losses = {};
for (const device of ["cpu", "webgpu"]) {
  const platform = nodePlatform({ device });
  const layers = [conv2d(4, 3, { activation: "relu" }), maxPooling2d(2), flatten(), dense(3, { activation: "softmax" })];
  const model = sequentialModel(layers, { inputShape: [6, 6, 3] }, platform);
  model.compile({ optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), loss: "sparseCategoricalCrossentropy" });
  const { history } = await model.fit({ x, y }, { epochs: 3, batchSize: 8 });
  losses[await platform.engine.device() + " for " + device] = history.loss;
}
console.log(JSON.stringify(losses));
`;

it.skipIf(!isPacked)(
  "training on WebGPU gives the CPU's losses, and says once what stays on the CPU",
  async (context) => {
    const env = { LD_LIBRARY_PATH: folder, VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json") };
    const { stdout, stderr } = await runScript(script, env);
    if (stderr.includes("does not work here")) return context.skip(stderr);
    const losses = JSON.parse(stdout);
    expect(Object.keys(losses)).toEqual(["cpu for cpu", "webgpu for webgpu"]);
    // The two sum in another order: float32 rounding, carried through three steps.
    for (const [i, loss] of losses["webgpu for webgpu"].entries())
      expect(loss).toBeCloseTo(losses["cpu for cpu"][i], 4);
    expect(stderr.trim().split("\n")).toEqual([
      "device: webgpu; operators that it lacks run on the CPU",
      expect.stringMatching(/^the CPU runs \d+ of \d+ nodes: .*LogSoftmax, MaxPool/),
    ]);
  },
);
