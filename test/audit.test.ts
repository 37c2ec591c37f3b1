import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stagedClassifier } from "../src/backbones/classifier.fixture.ts";
import type { Finding } from "../src/doctor/finding.ts";
import { createCodec } from "../src/node/codec.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const shared = `${process.cwd()}/../shared/data`;
const colours = { red: [140, 115, 115], green: [115, 140, 115] } as const;

/** Runs audit with `--out` and gives its exit code, its findings by name, and what it wrote. */
async function audit(data: string, ...args: readonly string[]) {
  const { code, out, err } = await graft(["audit", data, "--out", "audit.json", ...args], options);
  const { findings }: { readonly findings: readonly Finding[] } = JSON.parse(
    readFileSync(join(cwd, "audit.json"), "utf8"),
  );
  return { code, out, err, findings: new Map(findings.map((finding) => [finding.check, finding])) };
}

beforeAll(async () => {
  // Borders of nearly one colour: the class shows, but no shortcut does.
  await writePhotos(join(cwd, "sound"), { red: [100, 90, 90], green: [90, 100, 90] }, 20);
  await writePhotos(join(cwd, "bad"), colours, 20);
  const bad = join(cwd, "bad");
  copyFileSync(join(bad, "red/1.png"), join(bad, "green/same.png"));
  copyFileSync(join(bad, "red/2.png"), join(bad, "red/again.jpg"));
  writeFileSync(join(bad, "red/broken.png"), readFileSync(join(bad, "red/3.png")).subarray(0, 60));
  const blank = { width: 24, height: 24, channels: 3, data: new Uint8Array(24 * 24 * 3).fill(90) } as const;
  writeFileSync(join(bad, "green/blank.png"), await createCodec().encodePng(blank));
});

describe("graft audit", () => {
  it("says that nothing was found in a sound folder", async () => {
    const { code, err, findings } = await audit("sound");
    expect(code, err).toBe(0);
    expect([...findings.keys()]).toEqual([]);
    expect(err).toMatch(/^audit: nothing found$/m);
  });

  it("finds what is broken, copied, blank or named wrongly, and fails over what is serious", async () => {
    const { code, out, findings } = await audit("bad");
    expect(code).toBe(1);
    expect(out).toMatch(/^serious: conflicting-labels$/m);
    expect(findings.get("conflicting-labels")?.evidence).toEqual({ groups: [["green/same.png", "red/1.png"]] });
    expect(findings.get("copies")?.evidence).toEqual({ groups: [["red/2.png", "red/again.jpg"]] });
    expect(findings.get("wrong-extension")?.evidence).toEqual({ found: [{ id: "red/again.jpg", is: "png" }] });
    expect(findings.get("blank-images")?.evidence).toEqual({ found: [{ id: "green/blank.png" }] });
    expect(findings.get("unusable-files")?.found).toContain("red/broken.png");
  });

  it("names photos that a head which never saw them would file elsewhere", async () => {
    const strong = { red: [150, 100, 100], green: [100, 150, 100] } as const;
    await writePhotos(join(cwd, "filed"), strong, 24);
    for (const i of [3, 17]) {
      renameSync(join(cwd, `filed/red/${i}.png`), join(cwd, `filed/green/was-red-${i}.png`));
    }
    writeFileSync(join(cwd, "staged.onnx"), stagedClassifier());
    const { out, findings } = await audit("filed", "--backbone", "staged.onnx");
    const evidence = findings.get("label-errors")?.evidence;
    // Some honest photos may be doubted too; these two are the most suspect.
    const doubted = [...JSON.stringify(evidence).matchAll(/"id":"([^"]+)","label":"green","likely":"red"/g)];
    expect(
      doubted
        .slice(0, 2)
        .map(([, id]) => id)
        .sort(),
    ).toEqual(["green/was-red-17.png", "green/was-red-3.png"]);
    expect(out).toMatch(/^warning: label-errors$/m);
    expect(out).toMatch(/labels? \([\d.]+ %\) that a model which never saw the image contradicts/);
  });

  it("writes a manifest of what is sound, which train takes, and overwrites nothing", async () => {
    const { err } = await audit("bad", "--fix", "clean.csv");
    expect(err).toContain("--fix: 39 images kept; left out: 1 unusable, 2 filed under two classes, 1 a copy, 1 empty");
    const rows = readFileSync(join(cwd, "clean.csv"), "utf8").trim().split("\n");
    expect(rows[0]).toMatch(/^path,label/);
    expect(rows).toHaveLength(40);
    expect(rows.join("\n")).not.toMatch(/same\.png|red\/1\.png|broken|blank|again/);
    expect((await graft(["doctor", "clean.csv"], options)).err).toContain("manifest with 2 classes, 39 images");
    const again = await graft(["audit", "bad", "--fix", "clean.csv"], options);
    expect(again.err).toContain('"clean.csv" exists, and audit overwrites nothing');
  });

  it("tells that the size gives the class away", async () => {
    await writePhotos(join(cwd, "sizes"), { red: colours.red }, 30, 24);
    await writePhotos(join(cwd, "sizes"), { green: colours.green }, 30, 30);
    const { findings } = await audit("sizes");
    expect(findings.get("shortcut")?.found).toContain("the size in pixels alone tells the class of 100.0 %");
  });
});

const isThere = existsSync(shared);
describe.skipIf(!isThere)(`graft audit on real data${isThere ? "" : " (skipped: no ../shared/data)"}`, () => {
  const groupsOf = (finding: Finding | undefined) => finding?.evidence["groups"];

  it("finds the placeholder of hymenoptera", async () => {
    const { findings } = await audit(join(shared, "hymenoptera"));
    expect(findings.get("empty-images")?.evidence["ids"]).toContain("train/ants/imageNotFound.gif");
    expect(findings.get("rare-format")?.evidence).toEqual({
      found: [{ id: "train/ants/imageNotFound.gif", is: "gif" }],
    });
  }, 60_000);

  it("finds the six copies of flowers5, four of them under rose and tulip", async () => {
    const { findings } = await audit(join(shared, "flowers5"));
    expect(groupsOf(findings.get("conflicting-labels"))).toHaveLength(4);
    expect(groupsOf(findings.get("copies"))).toHaveLength(2);
  }, 120_000);

  it("finds the five copies of intel-scenes, two across train and test", async () => {
    const { findings } = await audit(join(shared, "intel-scenes"));
    expect(groupsOf(findings.get("conflicting-labels"))).toHaveLength(4);
    expect(groupsOf(findings.get("copies-across-parts"))).toHaveLength(2);
    expect(groupsOf(findings.get("copies"))).toHaveLength(1);
  }, 120_000);

  it("finds the tracks of traffic signs as groups of near-copies", async () => {
    const { findings } = await audit(join(shared, "gtsrb.tar.gz"));
    expect(findings.get("tracks")?.evidence).toMatchObject({ count: 888, images: 2971 });
  }, 120_000);
});
