import { createHash, type Hash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { GraftError } from "../base/errors.ts";
import type { FetchOptions } from "../platform/platform.ts";
import { failure, isMissing } from "./fileError.ts";
import { fetchOnce, PassingFault, type Patience, QuietTimer, withPatience } from "./patientFetch.ts";

export interface DownloadRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Path of the file to write; its folder is made. */
  readonly target: string;
  readonly expected: Expected;
}

/** What the whole file must be. `git` is the hash by which Git knows a file's content. */
export interface Expected {
  readonly hash: { readonly kind: "sha256" | "git"; readonly hex: string };
  readonly size?: number;
}

/**
 * Downloads a file: on from what an earlier attempt left in `target.incomplete`, hashed while it streams, under its name only when whole.
 *
 * @throws `network` when the server cannot be reached, refuses or keeps failing; `input` when what came is not what was expected
 */
export async function download(request: DownloadRequest, patience: Patience, options: FetchOptions): Promise<void> {
  const { target, url, expected } = request;
  const part = `${target}.incomplete`;
  try {
    await mkdir(dirname(target), { recursive: true });
    const receiveAll = () =>
      withPatience(`downloading "${target}"`, patience, options.signal, () =>
        receive(request, part, patience, options),
      );
    for (let attempt = 1; ; attempt++) {
      const found = await receiveAll();
      const isRight = found.digest === expected.hash.hex;
      if (isRight && (await takeName(part, target, attempt === attempts))) return;
      if (isRight) continue;
      if (!found.isResumed || attempt === attempts) throw await wrongContent(url, part, found.digest, expected);
      // What was there before may have been of another version.
      await rm(part, { force: true });
    }
  } catch (thrown) {
    throw failure("downloading", target, thrown);
  }
}

const attempts = 3;

interface Received {
  readonly digest: string;
  /** Whether it began with what an earlier attempt left. */
  readonly isResumed: boolean;
}

/** One attempt: asks for what is missing and appends it. */
async function receive(
  { url, headers, expected }: DownloadRequest,
  part: string,
  { quietMs }: Patience,
  { signal, progress }: FetchOptions,
): Promise<Received> {
  const present = await presentBytes(part, expected.size);
  const hash = await hashOf(part, present, expected);
  if (present > 0 && present === expected.size) return { digest: hash.digest("hex"), isResumed: true };
  const quiet = new QuietTimer(url, quietMs, signal);
  try {
    const range = present > 0 ? { range: `bytes=${present}-` } : {};
    const response = await fetchOnce(url, { headers: { "accept-encoding": "identity", ...headers, ...range } }, quiet);
    if (response.status === 416) {
      await response.body?.cancel();
      await rm(part, { force: true });
      throw new PassingFault(`"${url}" has fewer bytes than an earlier attempt received`);
    }
    if (!response.ok) throw await refusal(response, url);
    const isRest = response.status === 206 && contentStart(response) === present;
    if (response.status === 206 && !isRest) {
      await response.body?.cancel();
      throw new PassingFault(`"${url}" sent another part of the file than it was asked for`);
    }
    const start = isRest ? present : 0;
    const total = expected.size ?? totalOf(response, start);
    const whole = isRest ? hash : newHash(expected, total);
    const end = await append(response, part, start, { quiet, hash: whole, limit: total, progress });
    if (total !== undefined && end < total) throw new PassingFault(`"${url}" broke off after ${end} of ${total} bytes`);
    return { digest: whole.digest("hex"), isResumed: isRest };
  } finally {
    quiet.close();
  }
}

interface Sink {
  readonly quiet: QuietTimer;
  readonly hash: Hash;
  readonly limit: number | undefined;
  readonly progress: FetchOptions["progress"];
}

/** Writes the body behind the first `start` bytes, and returns the length of the file. */
async function append(response: Response, part: string, start: number, sink: Sink): Promise<number> {
  // Another process may write the same bytes to the same places: nothing is cut off before the end.
  const file = await open(part, constants.O_RDWR | constants.O_CREAT);
  let end = start;
  try {
    for await (const chunk of chunksOf(response, sink.quiet)) {
      if (sink.limit !== undefined && end + chunk.length > sink.limit) throw tooLong(response.url, sink.limit);
      await file.write(chunk, 0, chunk.length, end);
      sink.hash.update(chunk);
      end += chunk.length;
      sink.progress?.(end, sink.limit);
    }
    if (end === sink.limit || sink.limit === undefined) await file.truncate(end);
    await file.sync();
  } finally {
    await file.close();
  }
  return end;
}

/**
 * Of several processes that bring the same file, one finds that another was first, or that another took the part for one of an older
 * version and threw it away: false then, unless it was the last attempt.
 */
async function takeName(part: string, target: string, isLast: boolean): Promise<boolean> {
  try {
    await rename(part, target);
  } catch (thrown) {
    const isThere = (await stat(target).catch(() => undefined))?.isFile() === true;
    if (!isMissing(thrown) || (isLast && !isThere)) throw thrown;
    return isThere;
  }
  return true;
}

async function* chunksOf(response: Response, quiet: QuietTimer): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((thrown: unknown) => {
        throw quiet.fault(thrown);
      });
      if (done) return;
      quiet.heard();
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** How much an earlier attempt left; none when it is more than the whole. */
async function presentBytes(part: string, size: number | undefined): Promise<number> {
  const present = await stat(part).then(
    (found) => found.size,
    () => 0,
  );
  return size !== undefined && present > size ? 0 : present;
}

async function hashOf(part: string, length: number, expected: Expected): Promise<Hash> {
  const hash = newHash(expected, expected.size);
  if (length === 0) return hash;
  for await (const chunk of createReadStream(part, { end: length - 1 })) hash.update(chunk);
  return hash;
}

/** Git hashes the length before the content, so it must be known. */
function newHash({ hash }: Expected, size: number | undefined): Hash {
  return hash.kind === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${size ?? 0}\0`);
}

function contentStart(response: Response): number | undefined {
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}

/** The whole length, where the server tells it; a body that is compressed on its way has another. */
function totalOf(response: Response, start: number): number | undefined {
  const length = response.headers.get("content-length");
  return length === null || response.headers.has("content-encoding") ? undefined : start + Number(length);
}

async function refusal(response: Response, url: string): Promise<GraftError> {
  await response.body?.cancel();
  return new GraftError("network", `"${url}" answered ${response.status} ${response.statusText}.`);
}

function tooLong(url: string, limit: number): GraftError {
  return new GraftError("input", `"${url}" sends more than the ${limit} bytes that were expected.`);
}

/** What was received cannot be cured by receiving the rest: it is removed. */
async function wrongContent(url: string, part: string, found: string, { hash }: Expected): Promise<GraftError> {
  await rm(part, { force: true });
  return new GraftError(
    "input",
    `"${url}" gave a file with the hash ${found}, expected ${hash.hex}; it was removed. ` +
      "Try again, and if it happens again, the source has changed or something on the way alters it.",
  );
}
