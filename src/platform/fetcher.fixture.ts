import { beforeEach, describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import type { Fetcher, RemoteFile } from "./platform.ts";

/** What a server does to one request, instead of answering it well. */
export type Fault =
  | { readonly kind: "status"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "truncate"; readonly bytes: number }
  | { readonly kind: "hang"; readonly bytes: number }
  | { readonly kind: "wrong" }
  | { readonly kind: "endless" }
  | { readonly kind: "ignoreRange" }
  | { readonly kind: "otherRange" }
  | { readonly kind: "redirect"; readonly to: string };

/** A server on this machine that fails as it is told. */
export interface FaultyServer {
  readonly url: string;
  /** Of the next requests for content, first to last; then it behaves. */
  faults: Fault[];
  /** Requests for content so far: "GET /path bytes=5-". */
  readonly contents: readonly string[];
}

export interface FetcherWorld {
  readonly server: FaultyServer;
  /** A file of at least 200,000 bytes that the server has. */
  readonly content: { readonly path: string; readonly sha256: string };
  /** A fetcher over the cache of this test, which makes three attempts. */
  makeFetcher(): Fetcher;
  /** SHA-256 of a file in the cache. */
  digest(path: string): Promise<string>;
}

/** What every fetcher does with a URL and its hash. */
export function fetcherContract(name: string, world: FetcherWorld): void {
  const { server, content } = world;
  const wanted = (): RemoteFile => ({ kind: "url", url: server.url + content.path, sha256: content.sha256 });
  const fetch = (options?: Parameters<Fetcher["fetch"]>[1]) => world.makeFetcher().fetch(wanted(), options);
  const comesWhole = async () => expect(await world.digest(await fetch())).toBe(content.sha256);
  beforeEach(() => {
    server.faults = [];
  });

  describe(`${name}, for a URL with its hash`, () => {
    it("brings the file once", async () => {
      expect(await world.makeFetcher().cached(wanted())).toBe(undefined);
      await comesWhole();
      expect(await world.makeFetcher().cached(wanted())).toBe(await fetch());
      expect(server.contents).toEqual([`GET ${content.path}`]);
    });

    it("goes on where the server broke off", async () => {
      server.faults = [
        { kind: "truncate", bytes: 100_000 },
        { kind: "truncate", bytes: 50_000 },
      ];
      await comesWhole();
      const starts = server.contents.map((text) => Number(/ bytes=(\d+)-$/.exec(text)?.[1] ?? 0));
      expect(starts).toHaveLength(3);
      expect(starts[0]).toBe(0);
      expect(starts[1]).toBeGreaterThan(0);
      expect(starts[2]).toBeGreaterThan(starts[1] ?? 0);
    });

    it("goes on where an earlier run broke off", async () => {
      server.faults = Array(3).fill({ kind: "truncate", bytes: 10_000 });
      expect((await failed(fetch())).message).toMatch(/broke off.*while downloading .* \(3 attempts\)/);
      await comesWhole();
      expect(server.contents.at(-1)).toMatch(/ bytes=[1-9]\d*-$/);
    });

    it("begins anew where the server sends the whole file instead of the rest", async () => {
      server.faults = [{ kind: "truncate", bytes: 100_000 }, { kind: "ignoreRange" }];
      await comesWhole();
    });

    it("asks again where the server sends another part than it was asked for", async () => {
      server.faults = [{ kind: "truncate", bytes: 100_000 }, { kind: "otherRange" }];
      await comesWhole();
      expect(server.contents).toHaveLength(3);
    });

    it("refuses and forgets other bytes than expected", async () => {
      server.faults = [{ kind: "wrong" }];
      const error = await failed(fetch());
      expect(error.code).toBe("input");
      expect(error.message).toMatch(
        new RegExp(`gave a file with the hash [0-9a-f]{64}, expected ${content.sha256}; it was removed`),
      );
      expect(await world.makeFetcher().cached(wanted())).toBe(undefined);
    });

    it.each([401, 403, 404, 410])("gives up at once after %d", async (status) => {
      server.faults = [{ kind: "status", status }];
      expect((await failed(fetch())).message).toMatch(new RegExp(`answered ${status} .*by hand`));
      expect(server.contents).toHaveLength(1);
    });

    it.each([429, 500, 503])("asks again after %d, not for ever", async (status) => {
      server.faults = Array(3).fill({ kind: "status", status });
      const error = await failed(fetch());
      expect(error.code).toBe("network");
      expect(error.message).toMatch(`answered ${status}`);
      expect(server.contents).toHaveLength(3);
    });

    it("gives up a server that goes quiet in the midst", async () => {
      server.faults = Array(3).fill({ kind: "hang", bytes: 1000 });
      expect((await failed(fetch())).message).toMatch(/sent nothing for [\d.]+ s/);
    });

    it("follows redirects, and gives up where they go round", async () => {
      server.faults = [{ kind: "redirect", to: server.url + content.path }];
      await comesWhole();
      const round: RemoteFile = { kind: "url", url: `${server.url}/round`, sha256: "0".repeat(64) };
      server.faults = Array(100).fill({ kind: "redirect", to: round.url });
      expect((await failed(world.makeFetcher().fetch(round))).message).toMatch(/redirect/);
    });

    it("brings the file for two at once", async () => {
      const paths = await Promise.all([fetch(), fetch()]);
      for (const path of paths) expect(await world.digest(path)).toBe(content.sha256);
    });

    it("is stopped by the user, and goes on later", async () => {
      const controller = new AbortController();
      server.faults = [{ kind: "hang", bytes: 100_000 }];
      const error = await failed(fetch({ signal: controller.signal, progress: () => controller.abort() }));
      expect(error.code).toBe("interrupted");
      await comesWhole();
      expect(server.contents.at(-1)).toMatch(/ bytes=[1-9]\d*-$/);
    });
  });
}

/** The error with which `work` fails. */
export async function failed(work: Promise<unknown>): Promise<GraftError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof GraftError) return thrown;
  throw new Error(`expected a GraftError, got ${String(thrown)}`);
}
