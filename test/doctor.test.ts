import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import type { Finding } from "../src/doctor/finding.ts";
import { emit } from "../src/graph/emit.ts";
import { substitute } from "../src/graph/substitute.ts";
import { readModel } from "../src/onnx/read.ts";
import { writeModel } from "../src/onnx/write.ts";
import { div } from "../src/ops/arithmetic.ts";
import { importModel } from "../src/ops/importModel.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const shared = `${process.cwd()}/../shared/data`;

/** Runs doctor with `--json` and gives its exit code, its findings by name, and what it wrote to standard error. */
async function doctor(...args: readonly string[]) {
  const { code, out, err } = await graft(["doctor", ...args, "--json"], options);
  const findings = out
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Finding & { readonly type: string } => JSON.parse(line))
    .filter(({ type }) => type === "finding");
  return { code, err, findings: new Map(findings.map((finding) => [finding.check, finding])) };
}

beforeAll(async () => {
  const colours = { red: [140, 115, 115], green: [115, 140, 115] } as const;
  await writePhotos(join(cwd, "photos"), colours, 20);
  await writePhotos(join(cwd, "mixed"), colours, 20);
  copyFileSync(join(cwd, "mixed/red/1.png"), join(cwd, "mixed/green/same.png"));
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
  const { inputs, outputs } = importModel(readModel(tinyClassifier(), "tiny.onnx"));
  const [image] = inputs;
  const [logits] = substitute([...outputs.values()], new Map([[image, div(image, 255)]]));
  writeFileSync(join(cwd, "scaling.onnx"), writeModel(emit({ name: "scaling", inputs: [image], outputs: { logits } })));
});

describe("graft doctor", () => {
  it("finds nothing serious in a sound folder, in words on a terminal", async () => {
    const { code, out, err } = await graft(["doctor", "photos"], options);
    expect(code, err).toBe(0);
    expect(out).toMatch(/^hint: small-validation$/m);
    expect(err).toMatch(/^doctor: 1 hint$/m);
  });

  it("fails over one image in two classes, and prints findings as events", async () => {
    const { code, err, findings } = await doctor("mixed");
    expect(code).toBe(1);
    expect(err).toMatch(/doctor: \d serious finding/);
    expect(findings.get("conflicting-labels")).toMatchObject({
      severity: "serious",
      evidence: { groups: [["green/same.png", "red/1.png"]] },
    });
  });

  it("looks at a backbone: normalisation inside, pixels that had to be assumed, all of it trained", async () => {
    const args = ["photos", "--strategy", "fine-tune", "--learning-rate", "0.1", "--backbone"];
    const sound = await doctor(...args, "tiny.onnx");
    expect([...sound.findings.keys()].sort()).toEqual([
      "learning-rate",
      "preprocessing-of-another-backbone",
      "small-validation",
    ]);
    const twice = await doctor(...args, "scaling.onnx");
    expect(twice.code).toBe(1);
    expect(twice.findings.get("normalised-twice")?.evidence).toEqual({ name: "scaling.onnx", operators: ["Div"] });
  });

  it("compares the learning rate with a sweep when asked", async () => {
    const { findings, err } = await doctor("photos", "--sweep", "--size", "16", "--learning-rate", "50");
    expect(findings.get("learning-rate-off-finder")?.evidence, err).toMatchObject({ learningRate: 50, isHigh: true });
  });

  it("reads a run, its configuration and its history", async () => {
    const trained = await graft(
      ["train", "photos", "--epochs", "3", "--size", "16", "--learning-rate", "0.00000001", "--out", "run"],
      options,
    );
    expect(trained.code, trained.err).toBe(0);
    const run = await doctor("run");
    expect(run.findings.get("loss-stands-still")?.evidence, run.err).toMatchObject({ epochs: 3, learningRate: 1e-8 });
    expect(run.findings.has("learning-rate")).toBe(true);
    const config = await doctor("run/config.json", "--learning-rate", "0.001");
    expect([...config.findings.keys()], config.err).toEqual(["small-validation"]);
    writeFileSync(join(cwd, "run/history.jsonl"), "{");
    expect((await doctor("run")).err).toMatch(/history.jsonl" is not a history/);
  });

  it.each([
    [["nowhere"], /"nowhere" does not exist/],
    [["nowhere.json"], /"nowhere.json" does not exist/],
    [["empty.json"], /"empty.json" names no data set; expected "data"/],
    [["broken.json"], /"broken.json" is not JSON/],
    [["list.json"], /must hold an object/],
    [["photos", "--strategy", "fine-tune"], /needs a pretrained network/],
  ])("refuses %j with what is wrong", async (args, message) => {
    for (const [name, text] of Object.entries({ empty: "{}", broken: "{", list: "[]" }))
      writeFileSync(join(cwd, `${name}.json`), text);
    const { code, err } = await doctor(...args);
    expect(code).toBeGreaterThan(0);
    expect(err).toMatch(message);
  });
});

/** Copies every so many files of a shared data set, and those that are named, into a folder of the same layout. */
function sampled(name: string, every: number, named: readonly string[]): string {
  const files = readdirSync(join(shared, name), { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.\w+$/.test(file),
  );
  const wanted = new Set([...files.sort().filter((_, i) => i % every === 0), ...named]);
  for (const file of wanted) {
    mkdirSync(join(cwd, name, dirname(file)), { recursive: true });
    copyFileSync(join(shared, name, file), join(cwd, name, file));
  }
  return name;
}

const isThere = existsSync(shared);
describe.skipIf(!isThere)(`graft doctor on real data${isThere ? "" : " (skipped: no ../shared/data)"}`, () => {
  it("finds the placeholder of hymenoptera and no near-copies", async () => {
    const data = sampled("hymenoptera", 5, ["train/ants/imageNotFound.gif"]);
    const { code, findings, err } = await doctor(data, "--size", "64");
    expect(code, err).toBe(0);
    expect([...findings.keys()]).toEqual(["empty-images", "small-validation"]);
    expect(findings.get("empty-images")?.evidence).toEqual({ ids: ["train/ants/imageNotFound.gif"] });
  });

  it("finds the copies of intel-scenes and their conflicting labels, and of near-copies only true ones", async () => {
    const copies = [
      ["test/buildings/20805.jpg", "train/street/10408.jpg"],
      ["test/street/21170.jpg", "train/buildings/4634.jpg"],
      ["train/buildings/4551.jpg", "train/street/1495.jpg"],
      ["train/glacier/10234.jpg", "train/mountain/7654.jpg"],
    ];
    // One forest in other colours.
    const near = ["test/forest/22570.jpg", "train/forest/9419.jpg"];
    const data = sampled("intel-scenes", 5, [...copies.flat(), ...near]);
    const { code, findings } = await doctor(data, "--size", "64");
    expect(code).toBe(1);
    expect(findings.get("conflicting-labels")?.evidence).toEqual({ groups: copies });
    expect(findings.get("copies-across-parts")?.evidence["groups"]).toEqual(expect.arrayContaining(copies.slice(0, 2)));
    expect(findings.get("near-copies-across-parts")?.evidence).toMatchObject({ pairs: [near] });
  });

  it("finds that files of traffic signs belong to tracks, and is content when --group keeps them whole", async () => {
    const signs = join(shared, "gtsrb.tar.gz");
    const { code, findings } = await doctor(signs, "--size", "32");
    expect(code).toBe(1);
    const torn = findings.get("torn-tracks");
    expect(torn?.evidence).toMatchObject({ count: 888, held: 590 });
    const pattern = String(torn?.evidence["pattern"]);
    expect(torn?.advice).toContain(`--group '${pattern}'`);
    const whole = await doctor(signs, "--size", "32", "--group", pattern);
    expect(whole.findings.has("torn-tracks")).toBe(false);
  }, 180_000);
});
