import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stagedClassifier } from "../src/backbones/classifier.fixture.ts";
import { denseModel } from "../src/explain/denseModel.fixture.ts";
import { createCodec } from "../src/node/codec.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const photos = ["photos/red/0.png", "photos/green/0.png"];
const explain = (...args: readonly string[]) => graft(["explain", ...args], options);
const eventsOf = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  writeFileSync(join(cwd, "staged.onnx"), stagedClassifier());
  const colours = { red: [140, 115, 115], green: [115, 140, 115] } as const;
  await writePhotos(join(cwd, "photos"), colours, 24, 24);
  const { code, err } = await graft(
    ["train", "photos", "--backbone", "staged.onnx", "--strategy", "feature-extraction", "--out", "run"],
    options,
  );
  expect(code, err).toBe(0);
});

describe("graft explain", () => {
  it.each(["gradcam", "gradcam++", "eigencam", "integrated-gradients", "smoothgrad", "occlusion"])(
    "writes a picture of each photo: --method %s",
    async (method) => {
      const { code, out, err } = await explain("run", ...photos, "--method", method, "--class", "red", "--out", method);
      expect(code, err).toBe(0);
      expect(out).toMatch(/^photos\/red\/0\.png: red \d+\.\d % → .*0-.*-red\.png$/m);
      // Two photos of one name: neither picture takes the other's place.
      expect(readdirSync(join(cwd, method)).sort()).toEqual([`0-${method}-red-2.png`, `0-${method}-red.png`]);
      const picture = await createCodec().decode(readFileSync(join(cwd, method, `0-${method}-red.png`)), 1e6);
      expect([picture.width, picture.height]).toEqual([56, 24]);
    },
  );

  it("explains what the model answers, and tests the maps with --check", async () => {
    const { code, out, err } = await explain("run", ...photos, "--check", "--json");
    expect(code, err).toBe(0);
    const events = eventsOf(out);
    const found = events.filter(({ type }) => type === "explanation");
    expect(found).toHaveLength(2);
    for (const { probability, check } of found) {
      expect(probability).toBeGreaterThanOrEqual(0.5);
      // Log-odds: what the model itself says of the photo is their measure.
      for (const figure of [check.map, check.random].flatMap(({ deletion, insertion }) => [deletion, insertion]))
        expect(Math.abs(figure)).toBeLessThan(20);
      expect(check.random).not.toEqual(check.map);
      expect(Math.abs(check.randomHeadCorrelation)).toBeLessThanOrEqual(1);
    }
    expect(events.some(({ text }) => /of 2 maps beat random ones in both/.test(text))).toBe(true);
  });

  it("gives the same bytes again", async () => {
    for (const out of ["first", "second"])
      await explain("run", photos[0] ?? "", "--method", "smoothgrad", "--out", out);
    const [name = ""] = readdirSync(join(cwd, "first"));
    expect(readFileSync(join(cwd, "first", name)).equals(readFileSync(join(cwd, "second", name)))).toBe(true);
  });

  it("looks into the layer that --layer names, and lists layers for a name that is none", async () => {
    const refused = await explain("run", photos[0] ?? "", "--layer", "nowhere-at-all");
    expect(refused.code).toBe(2);
    const listed = /no layer "nowhere-at-all"\. The last of its \d+ layers: "([^"]+)"/.exec(refused.err);
    const name = listed?.[1] ?? "none listed";
    const near = await explain("run", photos[0] ?? "", "--layer", `${name}x`);
    expect(near.err).toContain(`Did you mean "${name}"?`);
    const { code, err } = await explain("run", photos[0] ?? "", "--layer", name);
    expect(code, err).toBe(0);
    expect(err).toContain(`looking into the layer "${name}"`);
  });

  it.each([
    ["a run that is none", ["nowhere", "photos/red/0.png"], /"nowhere" does not exist/],
    [
      "a class that is none",
      ["run", "photos/red/0.png", "--class", "rde"],
      /knows no class "rde".*Did you mean "red"\?/,
    ],
    [
      "a layer for a method of pixels",
      ["run", "photos/red/0.png", "--layer", "x", "--method", "occlusion"],
      /a layer is for gradcam/,
    ],
  ])("refuses %s", async (_, args, message) => {
    const { code, err } = await explain(...args);
    expect(code).not.toBe(0);
    expect(err).toMatch(message);
  });

  it("names images that cannot be read, explains the others and fails", async () => {
    writeFileSync(join(cwd, "text.jpg"), "no image");
    const { code, out, err } = await explain("run", "text.jpg", "missing.jpg", ...photos, "--out", "some");
    expect(code).toBe(1);
    expect(err).toMatch(/"text\.jpg": /);
    expect(err).toContain('"missing.jpg": does not exist');
    expect(err).toContain("2 of 4 images could not be read");
    expect(out.trim().split("\n")).toHaveLength(2);
  });
});

describe("graft explain of a model without a convolution", () => {
  it("says which methods still apply, and they do", async () => {
    mkdirSync(join(cwd, "dense"), { recursive: true });
    writeFileSync(join(cwd, "dense", "model.onnx"), denseModel(["red", "green"]));
    const { code, err } = await explain("dense", photos[0] ?? "");
    expect(code).toBe(1);
    expect(err).toMatch(/no feature maps of a convolution.*integrated-gradients, smoothgrad and occlusion/);
    for (const method of ["integrated-gradients", "smoothgrad", "occlusion"]) {
      const ran = await explain("dense", photos[0] ?? "", "--method", method, "--out", "of-dense");
      expect(ran.code, ran.err).toBe(0);
      expect(existsSync(join(cwd, "of-dense"))).toBe(true);
    }
  });
});
