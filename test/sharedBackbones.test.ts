import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cards } from "../src/backbones/cards.ts";
import { loadOnnxBackbone } from "../src/backbones/onnxBackbone.ts";
import { Tensor } from "../src/base/tensor.ts";
import { emit } from "../src/graph/emit.ts";
import { substitute } from "../src/graph/substitute.ts";
import { input, type Value } from "../src/graph/value.ts";
import { normalise, prepare } from "../src/image/prepare.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { readModel } from "../src/onnx/read.ts";
import { writeModel } from "../src/onnx/write.ts";
import { importModel } from "../src/ops/importModel.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder } from "./photos.fixture.ts";

const shared = `${process.cwd()}/../shared/data`;
const backbones = join(shared, "backbones");
const photos = join(shared, "hymenoptera");
const isThere = existsSync(backbones) && existsSync(photos);
const skipped = isThere ? "" : " (skipped: the shared data are not beside this checkout)";
const cwd = temporaryFolder();
const platform = nodePlatform();

// Measured: 0.876, 0.935 and 0.895.
const cases = [
  ["mobilenetv1_025", "mobilenetv1-0.25-keras.h5", 0.86],
  ["squeezenet1_1", "squeezenet1.1.safetensors", 0.92],
  ["gluon_mobilenet_v2", "mobilenetv2-gluon-fp16.safetensors", 0.88],
] as const;

describe.skipIf(!isThere)(`published weights${skipped}`, () => {
  it.each(cases)("%s from %s tell ants from bees", async (backbone, file, least) => {
    const wanted = [
      "--strategy",
      "feature-extraction",
      "--backbone",
      backbone,
      "--weights",
      join(backbones, file),
      "--out",
      `runs/${backbone}`,
    ];
    const { code, err } = await graft(["train", photos, ...wanted], { cwd, cache: join(cwd, "cache") });
    expect(code, err).toBe(0);
    const { validation } = JSON.parse(readFileSync(join(cwd, `runs/${backbone}/metrics.json`), "utf8"));
    expect(validation.accuracy).toBeGreaterThanOrEqual(least);
  });

  it("given under another network's name say what they are", async () => {
    const wanted = ["--backbone", "mobilenet_v2", "--weights", join(backbones, "mobilenetv2-gluon-fp16.safetensors")];
    const { err } = await graft(["train", photos, ...wanted], { cwd, cache: join(cwd, "cache") });
    expect(err).toMatch(/holds mobilenetv2_100\.gluon_in1k .* use --backbone gluon_mobilenet_v2/);
  });

  it("of a whole classifier name what is in a photo", async () => {
    const found = await labelsOf("mobilenetv2-tf-224.onnx", [
      ...photosOf("ants").map((path) => ["ant", path] as const),
      ...photosOf("bees").map((path) => ["bee", path] as const),
    ]);
    const right = found.filter(({ expected, label }) => expected === label).length;
    // Measured: 32 of 40.
    expect(right / found.length).toBeGreaterThan(0.75);
  });
});

function photosOf(label: string): readonly string[] {
  const folder = join(photos, "val", label);
  return readdirSync(folder)
    .slice(0, 20)
    .map((name) => join(folder, name));
}

/** ImageNet's most probable label of each photo, by the classifier that the file has. */
async function labelsOf(file: string, wanted: readonly (readonly [expected: string, path: string])[]) {
  const names = readFileSync(join(backbones, "imagenet-classes.txt"), "utf8").trim().split("\n");
  const bytes = new Uint8Array(readFileSync(join(backbones, file)));
  const sha256 = platform.digest(bytes);
  const classes = cards.find((card) => card.sha256 === sha256)?.classes ?? 1000;
  const { preparation, normalisation } = loadOnnxBackbone(bytes, file, sha256);
  const image = input("image", "uint8", [1, "H", "W", 3]);
  const logits = classifierOf(bytes, normalise(prepare(image, preparation), normalisation));
  const program = await platform.engine.compile(
    writeModel(emit({ name: "classifier", inputs: [image], outputs: { logits } })),
  );
  const found: { expected: string; label: string | undefined }[] = [];
  for (const [expected, path] of wanted) {
    const { data, width, height } = await platform.codec.decode(readFileSync(path), 1e8);
    const scores = (await program.run({ image: new Tensor("uint8", [1, height, width, 3], data) }))["logits"]?.floats;
    const best = scores?.indexOf(Math.max(...scores)) ?? -1;
    found.push({ expected, label: names[best - (classes - 1000)] });
  }
  await program.dispose();
  return found;
}

function classifierOf(bytes: Uint8Array, pixels: Value): Value {
  const { inputs, outputs } = importModel(readModel(bytes), { shapes: new Map([["input", [1, 3, 224, 224]]]) });
  const logits = outputs.get("logits");
  if (logits === undefined) throw new Error("no logits");
  const [applied] = substitute([logits], new Map(inputs.map((value) => [value, pixels])));
  return applied;
}
