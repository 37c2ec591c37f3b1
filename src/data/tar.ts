import { Gunzip } from "fflate";
import { GraftError, messageOf } from "../base/errors.ts";
import type { Store } from "../platform/platform.ts";
import { readLayout } from "./folderLayout.ts";
import type { Sample, Source } from "./source.ts";

/** Members beyond this are refused: no photo is that large. */
const memberLimitBytes = 256 * 1024 * 1024;
const block = 512;

/** A tar or tar.gz archive of a class-per-folder tree, read in passes without unpacking it. */
export async function openTar(path: string, store: Store): Promise<Source> {
  const names: string[] = [];
  for await (const { name } of members(path, store)) names.push(name);
  const layout = readLayout(names, path);
  const byName = new Map(layout.samples.map((sample): [string, Sample] => [`${layout.root}${sample.id}`, sample]));
  return {
    description: `archive with ${layout.labels.length} classes`,
    ...layout,
    async *read(ids) {
      for await (const { name, bytes } of members(path, store)) {
        const sample = byName.get(name);
        if (sample !== undefined && ids.has(sample.id)) yield { sample, image: { kind: "encoded", bytes } };
      }
    },
  };
}

interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The regular files of an archive (POSIX.1-1988 ustar, with pax and GNU long names), in order. */
async function* members(path: string, store: Store): AsyncGenerator<Member> {
  const reader = new BlockReader(inflated(path, store), path);
  let longName: string | undefined;
  for (;;) {
    const header = await reader.read(block);
    if (header === undefined || header.every((byte) => byte === 0)) return;
    checkSum(header, path);
    const size = octal(header.subarray(124, 136));
    if (!(size >= 0 && size <= memberLimitBytes)) throw damaged(path, `a member claims ${size} bytes`);
    const bytes = await reader.read(size);
    await reader.read((block - (size % block)) % block);
    if (bytes === undefined) throw damaged(path, "it ends inside a member");
    const kind = String.fromCharCode(header[156] ?? 0);
    if (kind === "L") longName = text(bytes);
    else if (kind === "x") longName = paxPath(bytes) ?? longName;
    else {
      const name = (longName ?? headerName(header)).replace(/^(\.\/)+/, "");
      longName = undefined;
      if ((kind === "0" || kind === "\0") && isInside(name)) yield { name, bytes };
    }
  }
}

/** Names that leave the archive's folder are passed over. */
function isInside(name: string): boolean {
  return !name.startsWith("/") && !name.split("/").includes("..");
}

async function* inflated(path: string, store: Store): AsyncGenerator<Uint8Array> {
  const compressed = /\.(tgz|gz)$/i.test(path);
  if (!compressed) {
    yield* store.stream(path);
    return;
  }
  let ready: Uint8Array[] = [];
  const gunzip = new Gunzip((chunk) => ready.push(chunk));
  try {
    for await (const chunk of store.stream(path)) {
      gunzip.push(chunk);
      yield* ready;
      ready = [];
    }
  } catch (error) {
    if (error instanceof GraftError) throw error;
    throw damaged(path, messageOf(error));
  }
}

/** Takes exact numbers of bytes from a stream of chunks. */
class BlockReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #path: string;
  #rest = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>, path: string) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#path = path;
  }

  /** Exactly `length` bytes; nothing at the end of the stream. */
  async read(length: number): Promise<Uint8Array | undefined> {
    const result = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done) {
          if (filled === 0) return undefined;
          throw damaged(this.#path, "it ends early");
        }
        this.#rest = new Uint8Array(next.value);
      }
      const taken = this.#rest.subarray(0, length - filled);
      result.set(taken, filled);
      filled += taken.length;
      this.#rest = this.#rest.subarray(taken.length);
    }
    return result;
  }
}

function checkSum(header: Uint8Array, path: string): void {
  let sum = 0;
  header.forEach((byte, i) => {
    sum += i >= 148 && i < 156 ? 0x20 : byte;
  });
  if (sum !== octal(header.subarray(148, 156))) throw damaged(path, "a header does not match its checksum");
}

function octal(field: Uint8Array): number {
  const digits = text(field).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

function headerName(header: Uint8Array): string {
  const prefix = text(header.subarray(257, 262)) === "ustar" ? text(header.subarray(345, 500)) : "";
  const name = text(header.subarray(0, 100));
  return prefix === "" ? name : `${prefix}/${name}`;
}

function paxPath(bytes: Uint8Array): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text(bytes))?.[1];
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function damaged(path: string, what: string): GraftError {
  return new GraftError("input", `"${path}" is not a whole tar archive: ${what}. Copy or download it again.`);
}
