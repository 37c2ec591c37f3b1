import { stat } from "node:fs/promises";
import { join } from "node:path";
import { GraftError } from "../base/errors.ts";
import type { Fetcher, FetchOptions, RemoteFile } from "../platform/platform.ts";
import { download } from "./download.ts";
import { cachedHubFile, fetchHubFile, placeByHand } from "./hub.ts";
import { isOffline } from "./hubSettings.ts";
import { type Patience, usualPatience } from "./patientFetch.ts";

/** Brings files over HTTP: the hub's into the hub's own cache, others into `cacheDir`/downloads, by their hash. */
export function createFetcher(cacheDir: string, patience: Patience = usualPatience): Fetcher {
  const placeOf = ({ url, sha256 }: { readonly url: string; readonly sha256: string }) =>
    join(cacheDir, "downloads", sha256, lastSegment(url));

  const cached = async (file: RemoteFile): Promise<string | undefined> => {
    checkName(file);
    if (file.kind === "hub") return cachedHubFile(file);
    const path = placeOf(file);
    return stat(path).then(
      () => path,
      () => undefined,
    );
  };

  const bring = async (file: RemoteFile, options: FetchOptions): Promise<string> => {
    if (isOffline()) throw new GraftError("network", `${named(file)} is not in the cache, and HF_HUB_OFFLINE is set.`);
    if (file.kind === "hub") return fetchHubFile(file, patience, options);
    const target = placeOf(file);
    const expected = { hash: { kind: "sha256" as const, hex: file.sha256 } };
    await download({ url: file.url, target, expected }, patience, options);
    return target;
  };

  const fetch = async (file: RemoteFile, options: FetchOptions = {}): Promise<string> => {
    const found = await cached(file);
    if (found !== undefined) return found;
    try {
      return await bring(file, options);
    } catch (thrown) {
      if (!(thrown instanceof GraftError) || thrown.code !== "network") throw thrown;
      const place = file.kind === "hub" ? await placeByHand(file) : placeOf(file);
      throw new GraftError(
        "network",
        `${thrown.message} To have ${named(file)} without the network, put it there by hand: "${place}".`,
        {
          cause: thrown,
        },
      );
    }
  };
  return { cached, fetch };
}

/** Names become paths: they must not lead out of the cache. */
function checkName(file: RemoteFile): void {
  const parts = file.kind === "hub" ? [file.repository, file.revision, file.file] : [file.sha256];
  const leadsOut = parts
    .flatMap((part) => part.split(/[\\/]/))
    .some((part) => part === "" || part === "." || part === "..");
  const isNamed = file.kind === "hub" ? /^[\w.-]+\/[\w.-]+$/.test(file.repository) : /^[0-9a-f]{64}$/.test(file.sha256);
  if (leadsOut || !isNamed) {
    throw new GraftError(
      "usage",
      `${named(file)}: expected owner/name and a file on the hub, or a URL with its SHA-256.`,
    );
  }
}

function named(file: RemoteFile): string {
  return file.kind === "hub" ? `"${file.repository}/${file.file}"` : `"${file.url}"`;
}

/** A name for the file, for people; the hash tells it from others. */
function lastSegment(url: string): string {
  const name = new URL(url).pathname.split("/").at(-1) ?? "";
  return name.replace(/[^\w.-]/g, "_").replace(/^\.*$/, "file");
}
