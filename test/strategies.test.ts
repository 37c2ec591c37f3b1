import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const train = ["train", "photos", "--backbone", "tiny.onnx"];
const text = (path: string) => readFileSync(join(cwd, path), "utf8");
const model = (run: string) => readFileSync(join(cwd, run, "model.onnx"));
const accuracyOf = (run: string): number => JSON.parse(text(`${run}/metrics.json`)).validation.accuracy;

async function run(out: string, ...more: readonly string[]) {
  const outcome = await graft([...train, "--out", out, ...more], options);
  expect(outcome.code, outcome.err).toBe(0);
  return outcome.err;
}

beforeAll(async () => {
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
  await writePhotos(join(cwd, "photos"), { red: [140, 115, 115], green: [115, 140, 115], blue: [115, 115, 140] }, 40);
});

describe("graft train --strategy", () => {
  it("feature-extraction solves a linear head, the same in every run", async () => {
    const told = await run("linear", "--strategy", "feature-extraction");
    expect(told).toMatch(/linear head: penalty .* % in 5-fold cross-validation on 96 training images/);
    expect(text("linear/history.jsonl").trim().split("\n")).toHaveLength(1);
    expect(told).toMatch(/^(fit|over-fitting|under-fitting): /m);
    const { diagnosis, remedies } = JSON.parse(text("linear/diagnosis.json"));
    expect(diagnosis.kind === "balanced").toBe(remedies.length === 0);
    await run("linear-again", "--strategy", "feature-extraction");
    expect(model("linear-again").equals(model("linear"))).toBe(true);
  });

  it("feature-extraction takes a head with a hidden layer, and draws augmented variants", async () => {
    await run("mlp", "--strategy", "feature-extraction", "--head", "mlp", "--epochs", "3");
    expect(text("mlp/history.jsonl").trim().split("\n")).toHaveLength(3);
    // With a cache of its own: nothing may count on what another run left there.
    const drawn = [
      "--out",
      "drawn",
      "--strategy",
      "feature-extraction",
      "--augment",
      "horizontalFlip,rotationRange=10",
    ];
    const { code, err: told } = await graft([...train, ...drawn], { cwd, cache: join(cwd, "fresh") });
    expect(code, told).toBe(0);
    expect(told).toContain("8 variants of each image");
    expect(model("drawn").equals(model("linear"))).toBe(false);
  });

  it.each([
    ["prototype", "--shots", "5"],
    ["cosine", "--epochs", "3"],
    ["knn", "--augment", "horizontalFlip"],
  ])("feature-extraction takes the head %s, which serves like any other", async (head, ...more) => {
    const told = await run(head, "--strategy", "feature-extraction", "--head", head, ...more);
    if (head === "prototype") expect(told).toContain("5 of each class are learned from, seed 0");
    if (head === "knn") expect(told).toMatch(/knn: \d+ neighbours? of 768 features/);
    expect(accuracyOf(head)).toBeGreaterThan(0.5);
    const served = await graft(["evaluate", head, "--data", "photos", "--json"], options);
    expect(served.code, served.err).toBe(0);
  });

  it("--crop-fraction says how much of an image is seen, in training and when served", async () => {
    const told = await run("whole", "--strategy", "feature-extraction", "--crop-fraction", "1");
    expect(model("whole").equals(model("linear"))).toBe(false);
    const served = await graft(["evaluate", "whole", "--data", "photos", "--json"], options);
    expect(served.code, served.err + told).toBe(0);
    expect(accuracyOf("whole")).toBeGreaterThan(0.5);
  });

  it("--shots asks for no more images than there are", async () => {
    const { code, err } = await graft([...train, "--shots", "50"], options);
    expect(code).not.toBe(0);
    expect(err).toContain('the class "blue" has 32 training images. Ask for 32 or fewer');
  });

  it("fine-tune begins where the linear head ended, and ends at the same bytes when it was cut off", async () => {
    const tune = ["--strategy", "fine-tune", "--epochs", "4", "--batch-size", "8"];
    const told = await run("tuned", ...tune);
    expect(told).toContain("linear head: penalty");
    const [first] = text("tuned/history.jsonl").trim().split("\n");
    // A random head would begin at log 3 = 1.1.
    expect(JSON.parse(first ?? "").val_accuracy).toBeGreaterThan(accuracyOf("linear") - 0.2);
    const cut = await graft([...train, "--out", "cut", ...tune], {
      ...options,
      killAt: { pattern: /epoch 2\/4/, signal: "SIGINT" },
    });
    expect(cut.code, cut.err).toBe(130);
    const resumed = await graft(["train", "--resume", "cut"], options);
    expect(resumed.code, resumed.err).toBe(0);
    expect(model("cut").equals(model("tuned"))).toBe(true);
    const served = await graft(["predict", "tuned", "photos/red/0.png", "--json"], options);
    expect(served.code, served.err).toBe(0);
  });

  it("auto accounts for what it tried, and takes the dearer strategy only for a gain beyond its error", async () => {
    const told = await run("auto", "--epochs", "6", "--learning-rate", "0.01");
    const account = JSON.parse(text("auto/account.json"));
    expect(account.trials.map(({ strategy }: { strategy: string }) => strategy)).toEqual([
      "feature-extraction",
      "fine-tune",
    ]);
    const [probe, tuned] = account.trials;
    expect(account.chosen).toBe(tuned.gain > tuned.standardError ? "fine-tune" : "feature-extraction");
    expect(accuracyOf("auto")).toBeCloseTo(account.chosen === "fine-tune" ? tuned.accuracy : probe.accuracy, 6);
    expect(tuned.accuracy - probe.accuracy).toBeCloseTo(tuned.gain, 6);
    expect(told).toMatch(/fine-tune: .* points/);
    // Solved once: fine-tuning begins at the head that is there.
    expect(told.match(/linear head: penalty/g)).toHaveLength(1);
    expect(told).toMatch(/chosen: (fine-tune|feature-extraction), by 24 validation images/);
    if (account.chosen === "feature-extraction") expect(model("auto").equals(model("linear"))).toBe(true);
  });

  it("auto tries fine-tuning after a head that learns by steps, and goes on where it was cut off", async () => {
    const climb = ["--head", "mlp", "--epochs", "4", "--batch-size", "8"];
    await run("climb", ...climb);
    const cut = await graft([...train, "--out", "climb-cut", ...climb], {
      ...options,
      killAt: { pattern: /of validation images right[\s\S]*epoch 2\/4/, signal: "SIGINT" },
    });
    expect(cut.code, cut.err).toBe(130);
    const resumed = await graft(["train", "--resume", "climb-cut"], options);
    expect(resumed.code, resumed.err).toBe(0);
    const chosen = (of: string) => JSON.parse(text(`${of}/account.json`)).chosen;
    expect(chosen("climb-cut")).toBe(chosen("climb"));
    expect(model("climb-cut").equals(model("climb"))).toBe(true);
  });

  it("auto does the cheapest thing and says so when the budget is too small for more", async () => {
    const told = await run("hurried", "--budget", "0.001s");
    expect(told).toMatch(/fine-tune was left out: an epoch of fine-tune takes about .* of --budget 0.001s are left/);
    expect(model("hurried").equals(model("linear"))).toBe(true);
    expect(existsSync(join(cwd, "hurried/budget.json"))).toBe(false);
  });

  describe("distil", () => {
    const teach = ["train", "photos", "--teacher", "linear", "--size", "16", "--batch-size", "8"];

    it("learns the teacher's answers, asked once a view, and ends at the same bytes when it was cut off", async () => {
      const whole = await graft([...teach, "--epochs", "6", "--out", "taught"], options);
      expect(whole.code, whole.err).toBe(0);
      const cut = await graft([...teach, "--epochs", "6", "--out", "taught-cut"], {
        ...options,
        killAt: { pattern: /epoch 2\/6/, signal: "SIGINT" },
      });
      expect(cut.code, cut.err).toBe(130);
      const resumed = await graft(["train", "--resume", "taught-cut"], options);
      expect(resumed.code, resumed.err).toBe(0);
      expect(model("taught-cut").equals(model("taught"))).toBe(true);
      const comparison = JSON.parse(text("taught/distillation.json"));
      expect(comparison.student.accuracy).toBeCloseTo(accuracyOf("taught"), 6);
      expect(comparison.teacher.accuracy).toBeGreaterThan(0.5);
      expect(comparison.student.megabytes).toBeGreaterThan(0);
    });

    it("measures both as they are served, also where the student's images are cropped", async () => {
      const cropped = ["train", "photos", "--backbone", "tiny.onnx", "--teacher", "linear", "--epochs", "1"];
      const { code, err } = await graft([...cropped, "--out", "cropped"], options);
      expect(code, err).toBe(0);
      const { student, teacher } = JSON.parse(text("cropped/distillation.json"));
      expect(student.accuracy).toBeCloseTo(accuracyOf("cropped"), 6);
      expect(teacher.accuracy).toBeCloseTo(accuracyOf("linear"), 6);
    });

    it("makes a difference: without the teacher's share it is another model", async () => {
      await graft([...teach, "--epochs", "2", "--out", "heeds"], options);
      await graft([...teach, "--epochs", "2", "--teacher-share", "0", "--out", "heedless"], options);
      expect(model("heeds").equals(model("heedless"))).toBe(false);
    });

    it("refuses a teacher of other classes, and one that is not there", async () => {
      await writePhotos(join(cwd, "others"), { red: [140, 115, 115], pink: [200, 115, 150] }, 10);
      const others = await graft(["train", "others", "--teacher", "linear"], options);
      expect(others.err).toContain('does not know the class "pink"');
      const missing = await graft(["train", "photos", "--teacher", "nobody"], options);
      expect(missing.err).toContain('"nobody" does not exist');
      const alone = await graft(["train", "photos", "--strategy", "distil"], options);
      expect(alone.err).toContain("give its run folder with --teacher");
    });
  });

  it("keeps averages of the weights when asked to, and resumes them to the same bytes", async () => {
    const tune = ["--strategy", "fine-tune", "--epochs", "3", "--batch-size", "8"];
    await run("plain", ...tune);
    await run("averaged", ...tune, "--average-decay", "0.9");
    expect(model("averaged").equals(model("plain"))).toBe(false);
    const cut = await graft([...train, "--out", "averaged-cut", ...tune, "--average-decay", "0.9"], {
      ...options,
      killAt: { pattern: /epoch 1\/3/, signal: "SIGINT" },
    });
    expect(cut.code, cut.err).toBe(130);
    const resumed = await graft(["train", "--resume", "averaged-cut"], options);
    expect(resumed.code, resumed.err).toBe(0);
    expect(model("averaged-cut").equals(model("averaged"))).toBe(true);
  });

  it("mixes images when asked to, and ends at the same bytes when it was cut off", async () => {
    const mixing = ["--strategy", "fine-tune", "--mixup", "0.2", "--cutmix", "1", "--epochs", "3", "--batch-size", "8"];
    await run("mixed", ...mixing);
    await run("unmixed", ...mixing.slice(0, 2), ...mixing.slice(6));
    expect(model("mixed").equals(model("unmixed"))).toBe(false);
    expect(accuracyOf("mixed")).toBeGreaterThan(0.5);
    const cut = await graft([...train, "--out", "mixed-cut", ...mixing], {
      ...options,
      killAt: { pattern: /epoch 1\/3/, signal: "SIGINT" },
    });
    expect(cut.code, cut.err).toBe(130);
    const resumed = await graft(["train", "--resume", "mixed-cut"], options);
    expect(resumed.code, resumed.err).toBe(0);
    expect(model("mixed-cut").equals(model("mixed"))).toBe(true);
    const useless = await graft([...train, "--strategy", "feature-extraction", "--mixup", "0.2"], options);
    expect(useless.code).toBe(2);
    expect(useless.err).toContain("--mixup is for --strategy fine-tune and scratch");
  });

  it("lr-find shows a curve, and changes no later run by one bit", async () => {
    const tune = ["--strategy", "fine-tune", "--epochs", "2", "--batch-size", "8"];
    await run("before", ...tune);
    const find = [
      "lr-find",
      "photos",
      "--backbone",
      "tiny.onnx",
      "--steps",
      "30",
      "--batch-size",
      "8",
      "--out",
      "lr.json",
    ];
    const found = await graft(find, options);
    expect(found.code, found.err).toBe(0);
    const { points } = JSON.parse(text("lr.json"));
    expect(points.length).toBeGreaterThan(10);
    expect(points[0].learningRate).toBeCloseTo(1e-6, 12);
    expect(found.err).toMatch(/suggestion: --learning-rate|the loss fell at no rate/);
    await run("after", ...tune);
    expect(model("after").equals(model("before"))).toBe(true);
    const solved = await graft(
      ["lr-find", "photos", "--backbone", "tiny.onnx", "--strategy", "feature-extraction"],
      options,
    );
    expect(solved.err).toContain('the head "linear" is solved, not learned by steps');
  });

  it("rank orders backbones by how well their features fit, and says what is missing", async () => {
    const rank = ["rank", "photos", "tiny.onnx", "copy.onnx", "--out", "rank.json"];
    writeFileSync(join(cwd, "copy.onnx"), tinyClassifier());
    const ranked = await graft(rank, options);
    expect(ranked.code, ranked.err).toBe(0);
    expect(ranked.out).toMatch(/^backbone +features +images +time +H-score +k-NN % +LogME/);
    const entries: readonly { readonly backbone: string; readonly logMe: number; readonly images: number }[] =
      JSON.parse(text("rank.json"));
    expect(entries.map(({ backbone }) => backbone).sort()).toEqual(["copy.onnx", "tiny.onnx"]);
    // The same network twice.
    expect(entries[0]?.logMe).toBe(entries[1]?.logMe);
    expect(entries[0]?.images).toBe(120);
    const fewer = await graft(["rank", "photos", "tiny.onnx", "--limit", "60", "--json"], options);
    expect(fewer.out).toContain('"images":60');
    const nothing = await graft(["rank", "photos"], options);
    expect(nothing.code).toBe(2);
    expect(nothing.err).toContain("no weights are in the cache yet");
  });

  it("refuses what does not fit together", async () => {
    const bare = await graft(["train", "photos", "--strategy", "fine-tune"], options);
    expect(bare.err).toContain("--strategy fine-tune needs a pretrained network");
    const both = await graft([...train, "--strategy", "scratch"], options);
    expect(both.err).toContain('leave out "--backbone"');
    const budget = await graft([...train, "--budget", "soon"], options);
    expect(budget.err).toContain("such as 90s, 10m or 2h");
    for (const { code } of [bare, both, budget]) expect(code).toBe(2);
    // Nothing is left behind.
    expect(existsSync(join(cwd, "runs"))).toBe(false);
  });
});
