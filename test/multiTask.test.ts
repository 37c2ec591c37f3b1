import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import { stream } from "../src/base/random.ts";
import { createCodec } from "../src/node/codec.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const tints = { red: [60, 0, 0], green: [0, 60, 0], blue: [0, 0, 60] } as const;
const names = Object.keys(tints) as readonly (keyof typeof tints)[];
const side = 24;
const photos = Array.from({ length: 120 }, (_, i) => photo(i));

const text = (path: string) => readFileSync(join(cwd, path), "utf8");
const json = (path: string) => JSON.parse(text(path));
const model = (run: string) => readFileSync(join(cwd, run, "model.onnx"));

/** Gray of some brightness, tinted: the tint is a class, and a weight grows with the brightness. */
function photo(i: number) {
  const random = stream(7, "photo", 0, i);
  const tint = names[i % 3] ?? "red";
  const level = random.uniform(40, 150);
  const data = Uint8Array.from({ length: side * side * 3 }, (_, at) =>
    Math.max(0, Math.min(255, level + (tints[tint][at % 3] ?? 0) + random.uniform(-40, 40))),
  );
  return { data, tint, weight: 300 + 2 * level + random.uniform(-2, 2) };
}

/** Every fifth tint and every fourth weight is missing. */
const rows = photos.map(
  ({ tint, weight }, i) => `photos/${i}.png,${i % 5 === 1 ? "" : tint},${i % 4 === 2 ? "" : weight.toFixed(1)}`,
);

async function run(out: string, ...more: readonly string[]) {
  const wanted = [
    "train",
    "labels.csv",
    "--targets",
    "tint,weight_g",
    "--backbone",
    "tiny.onnx",
    "--out",
    out,
    ...more,
  ];
  const outcome = await graft(wanted, options);
  expect(outcome.code, outcome.err).toBe(0);
  return outcome;
}

beforeAll(async () => {
  const codec = createCodec();
  mkdirSync(join(cwd, "photos"));
  for (const [i, { data }] of photos.entries()) {
    const png = await codec.encodePng({ width: side, height: side, channels: 3, data });
    writeFileSync(join(cwd, "photos", `${i}.png`), png);
  }
  writeFileSync(join(cwd, "labels.csv"), `${["path,tint,weight_g", ...rows].join("\n")}\n`);
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
});

describe("graft train --targets", () => {
  it("solves a head for each column, says how each was read, and reports on each", async () => {
    const { err, out } = await run("heads");
    expect(err).toContain("tint: 3 classes (blue, green, red); 18 images have no label");
    expect(err).toMatch(/weight_g: numbers from 3\d\d(\.\d)? to 5\d\d(\.\d)?; 24 images have no label/);
    expect(err).toContain('6 files left out: "photos/6.png" (has no label)');
    expect(err).toContain("stratified by tint");
    expect(err).toMatch(/^tint: calibration: temperature \d\S*, fitted on \d+ validation images; .* on validation/m);
    expect(err).toMatch(/^tint: prediction sets at 90 %/m);
    expect(out).toMatch(/validation: tint\n.*Confusion matrix.*validation: weight_g\n\nMAE +\d/s);
    const { validation } = json("heads/metrics.json");
    expect(validation.tint.accuracy).toBeGreaterThan(0.9);
    expect(validation.weight_g.r2).toBeGreaterThan(0.9);
    // In grams: the weights' own deviation is some 60.
    expect(validation.weight_g.mae).toBeLessThan(20);
    expect(validation.tint.count + validation.weight_g.count).toBeLessThan(2 * 24);
    const log = JSON.parse(text("heads/history.jsonl"));
    expect(log.val_weight_g_mae).toBeCloseTo(validation.weight_g.mae, 3);
    expect(log.val_tint_accuracy).toBeCloseTo(validation.tint.accuracy, 6);
    // Calibrated on these very images: no worse than what the head said by itself.
    expect(validation.tint.loss).toBeLessThanOrEqual(log.val_tint_loss + 1e-6);
  });

  it("writes a model with an output for each target, in the user's units", async () => {
    const session = await ort.InferenceSession.create(join(cwd, "heads/model.onnx"));
    expect(session.outputNames).toEqual(["tint", "weight_g"]);
    const image = new ort.Tensor("uint8", photos[1]?.data ?? new Uint8Array(0), [1, side, side, 3]);
    const { tint, weight_g } = await session.run({ image });
    expect(tint?.dims).toEqual([1, 3]);
    expect(Array.from(tint?.data as Float32Array).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(Math.abs(Number(weight_g?.data[0]) - (photos[1]?.weight ?? 0))).toBeLessThan(60);
  });

  it("calibrates a target with classes on validation images, serves it so and says so", async () => {
    const { validation, trust } = json("heads/metrics.json");
    const { temperature, images, expectedError } = trust.tint.calibration;
    expect(images).toBe(validation.tint.count);
    expect(temperature).toBeGreaterThan(0);
    expect(expectedError.validation.after).toBeCloseTo(validation.tint.calibration.expectedError, 9);
    expect(Object.keys(trust)).toEqual(["tint"]);
    const session = await ort.InferenceSession.create(join(cwd, "heads/model.onnx"));
    const losses: number[] = [];
    for (const id of json("heads/splits.json").validation as readonly string[]) {
      const i = Number(/(\d+)\.png/.exec(id)?.[1]);
      const { data, tint } = photos[i] ?? { data: new Uint8Array(0), tint: "red" };
      if (i % 5 === 1) continue;
      const outputs = await session.run({ image: new ort.Tensor("uint8", data, [1, side, side, 3]) });
      losses.push(-Math.log(Number(outputs["tint"]?.data[["blue", "green", "red"].indexOf(tint)])));
    }
    expect(losses).toHaveLength(images);
    // Float32 through the file, and the probabilities of confident answers near 1.
    expect(losses.reduce((a, b) => a + b) / losses.length).toBeCloseTo(validation.tint.loss, 4);
  });

  it("predict answers each target, evaluate measures those that the data have", async () => {
    const predicted = await graft(["predict", "heads", "photos/0.png", "--json"], options);
    const [tint, weight] = JSON.parse(predicted.out).targets;
    expect(tint.classes[0].label).toBe("red");
    expect(tint.set).toContain("red");
    expect(Math.abs(weight.value - (photos[0]?.weight ?? 0))).toBeLessThan(60);
    const told = await graft(["predict", "heads", "photos/0.png"], options);
    expect(told.out).toMatch(/^photos\/0\.png: tint red \d+\.\d %, .*; weight_g \d{3}/);
    const all = await graft(["evaluate", "heads", "--data", "labels.csv", "--out", "all.json"], options);
    expect(all.code, all.err).toBe(0);
    expect(json("all.json")).toMatchObject({ tint: { count: 96 }, weight_g: { count: 90 } });
    writeFileSync(join(cwd, "weights.csv"), "path,weight_g\nphotos/3.png,400\nphotos/4.png,500\n");
    const some = await graft(["evaluate", "heads", "--data", "weights.csv"], options);
    expect(some.code, some.err).toBe(0);
    expect(some.err).toContain("not measured, for want of labels: tint");
    const rows = await graft(["evaluate", "heads", "--data", "labels.csv", "--predictions", "rows.csv"], options);
    expect(rows.err).toContain('--predictions is for models of one label; "heads" has several targets');
    const folder = await graft(["evaluate", "heads", "--data", "photos"], options);
    expect(folder.code).not.toBe(0);
    expect(folder.err).toContain('"photos" is no CSV file: several labels an image come from the columns of one');
  }, 180_000);

  it("learns a shared hidden layer, weighed by uncertainty, and ends at the same bytes when it was cut off", async () => {
    const shared = ["--head", "mlp", "--task-weighting", "uncertainty", "--epochs", "25", "--learning-rate", "0.01"];
    const { err } = await run("shared", ...shared);
    expect(err).toMatch(/weights of the tasks, as learned from their uncertainty: tint \d+\.\d\d, weight_g \d+\.\d\d/);
    const [{ weight: tint }, { weight }] = json("shared/targets.json");
    // They began at 1 and 1/2.
    expect(tint).not.toBeCloseTo(1, 2);
    expect(weight).not.toBeCloseTo(0.5, 2);
    const { validation } = json("shared/metrics.json");
    expect(validation.tint.accuracy).toBeGreaterThan(0.7);
    expect(validation.weight_g.r2).toBeGreaterThan(0.7);
    const wanted = ["train", "labels.csv", "--targets", "tint,weight_g", "--backbone", "tiny.onnx", "--out", "cut"];
    const cut = await graft([...wanted, ...shared], {
      ...options,
      killAt: { pattern: /epoch 3\/25/, signal: "SIGINT" },
    });
    expect(cut.code, cut.err).toBe(130);
    const resumed = await graft(["train", "--resume", "cut"], options);
    expect(resumed.code, resumed.err).toBe(0);
    expect(model("cut").equals(model("shared"))).toBe(true);
    expect(json("cut/metrics.json")).toEqual(json("shared/metrics.json"));
  }, 180_000);

  it("fine-tunes the backbone from the solved heads, with weights for the targets", async () => {
    const wanted = ["--targets", "tint*2,weight_g:number*0.5", "--tune", "all", "--epochs", "3", "--augment", "none"];
    const { err } = await run("tuned", ...wanted);
    expect(err).toContain("weight_g: penalty");
    const logs = text("tuned/history.jsonl").trim().split("\n");
    expect(logs).toHaveLength(3);
    // Where the heads on frozen features ended, not at a random head's.
    expect(JSON.parse(logs[0] ?? "").val_tint_accuracy).toBeGreaterThan(0.8);
    expect(json("tuned/metrics.json").validation.weight_g.r2).toBeGreaterThan(0.8);
    expect(json("tuned/targets.json").map(({ weight }: { weight: number }) => weight)).toEqual([2, 0.5]);
    expect(model("tuned").equals(model("heads"))).toBe(false);
  });

  it("learns a number alone, stratified by it", async () => {
    const { err } = await run("number", "--targets", "weight_g", "--head", "mlp", "--epochs", "2");
    expect(err).toContain("stratified by weight_g");
    expect(json("number/metrics.json").validation).toHaveProperty("weight_g.rmse");
  });
});

describe("graft train --targets refuses", () => {
  const csv = (name: string, lines: readonly string[]) => writeFileSync(join(cwd, name), `${lines.join("\n")}\n`);
  const tiny = ["--backbone", "tiny.onnx"];

  beforeAll(() => {
    const line = (i: number, rest: string) => `photos/${i}.png,${rest}`;
    const of = (rest: (i: number) => string) => Array.from({ length: 12 }, (_, i) => line(i, rest(i)));
    csv("odd.csv", [
      "path,tint,same,bad,split",
      ...of((i) => {
        const split = i < 8 ? "train" : "validation";
        return `${names[i % 3]},yes,${i === 4 ? "heavy" : i},${split}`;
      }),
    ]);
    csv("late.csv", ["path,early,late,split", ...of((i) => (i < 8 ? `${i % 2},,train` : `,${i % 2},validation`))]);
  });

  it.each([
    ["a folder", ["photos", "--targets", "tint"], /"photos" is no CSV file: .* path,tint/],
    [
      "an unknown column",
      ["odd.csv", "--targets", "tnt"],
      /no column "tnt"; it has tint, same.* Did you mean "tint"\?/,
    ],
    ["one class only", ["odd.csv", "--targets", "same"], /"same" of "odd.csv" has the class "yes" in all its labels/],
    ["a cell that is no number", ["odd.csv", "--targets", "bad:number"], /"odd.csv", line 6: "heavy"/],
    ["a target listed twice", ["odd.csv", "--targets", "tint,tint"], /"tint" is listed twice/],
    [
      "no labels in training",
      ["late.csv", "--targets", "late,early"],
      /"late" has no label for any of the 8 training images/,
    ],
    [
      "no labels in validation",
      ["late.csv", "--targets", "early,late"],
      /"early" has no label for any of the 4 validation/,
    ],
  ] as const)("%s", async (_, args, message) => {
    const { code, err } = await graft(["train", ...args, ...tiny, "--out", "refused"], options);
    expect(code).not.toBe(0);
    expect(err).toMatch(message);
    expect(err).not.toContain("defect");
  });

  it("a teacher of several targets, and no backbone", async () => {
    const taught = await graft(["train", "labels.csv", "--targets", "tint", "--teacher", "heads"], options);
    expect(taught.err).toMatch(/--targets is for --strategy multi-task, not/);
    const bare = await graft(["train", "labels.csv", "--targets", "tint"], options);
    expect(bare.err).toContain("--strategy multi-task needs a pretrained network: give it with --backbone");
  });
});
