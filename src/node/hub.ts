import { copyFile, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { GraftError, messageOf } from "../base/errors.ts";
import type { FetchOptions, RemoteFile } from "../platform/platform.ts";
import { download, type Expected } from "./download.ts";
import { endpointOf, repositoryFolder, tokenOf } from "./hubSettings.ts";
import { fetchOnce, type Patience, QuietTimer, withPatience } from "./patientFetch.ts";

export type HubFile = Extract<RemoteFile, { readonly kind: "hub" }>;
type Client = typeof import("@huggingface/hub");

const isCommit = /^[0-9a-f]{40}$/;

/**
 * The path of a hub's file in the hub's own cache, `models--owner--name/snapshots/COMMIT/FILE`, which Python's tools share. A file put by
 * hand below the revision's own name counts, too.
 */
export async function cachedHubFile(file: HubFile): Promise<string | undefined> {
  const folder = await repositoryFolder(file.repository);
  const stored = await readFile(join(folder, "refs", file.revision), "utf8").catch(() => "");
  const commits = isCommit.test(stored.trim()) ? [stored.trim()] : [];
  for (const revision of [...commits, file.revision]) {
    const path = join(folder, "snapshots", revision, file.file);
    if (await isFile(path)) return path;
  }
  return undefined;
}

/** Where a person can put a file that cannot be downloaded. */
export async function placeByHand(file: HubFile): Promise<string> {
  return join(await repositoryFolder(file.repository), "snapshots", file.revision, file.file);
}

/** Brings a file from the hub: the client finds its commit, size and hash; the content comes from the address that they name. */
export async function fetchHubFile(file: HubFile, patience: Patience, options: FetchOptions): Promise<string> {
  const endpoint = endpointOf();
  const { commit, expected, etag } = await lookUp(file, endpoint, patience, options.signal);
  if (file.sha256 !== undefined && file.sha256 !== expected.hash.hex) {
    throw new GraftError(
      "input",
      `${named(file)} has the hash ${expected.hash.hex} on the hub, expected ${file.sha256}: another file stands there now.`,
    );
  }
  const folder = await repositoryFolder(file.repository);
  const blob = join(folder, "blobs", etag);
  if (!(await isFile(blob))) {
    const token = await tokenOf();
    const url = `${endpoint}/${file.repository}/resolve/${commit}/${file.file.split("/").map(encodeURIComponent).join("/")}`;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    await download({ url, headers, target: blob, expected }, patience, options);
  }
  const path = join(folder, "snapshots", commit, file.file);
  await link(blob, path);
  if (file.revision !== commit) await writeReference(join(folder, "refs", file.revision), commit);
  return path;
}

interface Found {
  readonly commit: string;
  readonly expected: Expected;
  /** Its name among the blobs. */
  readonly etag: string;
}

async function lookUp(
  file: HubFile,
  endpoint: string,
  patience: Patience,
  signal: AbortSignal | undefined,
): Promise<Found> {
  const client = await import("@huggingface/hub");
  const token = await tokenOf();
  const where = {
    hubUrl: endpoint,
    fetch: patientFetch(file, patience, signal),
    ...(token === undefined ? {} : { accessToken: token }),
  };
  try {
    const commit = isCommit.test(file.revision) ? file.revision : await commitOf(file, client, where);
    const [info] = await client.pathsInfo({ ...where, repo: file.repository, paths: [file.file], revision: commit });
    if (info === undefined || info.type !== "file") {
      throw new GraftError("input", `${named(file)} is not on the hub: the repository has no such file.`);
    }
    const etag = info.lfs?.oid ?? info.oid ?? "";
    const kind = info.lfs === undefined ? "git" : "sha256";
    const size = info.lfs?.size ?? info.size;
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(etag) || !Number.isSafeInteger(size))
      throw new Error(`it gives the hash "${etag}" and the size ${size}`);
    return { commit, etag, expected: { hash: { kind, hex: etag }, size } };
  } catch (thrown) {
    throw explained(thrown, file, endpoint, client);
  }
}

interface Where {
  readonly hubUrl: string;
  readonly fetch: typeof fetch;
  readonly accessToken?: string;
}

async function commitOf({ repository, revision }: HubFile, client: Client, where: Where): Promise<string> {
  const { sha } = await client.modelInfo({ ...where, name: repository, revision, additionalFields: ["sha"] });
  if (isCommit.test(sha)) return sha;
  throw new Error(`it gives the commit "${sha}"`);
}

/** `fetch` for the client: tries again what may pass, and gives up a quiet server. */
function patientFetch(file: HubFile, patience: Patience, signal: AbortSignal | undefined): typeof fetch {
  return (input, init) =>
    withPatience(`looking up ${named(file)}`, patience, signal, async () => {
      const url = input instanceof Request ? input.url : String(input);
      const quiet = new QuietTimer(url, patience.quietMs, signal);
      try {
        const response = await fetchOnce(url, init ?? {}, quiet);
        const body = await response.arrayBuffer().catch((thrown: unknown) => {
          throw quiet.fault(thrown);
        });
        return new Response(body, response);
      } finally {
        quiet.close();
      }
    });
}

/** The client's errors in terms of what a person can do. */
function explained(thrown: unknown, file: HubFile, endpoint: string, client: Client): GraftError {
  if (thrown instanceof GraftError) return thrown;
  const status = thrown instanceof client.HubApiError ? thrown.statusCode : 0;
  if (status === 401 || status === 403) {
    const token = "set HF_TOKEN to a token that may read it (and accept the licence on its page, if it has one)";
    return new GraftError(
      "network",
      `"${endpoint}" does not show ${named(file)} (${status}): check the name, or ${token}.`,
    );
  }
  if (status === 404) {
    const message = `"${endpoint}" has no repository "${file.repository}" with the revision "${file.revision}" (404).`;
    return new GraftError("input", message);
  }
  return new GraftError("network", `"${endpoint}" did not answer as a hub for ${named(file)}: ${messageOf(thrown)}.`, {
    cause: thrown,
  });
}

function named({ repository, file }: HubFile): string {
  return `"${repository}/${file}"`;
}

/** Links a snapshot's file to its blob, or copies it where the system allows no links. */
async function link(blob: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (await isFile(path)) return;
  await symlink(relative(dirname(path), blob), path).catch(() => copyFile(blob, path));
}

async function writeReference(path: string, commit: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, commit);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
