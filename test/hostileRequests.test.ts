import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Stream, stream } from "../src/base/random.ts";
import { denseModel } from "../src/explain/denseModel.fixture.ts";
import { isLong } from "./long.fixture.ts";
import { temporaryFolder } from "./photos.fixture.ts";
import { type Served, startServe } from "./served.fixture.ts";

/** A request that the server answers with 200, and how its body may be spoiled. */
interface Sound {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
}

const count = isLong ? 10_000 : 400;
/** Of explanations no more may wait. */
const atOnce = 4;
const cwd = temporaryFolder();
const encoded = new TextEncoder();
let server: Served;
let sound: readonly Sound[];

beforeAll(async () => {
  mkdirSync(join(cwd, "colours"));
  writeFileSync(join(cwd, "colours/model.onnx"), denseModel(["red", "green"]));
  server = await startServe(["colours", "--max-body", "0.1", "--max-pixels", "100000"], cwd);
  const random = stream(1, "pixels");
  const levels = Uint8Array.from({ length: 24 * 20 * 3 }, () => random.below(256));
  const photo = sharp(levels, { raw: { width: 24, height: 20, channels: 3 } });
  const files = await Promise.all(
    (["png", "jpeg", "webp", "gif", "tiff", "avif"] as const).map((format) => encodedAs(photo, format)),
  );
  sound = [
    ...files.map(([type, body]) => ({ path: "/predict", type, body })),
    ...files.slice(0, 2).map(([type, body]) => ({ path: "/explain?method=occlusion&format=json", type, body })),
    { path: "/predict", type: "multipart/form-data; boundary=edge", body: formOf(files[0]?.[1] ?? levels) },
    { path: "/v2/models/colours/infer", type: "application/json", body: inferenceOf(levels) },
  ];
});

afterAll(() => server.end("SIGKILL"));

describe("graft serve", () => {
  it("answers what the spoiled requests are made of", async () => {
    for (const request of sound) expect((await send(request)).status, `${request.path} ${request.type}`).toBe(200);
  });

  it(`refuses ${count} spoiled images and bodies with a sentence, or answers them, and goes on as before`, async () => {
    const [first] = sound;
    if (first === undefined) throw new Error("no request");
    const before = predictionsOf((await send(first)).text);
    for (let start = 0; start < count; start += atOnce) {
      const numbers = Array.from({ length: Math.min(atOnce, count - start) }, (_, i) => start + i);
      await Promise.all(numbers.map(checkSpoiled));
    }
    expect(predictionsOf((await send(first)).text)).toEqual(before);
  }, 900_000);
});

async function checkSpoiled(number: number): Promise<void> {
  const random = stream(7, "spoil", 0, number);
  const request = sound[random.below(sound.length)];
  if (request === undefined) throw new Error("no request");
  const { status, text } = await send({ ...request, body: spoiled(request.body, random) });
  const about = `request ${number} to ${request.path} (${request.type}): ${status} ${text.slice(0, 300)}`;
  expect(status === 200 || (status >= 400 && status < 500), about).toBe(true);
  if (status === 200) return;
  const { error, message } = JSON.parse(text);
  expect((error.message ?? message ?? error).length, about).toBeGreaterThan(10);
}

async function send({ path, type, body }: Sound): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { "content-type": type };
  const response = await fetch(`${server.url}${path}`, { method: "POST", body: body.slice(), headers });
  return { status: response.status, text: await response.text() };
}

/** Bytes changed, cut off, repeated, left out or blanked, once or several times. */
function spoiled(bytes: Uint8Array, random: Stream): Uint8Array {
  let body = bytes.slice();
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(Math.max(1, body.length));
    const end = Math.min(body.length, at + 1 + random.below(64));
    const kind = random.below(5);
    if (kind === 0) body[at] = random.below(256);
    else if (kind === 1) body = body.slice(0, at);
    else if (kind === 2) body = Uint8Array.of(...body.subarray(0, end), ...body.subarray(at));
    else if (kind === 3) body = Uint8Array.of(...body.subarray(0, at), ...body.subarray(end));
    else body.fill(random.below(256), at, end);
  }
  return body;
}

async function encodedAs(photo: Sharp, format: "png" | "jpeg" | "webp" | "gif" | "tiff" | "avif") {
  return [`image/${format}`, new Uint8Array(await photo.clone().toFormat(format).toBuffer())] as const;
}

function formOf(file: Uint8Array): Uint8Array {
  const head =
    '--edge\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n';
  return Uint8Array.of(...encoded.encode(head), ...file, ...encoded.encode("\r\n--edge--\r\n"));
}

function inferenceOf(levels: Uint8Array): Uint8Array {
  const image = { name: "image", shape: [1, 20, 24, 3], datatype: "UINT8", data: [...levels] };
  return encoded.encode(JSON.stringify({ inputs: [image] }));
}

function predictionsOf(text: string): unknown {
  return JSON.parse(text).predictions;
}
