import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createFetcher } from "../node/fetcher.ts";
import { HubServer } from "../node/hubServer.fixture.ts";
import { createStore } from "../node/store.ts";
import { fetchWeights } from "./fetchWeights.ts";
import { openWeights } from "./openWeights.ts";
import { described, known, reference } from "./reference.fixture.ts";

const index = "model.safetensors.index.json";
const names = [index, "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
const server = new HubServer(new Map(names.map((name) => [name, reference(`sharded/${name}`)])));
const folder = mkdtempSync(join(tmpdir(), "graft-shards-"));

beforeAll(async () => {
  await server.start();
  vi.stubEnv("HF_ENDPOINT", server.url);
  vi.stubEnv("HF_HOME", folder);
  for (const name of ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"])
    vi.stubEnv(name, undefined);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.stop();
});

it("brings every file that an index of shards names, and the tensors are read from all", async () => {
  const platform = { fetcher: createFetcher(folder), store: createStore() };
  const file = { kind: "hub", repository: "owner/model", revision: "main", file: index } as const;
  const path = await fetchWeights(file, platform, {});
  const tensors = await openWeights(path, platform.store);
  expect(Object.fromEntries([...tensors].map(([name, tensor]) => [name, described(tensor)]))).toEqual(known);
  server.arrivals.length = 0;
  expect(await fetchWeights(file, platform, {})).toBe(path);
  expect(server.arrivals).toEqual([]);
});
