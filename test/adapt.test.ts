import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { normalisedClassifier, tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { isLong } from "./long.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const json = (path: string) => JSON.parse(readFileSync(join(cwd, path), "utf8"));
const model = (run: string) => readFileSync(join(cwd, run, "model.onnx"));
const command = (...more: readonly string[]) =>
  graft(["adapt", "--source", "shop", "--backbone", "tiny.onnx", ...more], options);

/** No time for what learns by steps. */
const cheap = ["--budget", "0.001s"];

interface Entry {
  readonly method: string;
  readonly accuracy?: { readonly mean: number; readonly deviation?: number };
  readonly isChosen: boolean;
  readonly scores: Record<string, number>;
}

async function run(out: string, ...more: readonly string[]) {
  const outcome = await command("--out", out, ...more);
  expect(outcome.code, outcome.err).toBe(0);
  return outcome;
}

beforeAll(async () => {
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
  const colours = { red: [150, 105, 105], green: [105, 150, 105], blue: [105, 105, 150] } as const;
  await writePhotos(join(cwd, "shop"), colours, 30);
  // The same under warm light: every photo looks red to who learned in the shop.
  const warm = { red: [210, 95, 65], green: [165, 140, 65], blue: [165, 95, 110] } as const;
  await writePhotos(join(cwd, "home"), warm, 20);
  mkdirSync(join(cwd, "flat"));
  for (const name of Object.keys(warm)) {
    for (let i = 0; i < 20; i++) cpSync(join(cwd, `home/${name}/${i}.png`), join(cwd, `flat/${name}-${i}.png`));
  }
});

describe("graft adapt", () => {
  it("auto finds without target labels what is right on the target where source-only fails", async () => {
    const { out, err } = await run("auto", "--target", "home", ...cheap);
    const { trials, choices, chosen, oracle, validator } = json("auto/account.json");
    const [sourceOnly, ...others]: Entry[] = trials;
    const best = trials.find(({ isChosen }: Entry) => isChosen);
    expect(sourceOnly?.method).toBe("source-only");
    expect(sourceOnly?.accuracy?.mean).toBeLessThan(0.5);
    expect(best.accuracy.mean).toBeGreaterThan(0.8);
    expect(oracle.mean).toBeGreaterThan(0.8);
    expect(validator).toBe("infoMax");
    expect(best.method).toBe(chosen.method);
    expect(others.find(({ method }) => method === "coral")?.accuracy?.mean).toBeGreaterThan(0.8);
    expect(new Set(trials.map(({ method }: Entry) => method)).size).toBeGreaterThan(5);
    expect(choices.map(({ validator: name }: { validator: string }) => name)).toEqual([
      "sourceRisk",
      "entropy",
      "infoMax",
      "dev",
      "density",
      "agreement",
    ]);
    expect(out).toContain("target right %");
    expect(out).toContain("trained on target");
    expect(out).toContain("means over 3 seeds, ± the standard deviation");
    expect(out).toMatch(/source-only .* \d+\.\d ± \d\.\d\n/);
    expect(err).toMatch(/seed 2: coral, 2 settings: \d+\.\d s, InfoMax \d/);
    expect(err).toMatch(/InfoMax \+\d+\.\d+ ± \d+\.\d+ nats over source-only, more/);
    expect(err).toMatch(/chosen: \w+/);
    expect(err).toMatch(/by the target's labels, which the choice did not see, it is better than source-only: \+\d/);
  });

  it("chooses the same and saves the same bytes when the target has no labels", async () => {
    const { out, err } = await run("unlabelled", "--target", "flat", ...cheap);
    expect(model("unlabelled").equals(model("auto"))).toBe(true);
    expect(out).not.toContain("target right %");
    expect(err).not.toContain("by the target's labels");
    expect(json("unlabelled/account.json").oracle).toBe(null);
    expect(Object.keys(json("unlabelled/metrics.json"))).toEqual(["source"]);
  });

  it("auto tries what learns by steps while the budget lasts, says what it leaves out, and stays with that", async () => {
    const asked = ["--target", "home", "--seeds", "2", "--epochs", "300"];
    const { err } = await run("hurried", ...asked, "--budget", "1s");
    const left =
      /(\S+) was left out: 300 epochs with 2 seeds take about \d+ s more, and \d+ s of --budget 1s are left(?:; so are (.*))?\n/.exec(
        err,
      );
    const names = [left?.[1] ?? "", ...(left?.[2] ?? "").split(", ")].filter((name) => name !== "");
    expect(names.at(-1)).toBe("pseudo-labels");
    expect(json("hurried/budget.json")).toEqual({ leftOut: names });
    const tried = new Set(json("hurried/account.json").trials.map(({ method }: Entry) => method));
    expect(tried.has("coral")).toBe(true);
    expect(names.filter((name) => tried.has(name))).toEqual([]);
    // Decided once: with all the time of the world a resumed run tries no more.
    const config = json("hurried/config.json");
    writeFileSync(
      join(cwd, "hurried/config.json"),
      JSON.stringify({ ...config, adapt: { ...config.adapt, budget: "9h" } }),
    );
    const before = model("hurried");
    const resumed = await graft(["adapt", "--resume", "hurried"], options);
    expect(resumed.code, resumed.err).toBe(0);
    expect(model("hurried").equals(before)).toBe(true);
    const idle = await command("--target", "home", "--method", "coral", "--budget", "1s");
    expect(idle.code).toBe(2);
    expect(idle.err).toContain("--budget is for --method auto, not coral");
  });

  it("a method that was asked for is kept, and its model judges photos as the table says", async () => {
    await run("coral", "--target", "home", "--method", "coral", "--seeds", "1");
    const entry = json("coral/account.json").trials.find(({ isChosen }: Entry) => isChosen);
    expect(entry.method).toBe("coral");
    const served = await graft(["evaluate", "coral", "--data", "home", "--out", "coral.json"], options);
    expect(served.code, served.err).toBe(0);
    expect(json("coral.json").accuracy).toBeCloseTo(entry.accuracy.mean, 6);
  });

  it("mdd learns by steps, and tells how far the domains are apart", async () => {
    await run("mdd", "--target", "home", "--method", "mdd", "--epochs", "6", "--learning-rate", "0.01");
    const { trials } = json("mdd/account.json");
    expect(trials.map(({ method }: Entry) => method)).toEqual(["source-only", "mdd"]);
    expect(trials[1].isChosen).toBe(true);
    const history = readFileSync(join(cwd, "mdd/history.jsonl"), "utf8").trim().split("\n");
    expect(
      history.map((line) => JSON.parse(line)).every((log) => log.domain_accuracy >= 0.5 && log.discrepancy > 0),
    ).toBe(true);
  });

  it("adabn gives each domain its own statistics, and its model judges photos as the table says", async () => {
    writeFileSync(join(cwd, "normalised.onnx"), normalisedClassifier());
    const args = [
      "adapt",
      "--source",
      "shop",
      "--target",
      "home",
      "--backbone",
      "normalised.onnx",
      "--method",
      "adabn",
    ];
    const { code, err } = await graft([...args, "--out", "adabn"], options);
    expect(code, err).toBe(0);
    const [sourceOnly, adabn] = json("adabn/account.json").trials;
    expect(adabn.accuracy.mean).toBeGreaterThan(sourceOnly.accuracy.mean);
    const served = await graft(["evaluate", "adabn", "--data", "home", "--out", "adabn.json"], options);
    expect(served.code, served.err).toBe(0);
    expect(json("adabn.json").accuracy).toBeCloseTo(json("adabn/metrics.json").target.accuracy, 6);
    const verified = await graft(["verify", "adabn"], options);
    expect(verified.code, verified.err).toBe(0);
    const plain = await command("--target", "home", "--method", "adabn");
    expect(plain.code).toBe(1);
    expect(plain.err).toContain('"tiny.onnx" has no batch normalisation');
  });

  it("refuses shot after statistics that the published network cannot hold", async () => {
    writeFileSync(join(cwd, "shared.onnx"), normalisedClassifier({ isShared: true }));
    const own = ["adapt", "--source", "shop", "--target", "home", "--backbone", "shared.onnx", "--method", "adabn"];
    expect((await graft([...own, "--seeds", "1", "--out", "shared-adabn"], options)).code).toBe(0);
    const args = ["adapt", "--source", "shared-adabn", "--target", "home", "--backbone", "shared.onnx"];
    const { code, err } = await graft([...args, "--method", "shot", "--epochs", "2"], options);
    expect(code).toBe(1);
    expect(err).toContain("answers otherwise than its weights do in the network that --backbone names");
  });

  it("without a backbone learns a small CNN on both domains, calibrated on the source alone", async () => {
    const args = ["adapt", "--source", "shop", "--target", "home", "--method", "dan", "--size", "16", "--seeds", "1"];
    const { code, err } = await graft([...args, "--epochs", "4", "--out", "cnn"], options);
    expect(code, err).toBe(0);
    expect(err).toMatch(/calibration: temperature .*, fitted on 18 held-out source images/);
    const { trials, oracle } = json("cnn/account.json");
    expect(trials.map(({ method }: Entry) => method)).toEqual(["source-only", "dan"]);
    expect(oracle.mean).toBeGreaterThan(0.3);
    const served = await graft(["evaluate", "cnn", "--data", "home", "--out", "cnn.json"], options);
    expect(served.code, served.err).toBe(0);
    expect(json("cnn.json").accuracy).toBeCloseTo(trials[1].accuracy.mean, 6);
    expect((await graft(["verify", "cnn"], options)).code).toBe(0);
    const feature = await graft(["adapt", "--source", "shop", "--target", "home", "--method", "coral"], options);
    expect(feature.code).toBe(2);
    expect(feature.err).toContain("--method coral works on the features of a pretrained network");
  });

  it("lets classes that the target lacks count less", async () => {
    mkdirSync(join(cwd, "two"));
    for (const name of ["green", "blue"]) cpSync(join(cwd, "home", name), join(cwd, "two", name), { recursive: true });
    const { err } = await run("two-run", "--target", "two", "--method", "class-weights", "--seeds", "1");
    expect(err).toContain('classes of the source that have no folder in "two": "red"');
    expect(err).toMatch(/partial: what the classes of the source count.*: blue .*, green .*, red /);
    expect(json("two-run/account.json").trials.map(({ method }: Entry) => method)).toEqual([
      "source-only",
      "class-weights",
    ]);
  });

  it("refuses domains without a class in common", async () => {
    cpSync(join(cwd, "home/red"), join(cwd, "other/purple"), { recursive: true });
    const { code, err } = await command("--target", "other");
    expect(code).toBe(1);
    expect(err).toContain('"other" has the classes "purple" and the source "blue", "green", "red": none is the same');
  });

  it("shot goes on from a run where the source's photos cannot be had", async () => {
    const trained = [
      "train",
      "shop",
      "--backbone",
      "tiny.onnx",
      "--strategy",
      "feature-extraction",
      "--out",
      "shop-run",
    ];
    expect((await graft(trained, options)).code).toBe(0);
    const args = ["adapt", "--source", "shop-run", "--target", "home", "--backbone", "tiny.onnx"];
    const shot = await graft([...args, "--method", "shot", "--epochs", "5", "--out", "shot"], options);
    expect(shot.code, shot.err).toBe(0);
    expect(shot.err).toContain("nats over the run as it was");
    const served = await graft(["evaluate", "shot", "--data", "home", "--out", "shot.json"], options);
    expect(served.code, served.err).toBe(0);
    expect(json("shot.json").accuracy).toBeCloseTo(json("shot/metrics.json").target.accuracy, 6);
    const other = await graft([...args, "--method", "coral"], options);
    expect(other.code).toBe(2);
    expect(other.err).toContain('"shop-run" is a trained model, which only --method shot adapts without its images');
  });

  it("keeps source-only where there is nothing to adapt to, and warns of it", async () => {
    const { err } = await run("same", "--target", "shop", "--seeds", "1", ...(isLong ? ["--epochs", "2"] : cheap));
    const tried = new Set(json("same/account.json").trials.map(({ method }: Entry) => method));
    expect(tried.has("deep-coral") && tried.has("pseudo-labels")).toBe(isLong);
    expect(err).toContain("all target images are source images too: there is nothing to adapt to");
    const { chosen, gain, standardError } = json("same/account.json");
    expect(gain).toBeLessThanOrEqual(Math.max(standardError, 0.01));
    expect(chosen.method).toBe("source-only");
    expect(err).toContain("source-only is kept: no method is measurably better");
  });

  it("names target classes that the source does not know, and leaves them out of the table where they are not asked for", async () => {
    cpSync(join(cwd, "home"), join(cwd, "more"), { recursive: true });
    await writePhotos(join(cwd, "more"), { grey: [120, 120, 120] }, 5);
    const { out, err } = await run("more-run", "--target", "more", "--method", "coral", "--target-classes", "all");
    expect(err).toContain('classes of "more" that the source does not know: "grey"');
    expect(out).toContain("(60 images)");
  });

  it("takes a target of one class, and names those of the source that it lacks", async () => {
    cpSync(join(cwd, "home/red"), join(cwd, "only/red"), { recursive: true });
    const { err } = await run("only-run", "--target", "only", "--method", "coral");
    expect(err).toContain('classes of the source that have no folder in "only": "blue", "green"');
  });

  it("refuses an empty target, and one image", async () => {
    mkdirSync(join(cwd, "empty"));
    const none = await command("--target", "empty");
    expect(none.code).toBe(1);
    expect(none.err).toContain('"empty" holds no files');
    mkdirSync(join(cwd, "single"));
    cpSync(join(cwd, "home/red/0.png"), join(cwd, "single/0.png"));
    const one = await command("--target", "single");
    expect(one.code).toBe(1);
    expect(one.err).toContain('--target: "single" has one usable image; expected two or more');
  });

  it("names the image whose features are not finite", async () => {
    writeFileSync(join(cwd, "broken.onnx"), tinyClassifier(6, 1e38));
    const args = ["adapt", "--source", "shop", "--target", "home", "--backbone", "broken.onnx"];
    const { code, err } = await graft(args, options);
    expect(code).toBe(1);
    expect(err).toMatch(/a feature of "blue\/\d+\.png" is (Infinity|NaN); expected finite numbers/);
  });

  it.each([/source: validation/, /seed 0: coral/])(
    "stops at Ctrl-C without leaving a run behind, at %s",
    async (pattern) => {
      const { code } = await graft(
        ["adapt", "--source", "shop", "--target", "home", "--backbone", "tiny.onnx", "--out", "cut"],
        { ...options, killAt: { pattern, signal: "SIGINT" } },
      );
      expect(code).toBe(130);
      expect(existsSync(join(cwd, "cut"))).toBe(false);
    },
  );

  it("goes on after Ctrl-C in what is learned by steps, and ends at the same bytes", async () => {
    const asked = ["--target", "home", "--method", "dann", "--epochs", "14", "--seeds", "2"];
    await run("whole", ...asked);
    const cut = await graft(["adapt", "--source", "shop", "--backbone", "tiny.onnx", "--out", "stopped", ...asked], {
      ...options,
      killAt: { pattern: /seed 0: dann[\s\S]*epoch 3\/14/, signal: "SIGINT" },
    });
    expect(cut.code).toBe(130);
    expect(cut.err).toContain("Continue with: graft adapt --resume");
    expect(existsSync(join(cwd, "stopped/model.onnx"))).toBe(false);
    const resumed = await graft(["adapt", "--resume", "stopped"], options);
    expect(resumed.code, resumed.err).toBe(0);
    // The first seed is done and is not learned again.
    expect(resumed.err).not.toMatch(/epoch 1\/14/);
    expect(model("stopped").equals(model("whole"))).toBe(true);
    const other = await graft(["adapt", "--resume", "stopped", "--epochs", "3"], options);
    expect(other.code).toBe(2);
    expect(other.err).toContain("--resume continues a run with the settings it began with");
  });

  it("draws both domains before and after, and the epochs of what was learned by steps", async () => {
    await run("drawn", "--target", "flat", "--method", "dann", "--epochs", "2", "--seeds", "1");
    const titles = ["before, by domain", "before, by class", "after: dann, by domain", "after: dann, by class"];
    for (const [file, told] of [
      ["domains.svg", "two principal directions"],
      ["domains-umap.svg", "UMAP, which keeps neighbours"],
    ] as const) {
      const picture = readFileSync(join(cwd, "drawn", file), "utf8");
      for (const words of [...titles, told]) expect(picture).toContain(words);
      const marks = [...picture.matchAll(/mark-symbol role-mark[^>]*>(.*?)<\/g>/gs)].map(([, inner]) => inner ?? "");
      // 72 source images that are not held out and 60 of the target, in each of four panels.
      expect(marks.join("").match(/<path/g)).toHaveLength(4 * (72 + 60));
    }
    const curves = readFileSync(join(cwd, "drawn/domains-epochs.svg"), "utf8");
    expect(curves).toContain("telling the domains apart");
    expect(curves.match(/mark-line role-mark[^>]*><path d="M[\d.]+,[\d.]+L[\d.]+,[\d.]+"/g)).toHaveLength(4);
    expect(readFileSync(join(cwd, "drawn/predictions.csv"), "utf8")).toMatch(/^image,split,label,answer,p\(/);
    expect(json("drawn/account.json").trials[0].accuracy).toBe(undefined);
    expect(json("drawn/cost.json")).toMatchObject({ isResumed: false });
    const reported = await graft(["report", "drawn"], options);
    expect(reported.code, reported.err).toBe(0);
    const page = readFileSync(join(cwd, "drawn/report.html"), "utf8");
    expect(page).toMatch(/from the start to the saved model<\/th><td>\d/);
    expect(page).toMatch(/memory of the process at most<\/th><td>\d+\.\d MB/);
  });

  it("says that photos which are all alike leave nothing to adapt by, and keeps source-only", async () => {
    await writePhotos(join(cwd, "alike-source"), { red: [150, 105, 105], green: [105, 150, 105] }, 10);
    mkdirSync(join(cwd, "alike"));
    for (let i = 0; i < 4; i++) cpSync(join(cwd, "home/red/0.png"), join(cwd, `alike/${i}.png`));
    const args = [
      "adapt",
      "--source",
      "alike-source",
      "--target",
      "alike",
      "--backbone",
      "tiny.onnx",
      "--out",
      "alike-run",
    ];
    const { code, err } = await graft([...args, "--seeds", "1", "--epochs", "2"], options);
    expect(code, err).toBe(0);
    expect(err).toMatch(/left out: sa, dimensions \d+: all images of the target domain have the same features/);
  });
});
