import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type Classification, load } from "../src/index.ts";
import type * as graftWeb from "../src/web/index.ts";
import { installedChromium } from "./chromium.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";
import { servePlainly } from "./plainServer.fixture.ts";

const chromium = await installedChromium().catch(() => undefined);
const missing = chromium === undefined ? " (skipped: no Chromium; npm install @sparticuz/chromium)" : "";

const cwd = temporaryFolder();
const site = join(cwd, "site");
const photos = ["red/3.png", "green/4.png", "blue/5.png"];

/** Without a bundler: the import map says where the two packages lie. */
const html = `<!doctype html><link rel="icon" href="data:,">
<script type="importmap">{"imports": {"graft/web": "./graft.js", "onnxruntime-web/wasm": "./ort.wasm.bundle.min.mjs"}}</script>
<script type="module">import * as web from "graft/web"; globalThis.web = web;</script>`;

declare global {
  var web: typeof graftWeb;
}

/** The names of what failed, or what came. */
type Outcome<T> = { readonly code: string; readonly message: string } | T;

beforeAll(async () => {
  await writePhotos(join(cwd, "photos"), { red: [190, 80, 80], green: [80, 190, 80], blue: [80, 80, 190] }, 12, 40);
  const train = await graft(["train", "photos", "--epochs", "3", "--size", "24", "--out", "run"], {
    cwd,
    cache: join(cwd, "cache"),
  });
  expect(train.code, train.err).toBe(0);
  mkdirSync(site);
  writeFileSync(join(site, "index.html"), html);
  copyFileSync("dist/browser/graft.js", join(site, "graft.js"));
  for (const file of ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]) {
    copyFileSync(join("node_modules/onnxruntime-web/dist", file), join(site, file));
  }
  copyFileSync(join(cwd, "run/model.onnx"), join(site, "model.onnx"));
  for (const [i, photo] of photos.entries()) copyFileSync(join(cwd, "photos", photo), join(site, `${i}.png`));
});

describe.skipIf(chromium === undefined)(`load in a real Chromium${missing}`, () => {
  let browser: Browser;
  let server: Server;
  let page: Page;

  beforeAll(async () => {
    const served = await servePlainly(site);
    server = served.server;
    browser = await playwright.launch({ ...chromium, headless: true });
    page = await browser.newPage();
    await page.goto(served.url);
    await page.waitForFunction("globalThis.web !== undefined");
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it("opens a model from its URL, which says of files what it says in Node.js, one by one and together", async () => {
    const here = await load(join(cwd, "run"));
    const bytes = photos.map((photo) => readFileSync(join(cwd, "photos", photo)));
    const expected = await here.classifyBatch(bytes);
    await here.dispose();
    const found = await page.evaluate(async () => {
      const shares: number[] = [];
      const model = await web.load("model.onnx", { onProgress: (share) => shares.push(share) });
      const files = await Promise.all(["0.png", "1.png", "2.png"].map(async (name) => (await fetch(name)).blob()));
      const together = await model.classifyBatch(files);
      // Asked for at once; ONNX Runtime would refuse two runs of one session.
      const alone = await Promise.all(files.map((file) => model.classify(file)));
      const { labels } = model;
      await model.dispose();
      return { shares, together, alone, labels };
    });
    expect(found.labels).toEqual(["blue", "green", "red"]);
    expect(found.shares.at(-1)).toBe(1);
    for (const answers of [found.together, found.alone]) {
      for (const [i, answer] of answers.entries()) expectSame(answer, expected[i]);
    }
  });

  it("says the same of a photo however the page shows it", async () => {
    const found = await page.evaluate(async () => {
      const model = await web.load("model.onnx");
      const file = await (await fetch("1.png")).blob();
      const picture = new Image();
      picture.src = "1.png";
      await picture.decode();
      const { width, height } = picture;
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const context = canvas.getContext("2d");
      context?.drawImage(picture, 0, 0);
      const rgba = context?.getImageData(0, 0, width, height) ?? new ImageData(1, 1);
      const data = new Uint8Array(3 * width * height).map((_, i) => rgba.data[4 * Math.floor(i / 3) + (i % 3)] ?? 0);
      const unloaded = new Image();
      unloaded.src = "1.png";
      const sources = {
        file,
        bytes: new Uint8Array(await file.arrayBuffer()),
        pixels: { width, height, channels: 3 as const, data },
        imageData: rgba,
        bitmap: await createImageBitmap(file),
        picture,
        unloaded,
        canvas,
      };
      const answers = await Promise.all(
        Object.entries(sources).map(async ([name, source]) => [name, await model.classify(source)] as const),
      );
      await model.dispose();
      return answers;
    });
    expect(found).toHaveLength(8);
    const [[, first] = []] = found;
    expect(first?.classes[0]?.label).toBe("green");
    for (const [name, answer] of found) expect(answer, name).toEqual(first);
  });

  it("names what is wrong with a URL, a model, a program's labels and an image", async () => {
    const found = await page.evaluate(async () => {
      const outcome = async <T>(work: () => Promise<T>): Promise<Outcome<T>> => {
        try {
          return await work();
        } catch (error) {
          if (error instanceof web.GraftError) return { code: error.code, message: error.message };
          throw error;
        }
      };
      const model = await web.load("model.onnx", { labels: ["red", "green", "blue"] });
      const stop = new AbortController();
      stop.abort();
      const outcomes = [
        await outcome(() => web.load("nowhere.onnx")),
        await outcome(() => web.load("http://127.0.0.1:1/model.onnx")),
        await outcome(() => web.load("model.onnx", { signal: stop.signal })),
        await outcome(() => web.load("graft.js")),
        await outcome(() => web.load("model.onnx", { labels: ["cat", "dog"] })),
        await outcome(() => model.classify(new Blob(["not an image"]))),
        await outcome(() => model.classify(document.createElement("video"))),
        await outcome(() => model.classify(Object.assign(new Image(), { src: "graft.js" }))),
        await outcome(() => model.classify({ width: 2, height: 2, channels: 3, data: new Uint8Array(5) })),
      ];
      // What failed stands in nobody's way.
      const after = await model.classify(await (await fetch("0.png")).blob());
      await model.dispose();
      return { outcomes, after };
    });
    expect(found.outcomes).toEqual([
      { code: "network", message: expect.stringMatching(/^"nowhere\.onnx" is not there: .* status 404/) },
      { code: "network", message: expect.stringMatching(/127\.0\.0\.1:1\/model\.onnx" cannot be loaded \(.+\)$/) },
      { code: "interrupted", message: expect.stringContaining("was stopped") },
      { code: "model", message: expect.stringContaining('"graft.js"') },
      { code: "model", message: expect.stringMatching(/tells "blue", "green", "red" apart; .* expects "cat", "dog"/) },
      { code: "input", message: expect.stringContaining("not an image that this browser can read") },
      { code: "input", message: expect.stringContaining("shows nothing yet") },
      { code: "input", message: expect.stringContaining("graft.js") },
      { code: "input", message: expect.stringContaining("2×2 pixels of 3 bytes each; found 5 bytes") },
    ]);
    expect(found.after.classes[0]?.label).toBe("red");
  });
});

describe("the types of both entries", () => {
  it("know the labels that a program names, and no others", async () => {
    const consumer = join(cwd, "consumer");
    mkdirSync(join(consumer, "node_modules"), { recursive: true });
    symlinkSync(process.cwd(), join(consumer, "node_modules/graft"));
    const program = (entry: string, image: string) => `import { load } from "${entry}";
const model = await load("model.onnx", { labels: ["red", "green"] });
const { classes, set } = await model.classify(${image});
const label: "red" | "green" | undefined = classes[0]?.label ?? set?.[0];
// @ts-expect-error: no such label
const wrong: boolean = classes[0]?.label === "blue";
const open = await load("model.onnx");
const any: readonly string[] = open.labels;
console.log(label, wrong, any);
`;
    writeFileSync(join(consumer, "node.mts"), program("graft", "new Uint8Array(0)"));
    writeFileSync(join(consumer, "web.mts"), program("graft/web", "new Blob([])"));
    const compiler = join(process.cwd(), "node_modules/typescript/bin/tsc");
    const strict = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"];
    const files = ["node.mts", "web.mts"];
    const compiled = promisify(execFile)(process.execPath, [compiler, ...strict, ...files], { cwd: consumer });
    expect((await compiled.catch(({ stdout }) => ({ stdout }))).stdout).toBe("");
  });
});

function expectSame(found: Classification, expected: Classification | undefined): void {
  expect(found.classes.map(({ label }) => label)).toEqual(expected?.classes.map(({ label }) => label));
  for (const [i, { probability }] of found.classes.entries()) {
    expect(probability).toBeCloseTo(expected?.classes[i]?.probability ?? Number.NaN, 4);
  }
  expect(found.set).toEqual(expected?.set);
  expect(found.unknown?.isUnknown).toBe(expected?.unknown?.isUnknown);
}
