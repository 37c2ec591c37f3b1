import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { backbone } from "../src/backbones/backbone.ts";
import { encodeSafetensors } from "../src/base/safetensors.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const train = ["train", "photos", "--backbone", "auto", "--size", "32", "--strategy", "feature-extraction"];
const published = {
  mobilenetv1_100: "mobilenetv1_100.ra4_e3600_r224_in1k",
  efficientnet_lite0: "efficientnet_lite0.ra_in1k",
};

/** Weights that nobody trained, where the hub's client keeps what it brought. */
function cacheWeights(architecture: string, name: string): void {
  const { weights } = backbone(architecture, { includeTop: true });
  const tensors = new Map([...weights].map(([path, value]) => [path.split("/").slice(1).join("."), value]));
  const folder = join(cwd, "hub", `models--timm--${name}`, "snapshots", "main");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat(encodeSafetensors({ tensors, metadata: {} })));
}

beforeAll(async () => {
  for (const [architecture, name] of Object.entries(published)) cacheWeights(architecture, name);
  await writePhotos(join(cwd, "photos"), { red: [140, 115, 115], green: [115, 140, 115] }, 12);
});

beforeEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  vi.stubEnv("HF_HOME", join(cwd, "home"));
});

describe("graft train --backbone auto", () => {
  it("takes the cached network whose features fit best, and remembers which", async () => {
    vi.stubEnv("HF_HUB_CACHE", join(cwd, "hub"));
    const { code, out, err } = await graft([...train, "--out", "chosen"], options);
    expect(code, err).toBe(0);
    const [, chosen = ""] = /backbone: (\S+), whose features fit best of 2 in the cache/.exec(err) ?? [];
    expect(Object.values(published)).toContain(chosen);
    const ranked = out.split("\n").findIndex((line) => line.startsWith(chosen));
    expect(out.split("\n")[ranked - 1]).toMatch(/^backbone +features/);
    expect(JSON.parse(readFileSync(join(cwd, "chosen", "config.json"), "utf8")).train.backbone).toBe(chosen);
  });

  it("says how to bring weights when there are none", async () => {
    vi.stubEnv("HF_HUB_CACHE", join(cwd, "nothing"));
    const { code, err } = await graft(train, options);
    expect(code).toBe(2);
    expect(err).toContain("graft backbones pull resnet18");
  });

  it("takes no --weights beside it", async () => {
    const { code, err } = await graft([...train, "--weights", "a.safetensors"], options);
    expect(code).toBe(2);
    expect(err).toContain("leave --weights out");
  });
});
