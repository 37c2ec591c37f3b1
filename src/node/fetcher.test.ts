import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { failed, fetcherContract } from "../platform/fetcher.fixture.ts";
import type { Fetcher, RemoteFile } from "../platform/platform.ts";
import { createFetcher } from "./fetcher.ts";
import { commit, HubServer, sha256 } from "./hubServer.fixture.ts";

const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251);
const config = new TextEncoder().encode('{"architecture": "tiny"}');
const server = new HubServer(
  new Map([
    ["model.safetensors", weights],
    ["config.json", config],
  ]),
);
const elsewhere = new HubServer(server.files);
const onHub: RemoteFile = { kind: "hub", repository: "owner/model", revision: "main", file: "model.safetensors" };
const patience = { attempts: 3, waitMs: 1, quietMs: 700 };

let folder = "";
let fetcher: Fetcher;

beforeAll(() => Promise.all([server.start(), elsewhere.start()]));
afterAll(() => Promise.all([server.stop(), elsewhere.stop()]));
beforeEach(() => {
  vi.unstubAllEnvs();
  folder = mkdtempSync(join(tmpdir(), "graft-fetch-"));
  for (const name of ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "HUGGINGFACE_HUB_CACHE"])
    vi.stubEnv(name, undefined);
  vi.stubEnv("HF_HOME", join(folder, "home"));
  vi.stubEnv("HF_HUB_CACHE", join(folder, "hub"));
  vi.stubEnv("HF_ENDPOINT", `${server.url}/`);
  fetcher = createFetcher(join(folder, "cache"), patience);
  for (const each of [server, elsewhere]) {
    each.arrivals.length = 0;
    each.faults = [];
    each.lookUpFaults = [];
  }
});

const atUrl = (): RemoteFile => ({
  kind: "url",
  url: `${server.url}/files/model.safetensors`,
  sha256: sha256(weights),
});
/** Hundreds of thousands of bytes are compared by their hash: `toEqual` takes seconds. */
const hashOf = (path: string) => sha256(readFileSync(path));
const inHub = (...parts: string[]) => join(folder, "hub", "models--owner--model", ...parts);

describe("a file on the hub", () => {
  it("comes into the hub's own cache, under its commit, and is not asked for again", async () => {
    expect(await fetcher.cached(onHub)).toBe(undefined);
    const path = await fetcher.fetch(onHub);
    expect(path).toBe(inHub("snapshots", commit, "model.safetensors"));
    expect(hashOf(path)).toBe(sha256(weights));
    expect(hashOf(inHub("blobs", sha256(weights)))).toBe(sha256(weights));
    expect(readFileSync(inHub("refs", "main"), "utf8")).toBe(commit);
    expect(await fetcher.cached(onHub)).toBe(path);
    const before = server.arrivals.length;
    expect(await fetcher.fetch(onHub)).toBe(path);
    expect(await fetcher.fetch({ ...onHub, revision: commit })).toBe(path);
    expect(server.arrivals.length).toBe(before);
  });

  it("is checked by Git's hash where it is small, and pinned by its commit", async () => {
    const path = await fetcher.fetch({ ...onHub, revision: commit, file: "config.json" });
    expect(hashOf(path)).toBe(sha256(config));
    expect(existsSync(inHub("refs"))).toBe(false);
  });

  it("tells how far it is", async () => {
    const seen: [number, number | undefined][] = [];
    await fetcher.fetch(onHub, { progress: (done, total) => seen.push([done, total]) });
    expect(seen.at(-1)).toEqual([weights.length, weights.length]);
  });

  it("is asked for with the token, which no other server sees", async () => {
    vi.stubEnv("HF_TOKEN", "hf_secret");
    server.faults = [
      { kind: "redirect", to: `${elsewhere.url.replace("127.0.0.1", "localhost")}/cdn/model.safetensors` },
    ];
    await fetcher.fetch(onHub);
    expect(server.arrivals.map(({ authorization }) => authorization)).toEqual(Array(3).fill("Bearer hf_secret"));
    expect(elsewhere.arrivals).toEqual([{ text: "GET /cdn/model.safetensors", authorization: undefined }]);
  });

  it("takes the token that a login wrote, and refuses what is none", async () => {
    mkdirSync(join(folder, "home"));
    writeFileSync(join(folder, "home", "token"), "hf_stored\n");
    await fetcher.fetch(onHub);
    expect(server.arrivals[0]?.authorization).toBe("Bearer hf_stored");
    vi.stubEnv("HF_TOKEN", "secret");
    const { message } = await failed(fetcher.fetch({ ...onHub, file: "config.json" }));
    expect(message).toContain('does not begin with "hf_"');
    expect(message).not.toContain("secret");
  });

  it.each([
    [{ repository: "owner/none" }, /no repository "owner\/none" with the revision "main" \(404\)/],
    [{ revision: "v9" }, /with the revision "v9"/],
    [{ file: "none.safetensors" }, /"owner\/model\/none.safetensors" is not on the hub/],
    [{ sha256: "0".repeat(64) }, /has the hash .* on the hub, expected 000/],
  ])("that is not there, %j, is named", async (change, message) => {
    expect((await failed(fetcher.fetch({ ...onHub, ...change }))).message).toMatch(message);
  });

  it.each([
    [[401], /does not show "owner\/model\/model.safetensors" \(401\).*HF_TOKEN/],
    [[403], /\(403\).*accept the licence/],
    [[500, 502, 503], /answered 503 .* while looking up .* \(3 attempts\)/],
    [[429, 429, 429], /answered 429/],
  ])("that the hub refuses with %j is explained", async (statuses, message) => {
    server.lookUpFaults = statuses.map((status) => ({ kind: "status", status }));
    const error = await failed(fetcher.fetch(onHub));
    expect(error.message).toMatch(message);
    expect(error.code).toBe("network");
  });

  it("comes all the same when the hub fails, is busy or is quiet for a moment", async () => {
    server.lookUpFaults = [
      { kind: "status", status: 500 },
      { kind: "hang", bytes: 0 },
    ];
    server.faults = [
      { kind: "status", status: 429, headers: { "retry-after": "0" } },
      { kind: "hang", bytes: 1000 },
    ];
    expect(hashOf(await fetcher.fetch(onHub))).toBe(sha256(weights));
  });

  it.each([
    { repository: "../../x", file: "a" },
    { repository: "owner/model", file: "../../a" },
    { repository: "owner/..", file: "a" },
    { repository: "owner/model", file: "/a" },
  ])("whose name leads out of the cache, %j, is refused", async (change) => {
    expect((await failed(fetcher.fetch({ ...onHub, ...change }))).code).toBe("usage");
    expect(server.arrivals).toEqual([]);
  });
});

describe("without a network", () => {
  it("says which file it wanted and where to put it by hand, and finds it there", async () => {
    const gone = new HubServer(new Map());
    await gone.start();
    const nobody = gone.url;
    await gone.stop();
    vi.stubEnv("HF_ENDPOINT", nobody);
    const error = await failed(fetcher.fetch(onHub));
    expect(error.code).toBe("network");
    expect(error.message).toContain(
      `"${nobody}/api/models/owner/model/revision/main" cannot be reached (connect ECONNREFUSED`,
    );
    const place = inHub("snapshots", "main", "model.safetensors");
    expect(error.message).toContain(
      `To have "owner/model/model.safetensors" without the network, put it there by hand: "${place}"`,
    );
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, weights);
    expect(await fetcher.fetch(onHub)).toBe(place);
  });

  it("asks nobody where HF_HUB_OFFLINE is set, but gives what is there", async () => {
    const path = await fetcher.fetch({ ...onHub, file: "config.json" });
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    server.arrivals.length = 0;
    expect((await failed(fetcher.fetch(onHub))).message).toMatch(/not in the cache, and HF_HUB_OFFLINE is set/);
    expect(await fetcher.fetch({ ...onHub, file: "config.json" })).toBe(path);
    expect(server.arrivals).toEqual([]);
  });
});

describe("a file of this machine's cache", () => {
  it("lies alone below its hash", async () => {
    const path = await fetcher.fetch(atUrl());
    expect(path).toBe(join(folder, "cache", "downloads", sha256(weights), "model.safetensors"));
    expect(readdirSync(dirname(path))).toEqual(["model.safetensors"]);
    server.faults = [{ kind: "wrong" }];
    const other = { ...atUrl(), sha256: sha256(config) };
    await failed(fetcher.fetch(other));
    expect(readdirSync(join(folder, "cache", "downloads", sha256(config)))).toEqual([]);
  });

  it.each([100, weights.length, weights.length + 5])(
    "begins anew after %d other bytes that an earlier run left",
    async (length) => {
      const folderOf = join(folder, "cache", "downloads", sha256(weights));
      mkdirSync(folderOf, { recursive: true });
      writeFileSync(join(folderOf, "model.safetensors.incomplete"), new Uint8Array(length).fill(9));
      expect(hashOf(await fetcher.fetch(atUrl()))).toBe(sha256(weights));
      expect(server.contents).toHaveLength(2);
    },
  );

  it("is not more than the hub said", async () => {
    server.faults = [{ kind: "endless" }];
    expect((await failed(fetcher.fetch(onHub))).message).toMatch(/sends more than the 300000 bytes/);
  });
});

fetcherContract("the fetcher of Node.js", {
  server,
  content: { sha256: sha256(weights), path: "/files/model.safetensors" },
  makeFetcher: () => createFetcher(join(folder, "cache"), patience),
  digest: async (path) => hashOf(path),
});
