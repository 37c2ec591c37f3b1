import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { denseModel } from "../src/explain/denseModel.fixture.ts";
import { createCodec } from "../src/node/codec.ts";
import { createEngine } from "../src/node/engine.ts";
import { load } from "../src/node/load.ts";
import { ExplainedModel } from "../src/tasks/explainedModel.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";
import { type Served, startServe } from "./served.fixture.ts";

const cwd = temporaryFolder();
const cache = join(cwd, "cache");
const key = "a-key-of-enough-letters";
const servers: Served[] = [];
const serve = async (...args: readonly string[]) => {
  const served = await startServe(args, cwd);
  servers.push(served);
  return served;
};
let open: Served;

const photo = (name: string) => new Uint8Array(readFileSync(join(cwd, "photos", name)));
const photo0 = () => photo("red/0.png");
const png = { "content-type": "image/png" };

beforeAll(async () => {
  await writePhotos(join(cwd, "photos"), { red: [190, 80, 80], green: [80, 190, 80] }, 12);
  await writePhotos(join(cwd, "others"), { sea: [80, 80, 190], sand: [190, 190, 80] }, 12);
  writeFileSync(join(cwd, "key"), `${key}\n`);
  for (const [data, out] of [
    ["photos", "colours"],
    ["others", "places"],
  ] as const) {
    const { code, err } = await graft(["train", data, "--out", out, "--epochs", "2"], { cwd, cache });
    expect(code, err).toBe(0);
  }
  mkdirSync(join(cwd, "dense"));
  writeFileSync(join(cwd, "dense", "model.onnx"), denseModel(["red", "green"]));
  open = await serve("colours", "places", "dense", "--max-body", "0.05", "--max-pixels", "10000", "--max-images", "3");
}, 120_000);

afterAll(async () => {
  for (const served of servers) await served.end("SIGKILL");
});

const promiseSchema = z.object({
  // Too few validation images promise no set.
  set: z.array(z.string()).min(1).optional(),
  unknown: z.object({ score: z.number(), isUnknown: z.boolean() }),
});
const answerSchema = z.object({
  model: z.string(),
  version: z.string(),
  predictions: z.array(
    promiseSchema.extend({
      name: z.string(),
      classes: z.array(z.object({ label: z.string(), probability: z.number() })),
    }),
  ),
});

async function predict(url: string, body: Uint8Array | FormData, query = "?model=colours", headers: HeadersInit = {}) {
  const given = body instanceof FormData ? headers : { ...png, ...headers };
  const response = await fetch(`${url}/predict${query}`, {
    method: "POST",
    body: body instanceof FormData ? body : body.slice(),
    headers: given,
  });
  return { status: response.status, headers: response.headers, json: await response.json() };
}

function form(...images: readonly (readonly [string, Uint8Array])[]): FormData {
  const data = new FormData();
  for (const [name, bytes] of images) data.append("image", new Blob([bytes.slice()]), name);
  return data;
}

describe("POST /predict", () => {
  it("answers as the library does, one image or many of different sizes", async () => {
    const codec = createCodec();
    const large = await codec.encodePng({ width: 60, height: 40, channels: 3, data: new Uint8Array(7200).fill(90) });
    const images = [photo("red/0.png"), photo("green/1.png"), large];
    const model = await load(join(cwd, "colours"));
    const expected = await model.classifyBatch(images);
    const { json } = await predict(open.url, form(...images.map((bytes, i) => [`${i}.png`, bytes] as const)));
    const { predictions, model: name } = answerSchema.parse(json);
    expect(name).toBe("colours");
    expect(predictions.map((each) => each.name)).toEqual(["0.png", "1.png", "2.png"]);
    for (const [i, bytes] of images.entries()) {
      const alone = answerSchema.parse((await predict(open.url, bytes)).json).predictions[0]?.classes ?? [];
      expectNear(predictions[i]?.classes ?? [], alone);
      expectNear(alone, expected[i]?.classes ?? []);
    }
    // What the model promises comes along, as `graft predict` tells it.
    const told = predictions.map(({ set, unknown }) => ({ set, unknown }));
    writeFileSync(join(cwd, "large.png"), large);
    const command = await graft(["predict", "colours", "photos/red/0.png", "large.png", "--json"], { cwd, cache });
    const [first, , third] = told;
    const [red, gray] = command.out
      .trim()
      .split("\n")
      .map((line) => promiseSchema.parse(JSON.parse(line)));
    for (const [here, there] of [
      [first, red],
      [third, gray],
    ]) {
      expect(here?.set).toEqual(there?.set);
      expect(here?.unknown?.isUnknown).toBe(there?.unknown?.isUnknown);
      expect(here?.unknown?.score).toBeCloseTo(there?.unknown?.score ?? Number.NaN, 3);
    }
    await model.dispose();
  });

  it("answers each of many requests at once with its own image's label", async () => {
    const names = Array.from({ length: 24 }, (_, i) => `${i % 2 === 0 ? "red" : "green"}/${i % 12}.png`);
    const model = await load(join(cwd, "colours"));
    const answers = await Promise.all(names.map((name) => predict(open.url, photo(name))));
    for (const [i, name] of names.entries()) {
      const classes = answerSchema.parse(answers[i]?.json).predictions[0]?.classes ?? [];
      expectNear(classes, (await model.classify(photo(name))).classes);
    }
    await model.dispose();
    const metrics = await (await fetch(`${open.url}/metrics`)).text();
    const batches = Number(/graft_batch_size_count\{model="colours"\} (\d+)/.exec(metrics)?.[1]);
    const images = Number(/graft_batch_size_sum\{model="colours"\} (\d+)/.exec(metrics)?.[1]);
    expect(images).toBeGreaterThan(batches);
  });

  it("gives every photo the label and the probabilities that graft evaluate writes", async () => {
    const { code, err } = await graft(["evaluate", "colours", "--data", "photos", "--predictions", "all.csv"], {
      cwd,
      cache,
    });
    expect(code, err).toBe(0);
    const rows: readonly Record<string, string>[] = parse(readFileSync(join(cwd, "all.csv")), { columns: true });
    expect(rows).toHaveLength(24);
    // All at once, so that they come in batches.
    const answers = await Promise.all(rows.map(({ image = "" }) => predict(open.url, photo(image))));
    for (const [i, row] of rows.entries()) {
      const classes = answerSchema.parse(answers[i]?.json).predictions[0]?.classes ?? [];
      expect(classes[0]?.label).toBe(row["answer"]);
      expectNear(
        classes,
        ["green", "red"].map((label) => ({ label, probability: Number(row[`p(${label})`]) })),
      );
    }
  });

  it("gives the likeliest --top labels", async () => {
    const { json } = await predict(open.url, photo("red/0.png"), "?model=places&top=1");
    expect(answerSchema.parse(json).predictions[0]?.classes).toHaveLength(1);
  });
});

describe("a refusal", () => {
  const cases: readonly (readonly [string, () => Parameters<typeof predict>, number, string, RegExp])[] = [
    ["a truncated image", () => ["", photo("red/0.png").subarray(0, 300)], 422, "unusable", /truncated/],
    ["text", () => ["", new TextEncoder().encode("hello")], 422, "unusable", /not an image/],
    ["no bytes", () => ["", new Uint8Array(0)], 400, "badRequest", /empty/],
    ["a body over the limit", () => ["", new Uint8Array(60_000)], 413, "tooLarge", /50,000 bytes/],
    [
      "too many images",
      () => ["", form(...[1, 2, 3, 4].map((i) => [`${i}`, new Uint8Array(9)] as const))],
      413,
      "tooLarge",
      /4 images/,
    ],
    ["an empty form", () => ["", new FormData()], 400, "badRequest", /form/],
    [
      "a bad image among good ones",
      () => ["", form(["good.png", photo("red/0.png")], ["bad.png", new Uint8Array(9)])],
      422,
      "unusable",
      /"bad.png"/,
    ],
    [
      "another type",
      () => ["", new Uint8Array(9), "?model=colours", { "content-type": "text/plain" }],
      415,
      "unsupportedType",
      /text\/plain/,
    ],
    [
      "a form cut short",
      () => [
        "",
        new TextEncoder().encode("--x\r\nContent-"),
        "?model=colours",
        { "content-type": "multipart/form-data; boundary=x" },
      ],
      400,
      "badRequest",
      /cut short/,
    ],
    ["an unknown model", () => ["", photo("red/0.png"), "?model=colour"], 404, "notFound", /Did you mean "colours"/],
    ["a path as a model", () => ["", photo("red/0.png"), "?model=../../etc/passwd"], 404, "notFound", /no model/],
    ["no model among several", () => ["", photo("red/0.png"), ""], 400, "badRequest", /"colours", "places"/],
    ["a top of zero", () => ["", photo("red/0.png"), "?model=colours&top=0"], 400, "badRequest", /whole number/],
  ];

  it.each(cases)("of %s says so as JSON", async (_, request, status, code, message) => {
    const [, ...rest] = request();
    const answer = await predict(open.url, ...rest);
    expect(answer.json).toMatchObject({ error: { code, message: expect.stringMatching(message) } });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("x-request-id")).toBe(answer.json.error.requestId);
  });

  it("of a body that was not read closes the connection, so that nothing is sent after it", async () => {
    const { headers } = await predict(open.url, new Uint8Array(60_000));
    expect(headers.get("connection")).toBe("close");
    expect((await predict(open.url, new Uint8Array(9))).headers.get("connection")).toBe("keep-alive");
  });

  it("of an image with too many pixels comes before it is decoded", async () => {
    const wide = await createCodec().encodePng({ width: 200, height: 100, channels: 3, data: new Uint8Array(60_000) });
    const { status, json } = await predict(open.url, wide);
    expect([status, json.error.message]).toEqual([
      422,
      expect.stringMatching(/200×100 pixels, over the limit of 10,000/),
    ]);
  });

  it("of a path leads to no file", async () => {
    for (const path of [
      "/..%2f..%2fetc/passwd",
      "/v2/models/..%2f..%2fkey",
      "/v2/models/%2e%2e/infer",
      "/colours/model.onnx",
    ]) {
      const response = await fetch(`${open.url}${path}`);
      expect([404, 405]).toContain(response.status);
      expect(await response.text()).toContain('"error"');
    }
  });

  it("of a body that never ends comes when the time is over, and others are served meanwhile", async () => {
    const { url } = await serve("colours", "--timeout", "1");
    const slow = await connected(url);
    slow.write("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nabc");
    const answer = textOf(slow);
    expect((await fetch(`${url}/v2/models/colours`)).status).toBe(200);
    expect(await answer).toMatch(/^HTTP\/1.1 408[\s\S]*slowBody/);
  });
});

describe("POST /explain", () => {
  const explanationSchema = z.object({
    class: z.string(),
    probability: z.number(),
    layer: z.string().optional(),
    map: z.object({ width: z.number(), height: z.number(), values: z.array(z.number()) }),
    region: z.object({ left: z.number(), top: z.number(), width: z.number(), height: z.number() }),
  });
  const explain = (query: string, body: Uint8Array | FormData = photo("red/0.png")) =>
    fetch(`${open.url}/explain?${query}`, {
      method: "POST",
      body: body instanceof FormData ? body : body.slice(),
      ...(body instanceof FormData ? {} : { headers: png }),
    });

  it("tells as numbers what the library computes, of what /predict answers", async () => {
    const bytes = new Uint8Array(readFileSync(join(cwd, "colours", "model.onnx")));
    const model = await ExplainedModel.of(bytes, "colours", { engine: createEngine(), codec: createCodec() });
    for (const method of ["gradcam", "eigencam", "integrated-gradients", "occlusion"] as const) {
      const response = await explain(`model=colours&format=json&method=${method}`);
      const { map, region, ...told } = explanationSchema.parse(await response.json());
      const expected = await model.explain(photo("red/0.png"), { attribution: model.attributionOf(method) });
      expect([map.width, map.height]).toEqual([expected.map.width, expected.map.height]);
      const scale = Math.max(...expected.map.values.map(Math.abs));
      const farthest = Math.max(...map.values.map((value, i) => Math.abs(value - (expected.map.values[i] ?? 0))));
      // One thread there and all of them here sum in another order.
      expect(farthest).toBeLessThan(1e-4 * scale);
      const { predictions } = answerSchema.parse((await predict(open.url, photo("red/0.png"))).json);
      expectNear(predictions[0]?.classes.slice(0, 1) ?? [], [{ label: told.class, probability: told.probability }]);
      // A square photo is seen whole.
      expect(region).toEqual({ left: 0, top: 0, width: expected.photo.width, height: expected.photo.height });
    }
    await model.dispose();
  });

  it("draws what the network saw and the map beside it, of the class that is asked for", async () => {
    const response = await explain("model=colours&class=green");
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(response.headers.get("x-graft-class")).toBe("green");
    const probability = Number(response.headers.get("x-graft-probability"));
    expect(probability).toBeGreaterThan(0);
    const picture = await createCodec().decode(new Uint8Array(await response.arrayBuffer()), 1e6);
    expect(picture.width).toBe(2 * picture.height + 8);
  });

  it.each([
    ["a method that is none", "model=colours&method=magic", photo0, 400, /expected one of gradcam, /],
    ["a class that is none", "model=colours&class=rde", photo0, 400, /knows no class "rde".*Did you mean "red"/],
    ["a layer that is none", "model=colours&layer=nowhere", photo0, 400, /no layer "nowhere"/],
    ["a layer for pixels", "model=colours&layer=x&method=occlusion", photo0, 400, /Leave it out/],
    ["another format", "model=colours&format=gif", photo0, 400, /expected png or json/],
    ["two images", "model=colours", () => form(["a", photo0()], ["b", photo0()]), 400, /2 images; expected one/],
    ["text", "model=colours", () => new TextEncoder().encode("hello"), 422, /not an image/],
    ["no model among several", "", photo0, 400, /several models/],
    ["a model without a convolution", "model=dense", photo0, 422, /integrated-gradients, smoothgrad and occlusion/],
  ])("refuses %s", async (_, query, body, status, message) => {
    const response = await explain(query, body());
    expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(message) } });
    expect(response.status).toBe(status);
  });

  it("explains a model without a convolution by the pixels", async () => {
    expect((await explain("model=dense&method=occlusion")).status).toBe(200);
  });

  it("holds up no prediction: few wait for their turn, the others are told to come back", async () => {
    let done = 0;
    const asked = Array.from({ length: 24 }, async () => {
      const { status } = await explain("model=colours&method=integrated-gradients&format=json");
      done += Number(status === 200);
      return status;
    });
    expect((await predict(open.url, photo("red/0.png"))).status).toBe(200);
    const before = done;
    const statuses = await Promise.all(asked);
    expect(before).toBeLessThan(done);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    // One that runs and four that wait, and whoever came when one of them was done.
    expect(done).toBeGreaterThanOrEqual(5);
  });
});

describe("the Open Inference Protocol", () => {
  const infer = (inputs: unknown, more: object = {}) =>
    fetch(`${open.url}/v2/models/colours/infer`, { method: "POST", body: JSON.stringify({ inputs, ...more }) });

  it("gives for pixels what /predict gives for their file", async () => {
    const { width, height, data } = await createCodec().decode(photo("red/2.png"), 10_000);
    const image = { name: "image", shape: [1, height, width, 3], datatype: "UINT8", data: [...data] };
    const response = await infer([image], { id: "mine" });
    const { outputs, ...rest } = await response.json();
    expect(rest).toEqual({ model_name: "colours", model_version: "1", id: "mine" });
    expect(outputs).toMatchObject([
      { name: "probabilities", datatype: "FP32", shape: [1, 2] },
      { name: "unknown", datatype: "FP32", shape: [1] },
    ]);
    const { outputs: wanted } = await (await infer([image], { outputs: [{ name: "unknown" }] })).json();
    expect(wanted).toEqual([outputs[1]]);
    const { predictions } = answerSchema.parse((await predict(open.url, photo("red/2.png"))).json);
    const [green, red] = outputs[0].data;
    expectNear(predictions[0]?.classes ?? [], [
      { label: "green", probability: green },
      { label: "red", probability: red },
    ]);
    expect(outputs[1].data[0]).toBeCloseTo(predictions[0]?.unknown?.score ?? Number.NaN, 3);
  });

  it("tells of the server, its health, and a model's inputs and outputs", async () => {
    for (const path of ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/colours/ready", "/openapi.json"]) {
      expect((await fetch(`${open.url}${path}`)).status).toBe(200);
    }
    expect(await (await fetch(`${open.url}/v2/models/colours`)).json()).toMatchObject({
      name: "colours",
      inputs: [{ name: "image", datatype: "UINT8", shape: [-1, -1, -1, 3] }],
      outputs: [
        { name: "probabilities", shape: [-1, 2] },
        { name: "unknown", shape: [-1] },
      ],
    });
  });

  const good = { name: "image", shape: [1, 1, 1, 3], datatype: "UINT8", data: [1, 2, 3] };
  it.each([
    ["another input", { ...good, name: "x" }, 400],
    ["another type", { ...good, datatype: "FP32" }, 400],
    ["another shape", { ...good, shape: [1, 3, 1, 1] }, 400],
    ["too few values", { ...good, data: [1, 2] }, 400],
    ["values over 255", { ...good, data: [1, 2, 256] }, 422],
    ["too many images", { ...good, shape: [4, 1, 1, 3] }, 413],
    ["too many pixels", { ...good, shape: [1, 10_000, 10_000, 3] }, 413],
  ])("refuses %s in a sentence, as the protocol wants it", async (_, image, status) => {
    const response = await infer([image]);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: expect.any(String),
      code: expect.any(String),
      requestId: expect.any(String),
    });
  });
});

describe("graft serve", () => {
  it("asks for its key everywhere but at its health", async () => {
    const { url, log } = await serve("colours", "--api-key-file", "key");
    expect((await predict(url, photo("red/0.png"))).status).toBe(401);
    expect((await predict(url, photo("red/0.png"), "", { "x-api-key": `${key}x` })).status).toBe(401);
    expect((await predict(url, photo("red/0.png"), "", { "x-api-key": key })).status).toBe(200);
    expect((await predict(url, photo("red/0.png"), "", { authorization: `Bearer ${key}` })).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200);
    await until(async () => log().length === 6);
    expect(log().map(({ status }) => status)).toEqual([401, 401, 200, 200, 401, 200]);
    expect(JSON.stringify(log())).not.toContain(key);
  });

  it("refuses more requests than the rate and more than may be under way, and says when to come back", async () => {
    const { url } = await serve("colours", "--rate", "2", "--max-pending", "1");
    const slow = await connected(url);
    slow.write("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nabc");
    await until(async () => /graft_pending_requests 1/.test(await metricsOf(url)));
    await until(async () => (await predict(url, photo("red/0.png"))).status === 503);
    const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await fetch(`${url}/v2`)).status));
    expect(statuses).toContain(429);
    expect((await fetch(`${url}/v2`)).headers.get("retry-after")).toBe("1");
    slow.destroy();
  });

  it("finishes what is running when it is stopped, takes nothing new, and exits with 0", async () => {
    const { url, end } = await serve("colours");
    const image = photo("red/0.png");
    const running = await connected(url);
    const head = `POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: ${image.length}\r\n\r\n`;
    running.write(head);
    running.write(image.subarray(0, 100));
    await until(async () => /graft_pending_requests 1/.test(await metricsOf(url)));
    const ended = end("SIGTERM");
    await until(async () =>
      fetch(`${url}/v2`).then(
        () => false,
        () => true,
      ),
    );
    running.write(image.subarray(100));
    expect(await textOf(running)).toMatch(/^HTTP\/1.1 200[\s\S]*"label":"red"/);
    expect(await ended).toBe(0);
  });

  it("serves a run that replaces another without missing a request, and keeps the old one when the new one is broken", async () => {
    cpSync(join(cwd, "colours"), join(cwd, "hot"), { recursive: true });
    const { url } = await serve("hot");
    const labels = async () => {
      const { status, json } = await predict(url, photo("red/0.png"), "");
      expect(status).toBe(200);
      return answerSchema
        .parse(json)
        .predictions[0]?.classes.map(({ label }) => label)
        .sort();
    };
    const replace = (bytes: Uint8Array) => {
      writeFileSync(join(cwd, "new.onnx"), bytes);
      renameSync(join(cwd, "new.onnx"), join(cwd, "hot", "model.onnx"));
    };
    expect(await labels()).toEqual(["green", "red"]);
    replace(new Uint8Array(100));
    await until(async () => /graft_reloads_total\{model="hot",outcome="failed"\} 1/.test(await metricsOf(url)));
    expect(await labels()).toEqual(["green", "red"]);
    replace(readFileSync(join(cwd, "places", "model.onnx")));
    await until(async () => (await labels())?.includes("sea") === true);
  });

  it("refuses what it cannot serve", async () => {
    await expect(serve("nowhere")).rejects.toThrow(/ended with 1.*"nowhere" does not exist/s);
    await expect(serve("colours", "./colours")).rejects.toThrow(/ended with 2.*two models are called "colours"/s);
    writeFileSync(join(cwd, "short"), "abc");
    await expect(serve("colours", "--api-key-file", "short")).rejects.toThrow(/3 characters/);
  });
});

describe("load", () => {
  it("answers on threads of its own as on the calling one", async () => {
    const here = await load(join(cwd, "colours", "model.onnx"));
    const there = await load(join(cwd, "colours"), { workers: 2, threads: 1 });
    expect(there.labels).toEqual(["green", "red"]);
    const images = [photo("red/3.png"), photo("green/3.png")];
    const [first, second] = await Promise.all(images.map((image) => there.classify(image)));
    for (const [i, found] of [first, second].entries()) {
      const expected = await here.classify(images[i] ?? new Uint8Array(0));
      expectNear(found?.classes ?? [], expected.classes);
      expect(found?.unknown?.score).toBeCloseTo(expected.unknown?.score ?? Number.NaN, 4);
    }
    await there.dispose();
    await here.dispose();
    await expect(there.classify(images[0] ?? new Uint8Array(0))).rejects.toMatchObject({ code: "system" });
  });
});

type Classes = readonly { readonly label: string; readonly probability: number }[];

/** The sums of a product may be ordered otherwise in a larger batch: a few units in the last of float32's 24 bits, layer by layer. */
const tolerance = 1e-5;

function expectNear(found: Classes, expected: Classes): void {
  expect(found.length).toBe(expected.length);
  for (const { label, probability } of expected) {
    const other = found.find((each) => each.label === label);
    expect(Math.abs((other?.probability ?? Number.NaN) - probability), label).toBeLessThanOrEqual(tolerance);
  }
}

const metricsOf = async (url: string) => (await fetch(`${url}/metrics`)).text();

/** Asks again until it holds; the test's own time limit ends it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resume) => setTimeout(resume, 50));
}

function connected(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.on("error", reject);
  });
}

/** What the server says to the first request. */
function textOf(socket: Socket): Promise<string> {
  let text = "";
  return new Promise((resolve) => {
    socket.on("data", (chunk) => {
      text += chunk;
      if (text.includes("}")) resolve(text);
    });
    socket.on("close", () => resolve(text));
  });
}
