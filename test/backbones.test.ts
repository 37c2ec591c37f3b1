import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { cards } from "../src/backbones/cards.ts";
import { HubServer, sha256 } from "../src/node/hubServer.fixture.ts";
import { graft, type Outcome } from "./graft.fixture.ts";
import { temporaryFolder } from "./photos.fixture.ts";

const weights = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 251);
const server = new HubServer(new Map([["model.safetensors", weights]]), "timm/resnet18.tv_in1k");
const cwd = temporaryFolder();
const run = (...args: readonly string[]): Promise<Outcome> =>
  graft(["backbones", ...args], { cwd, cache: join(cwd, "cache") });

beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => {
  vi.unstubAllEnvs();
  for (const name of ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE"]) vi.stubEnv(name, undefined);
  vi.stubEnv("HF_HOME", join(cwd, "home"));
  vi.stubEnv("HF_HUB_CACHE", join(cwd, "hub"));
  vi.stubEnv("HF_ENDPOINT", server.url);
});

describe("graft backbones", () => {
  it("lists every card, without a network", async () => {
    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:1");
    const { code, out } = await run();
    expect(code).toBe(0);
    for (const { name } of cards) expect(out).toContain(name);
    expect(out).toMatch(/resnet18.tv_in1k +69.8 +~47 MB +BSD-3-Clause +no$/m);
    expect(out).toMatch(/mobilenetv2_100.tf_in1k .* by file/);
  });

  it("says what is missing, where to put it and what is here when there is no network", async () => {
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    const { code, err } = await run("pull", "resnet18.tv_in1k");
    expect(code).toBe(1);
    expect(err).toContain('"timm/resnet18.tv_in1k/model.safetensors" is not in the cache');
    expect(err).toContain(join(cwd, "hub", "models--timm--resnet18.tv_in1k", "snapshots", "main", "model.safetensors"));
    expect(err).toContain("No backbone is cached yet.");
  });

  it("pulls weights once, and knows then that they are here", async () => {
    const first = await run("pull", "resnet18", "--json");
    const events = first.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.find(({ type }) => type === "progress")).toMatchObject({ phase: "download", total: weights.length });
    const { path } = events.find(({ type }) => type === "artefact");
    expect(new Uint8Array(readFileSync(path)).every((byte, i) => byte === weights[i])).toBe(true);
    const arrivals = server.arrivals.length;
    const again = await run("pull", "resnet18.tv_in1k");
    expect(again.err).toContain("resnet18.tv_in1k: was here already");
    expect(server.arrivals.length).toBe(arrivals);
    expect((await run()).out).toMatch(/resnet18.tv_in1k +69.8 +0 MB +BSD-3-Clause +yes/);
    expect((await run("pull", "resnet34.tv_in1k")).err).toMatch(/no repository "timm\/resnet34.tv_in1k"/);
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await run("pull", "resnet34.tv_in1k")).err).toContain("Cached already: resnet18.tv_in1k.");
  });

  it("pulls from any address that names its hash", async () => {
    const address = `${server.url}/files/model.safetensors#sha256=${sha256(weights)}`;
    const { code, err } = await run("pull", address);
    expect(code, err).toBe(0);
    expect(err).toContain(join("downloads", sha256(weights), "model.safetensors"));
  });

  it("refuses names that it does not know", async () => {
    const unknown = await run("pull", "resnet81.tv_in1k");
    expect(unknown.code).toBe(2);
    expect(unknown.err).toMatch(/no weights "resnet81.tv_in1k" are known\. Did you mean "resnet18.tv_in1k"\?/);
    expect((await run("pull")).code).toBe(2);
    expect((await run("fetch")).err).toMatch(/"action".*"list"\|"pull"/);
  });
});

describe("the cards", () => {
  it("have names of their own, and what a network needs to see", () => {
    expect(new Set(cards.map(({ name }) => name)).size).toBe(cards.length);
    for (const { name, file, sha256, cropFraction, side, parameters } of cards) {
      expect(name).toMatch(/^[a-z0-9_]+\.[a-z0-9_]+$/);
      expect(file !== undefined || sha256 !== undefined, name).toBe(true);
      expect(cropFraction).toBeGreaterThan(0.8);
      expect(cropFraction).toBeLessThanOrEqual(1);
      expect(side).toBeGreaterThanOrEqual(224);
      expect(parameters ?? 1).toBeGreaterThan(0);
    }
  });
});
