import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { isLong } from "./long.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const json = (path: string) => JSON.parse(readFileSync(join(cwd, path), "utf8"));
const run = async (...args: readonly string[]) => {
  const outcome = await graft(args, options);
  expect(outcome.code, outcome.err).toBe(0);
  return outcome;
};
const adapt = (...more: readonly string[]) => ["adapt", "--source", "shop", "--backbone", "tiny.onnx", ...more];
const osbp = ["--method", "osbp", "--epochs", "20", "--batch-size", "16"];

interface Spread {
  readonly mean: number;
}
interface Entry {
  readonly method: string;
  readonly isChosen: boolean;
  readonly open: {
    readonly called: Spread;
    readonly known?: Spread;
    readonly unknown?: Spread;
    readonly harmonic?: Spread;
  };
}

beforeAll(async () => {
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
  await writePhotos(join(cwd, "shop"), { red: [150, 105, 105], green: [105, 150, 105], blue: [105, 105, 150] }, 30);
  // A little warmer, and with white things, which no shop has.
  const street = {
    red: [158, 106, 101],
    green: [113, 151, 101],
    blue: [113, 106, 146],
    white: [215, 215, 215],
  } as const;
  await writePhotos(join(cwd, "street"), street, 20);
  mkdirSync(join(cwd, "known"));
  for (const name of ["red", "green", "blue"])
    cpSync(join(cwd, "street", name), join(cwd, "known", name), { recursive: true });
  cpSync(join(cwd, "street", "white"), join(cwd, "white", "white"), { recursive: true });
});

describe("graft adapt to a target with classes of its own", () => {
  it("osbp finds most of their images, and predict, evaluate, report and verify work on its run", async () => {
    const { out, err } = await run(...adapt("--target", "street", ...osbp, "--seeds", "2", "--out", "osbp"));
    expect(err).toContain('classes of "street" that the source does not know: "white". Their images are looked for');
    expect(err).toContain("chosen: osbp, as it was asked for");
    expect(out).toContain("unknown found %");
    expect(out).toContain("H-score");
    const { trials, targetClasses, choices, gain } = json("osbp/account.json");
    const [sourceOnly, own]: Entry[] = trials;
    expect([sourceOnly?.method, own?.method, own?.isChosen]).toEqual(["source-only", "osbp", true]);
    expect(own?.open.unknown?.mean).toBeGreaterThan(0.8);
    expect(own?.open.known?.mean).toBeGreaterThan(0.8);
    expect(targetClasses).toBe("more");
    expect([choices, gain]).toEqual([[], undefined]);
    expect(readFileSync(join(cwd, "osbp/labels.txt"), "utf8")).toBe("blue\ngreen\nred\nunknown\n");

    const white = await run("predict", "osbp", join("street", "white", "3.png"));
    expect(white.out).toMatch(/unknown \d/);
    const judged = await run("evaluate", "osbp", "--data", "street", "--out", "osbp.json");
    expect(judged.err).toContain('classes that "osbp" does not know count as "unknown": "white"');
    expect(json("osbp.json").accuracy).toBeCloseTo(json("osbp/metrics.json").target.accuracy, 6);
    await run("verify", "osbp");
    await run("report", "osbp");
    const page = readFileSync(join(cwd, "osbp/report.html"), "utf8");
    expect(page).toContain('<th scope="row">osbp</th>');
    expect(page).toContain("the unknown ones among them");
  });

  it("works end to end without a backbone", async () => {
    const scratch = ["adapt", "--source", "shop", "--target", "street", "--size", "16", "--seeds", "1", "--out", "cnn"];
    await run(...scratch, "--method", "osbp", "--epochs", "12", "--batch-size", "16");
    const [, own]: Entry[] = json("cnn/account.json").trials;
    expect(own?.open.unknown?.mean).toBeGreaterThan(0.8);
    await run("verify", "cnn");
  });

  it("auto tries it and keeps source-only, as no validator without labels can compare them", async () => {
    const { err } = await run(...adapt("--target", "street", "--seeds", "1", "--out", "auto"));
    expect(err).toContain(
      "source-only is kept, which knows the source's classes alone; ask for the other with --method osbp",
    );
    const entries: Entry[] = json("auto/account.json").trials;
    expect(entries.map(({ method, isChosen }) => [method, isChosen])).toEqual([
      ["source-only", true],
      ["osbp", false],
    ]);
    // White photos are left out of the figures of a run that has no answer for them.
    expect(json("auto/metrics.json").target.count ?? 60).toBe(60);
    expect(readFileSync(join(cwd, "auto/labels.txt"), "utf8")).toBe("blue\ngreen\nred\n");
  });

  it.runIf(isLong)("takes a target without other classes, of nothing else, and without labels", async () => {
    const short = ["--method", "osbp", "--epochs", "1", "--seeds", "1"];
    await run(...adapt("--target", "known", ...short, "--out", "none"));
    const [, ofKnown]: Entry[] = json("none/account.json").trials;
    expect(ofKnown?.open.known?.mean).toBeGreaterThanOrEqual(0);
    expect(ofKnown?.open).not.toHaveProperty("unknown");
    const refused = await graft(adapt("--target", "white", ...short), options);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("or say with --target-classes more that these are other classes");
    const more = ["--target-classes", "more"];
    await run(...adapt("--target", "white", ...short, ...more, "--out", "only"));
    const [, ofWhite]: Entry[] = json("only/account.json").trials;
    expect(ofWhite?.open).not.toHaveProperty("known");
    expect(ofWhite?.open.unknown?.mean).toBe(ofWhite?.open.called.mean);
    const { out } = await run(...adapt("--target", "white/white", ...short, "--out", "flat"));
    expect(out).toContain("called unknown %");
    expect(out).not.toContain("H-score");
  });

  it("finds another name where the source has a class called unknown", async () => {
    cpSync(join(cwd, "shop"), join(cwd, "clash"), { recursive: true });
    renameSync(join(cwd, "clash", "red"), join(cwd, "clash", "unknown"));
    const args = ["adapt", "--source", "clash", "--target", "street", "--backbone", "tiny.onnx", "--seeds", "1"];
    await run(...args, "--method", "osbp", "--epochs", "1", "--out", "clash-run");
    expect(readFileSync(join(cwd, "clash-run/labels.txt"), "utf8")).toBe("blue\ngreen\nunknown\nunknown 2\n");
    const judged = await run("evaluate", "clash-run", "--data", "street");
    expect(judged.err).toContain('count as "unknown 2": "red", "white"');
  });

  it("warns of methods that bring all images together, and refuses what contradicts itself", async () => {
    const { err } = await run(...adapt("--target", "street", "--method", "coral", "--seeds", "1", "--out", "coral"));
    expect(err).toContain("--method coral brings all target images together with the source's classes");
    const all = await run(
      ...adapt("--target", "street", "--method", "coral", "--target-classes", "all", "--seeds", "1", "--out", "all"),
    );
    expect(all.err).toContain("are left out of the final table");
    expect(all.out).toContain("(60 images)");
    const both = await graft(adapt("--target", "street", "--method", "osbp", "--target-classes", "some"), options);
    expect(both.code).toBe(2);
    expect(both.err).toContain("--target-classes some says that there are none");
  });
});
