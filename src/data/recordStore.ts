import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";

/**
 * Records of one size on disk, found by content key. Records lie in segments, files that are written whole and never changed,
 * so any number of processes may read and write at once, and a crash loses at most what was not flushed.
 *
 * Segment: "GRAFTSEG", version, record size, count (little-endian u32 each), then for each record its 32-byte key and CRC-32,
 * then the records.
 */
export class RecordStore {
  readonly #platform: Platform;
  readonly #folder: string;
  readonly #recordBytes: number;
  readonly #places = new Map<string, Place>();
  readonly #resident = new Map<string, Promise<Uint8Array>>();
  #residentBytes = 0;
  #pending = new Map<string, Uint8Array>();

  private constructor(platform: Platform, folder: string, recordBytes: number) {
    this.#platform = platform;
    this.#folder = folder;
    this.#recordBytes = recordBytes;
  }

  /** Opens (or begins) the store in `folder`; segments that are damaged or of another size are passed over. */
  static async open(platform: Platform, folder: string, recordBytes: number): Promise<RecordStore> {
    const records = new RecordStore(platform, folder, recordBytes);
    await platform.store.makeFolder(folder);
    const names = (await platform.store.list(folder)).map(({ name }) => name).filter((name) => name.endsWith(".seg"));
    for (const name of names.sort()) await records.#index(platform.store.join(folder, name));
    return records;
  }

  has(key: string): boolean {
    return this.#places.has(key) || this.#pending.has(key);
  }

  /** Keeps a copy of `record`; full segments are written at once. `key` is 64 hexadecimal digits. */
  async put(key: string, record: Uint8Array): Promise<void> {
    if (record.length !== this.#recordBytes)
      throw new Error(`a record has ${record.length} bytes, not ${this.#recordBytes}`);
    if (this.has(key)) return;
    this.#pending.set(key, record.slice());
    if (this.#pending.size * this.#recordBytes >= segmentBytes) await this.flush();
  }

  /** Writes what is pending. */
  async flush(): Promise<void> {
    if (this.#pending.size === 0) return;
    const pending = this.#pending;
    this.#pending = new Map();
    const keys = [...pending.keys()];
    const header = this.#header(pending);
    const name = `${this.#platform.digest(header)}.seg`;
    const path = this.#platform.store.join(this.#folder, name);
    await this.#platform.store.write(path, [header, ...pending.values()]);
    keys.forEach((key, i) => {
      this.#places.set(key, {
        path,
        offset: header.length + i * this.#recordBytes,
        checksum: this.#platform.checksum(pending.get(key) ?? header),
        size: header.length + keys.length * this.#recordBytes,
        verified: false,
      });
    });
  }

  /** The record of `key`. Throws `system` when it is not there or damaged. */
  async get(key: string): Promise<Uint8Array> {
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const place = this.#places.get(key);
    if (place === undefined)
      throw new GraftError("system", `the cache "${this.#folder}" lost a record; run the command again.`);
    const record = await this.#read(place);
    if (place.verified || this.#platform.checksum(record) === place.checksum) {
      place.verified = true;
      return record;
    }
    throw new GraftError("system", `the cache file "${place.path}" is damaged. Delete it and run the command again.`);
  }

  /** From memory where the segment is, or may be kept there; else from disk. */
  async #read({ path, offset, size }: Place): Promise<Uint8Array> {
    const end = offset + this.#recordBytes;
    if (!this.#resident.has(path) && this.#residentBytes + size <= residentLimitBytes) {
      this.#residentBytes += size;
      this.#resident.set(path, this.#platform.store.read(path));
    }
    const segment = await this.#resident.get(path);
    if (segment === undefined) return this.#platform.store.readAt(path, offset, this.#recordBytes);
    return segment.subarray(offset, end);
  }

  #header(pending: ReadonlyMap<string, Uint8Array>): Uint8Array {
    const header = new Uint8Array(headBytes + pending.size * entryBytes);
    header.set(magic);
    const view = new DataView(header.buffer);
    view.setUint32(8, version, true);
    view.setUint32(12, this.#recordBytes, true);
    view.setUint32(16, pending.size, true);
    let offset = headBytes;
    for (const [key, record] of pending) {
      for (let i = 0; i < 32; i++) header[offset + i] = Number.parseInt(key.slice(2 * i, 2 * i + 2), 16);
      view.setUint32(offset + 32, this.#platform.checksum(record), true);
      offset += entryBytes;
    }
    return header;
  }

  async #index(path: string): Promise<void> {
    const { store } = this.#platform;
    const info = await store.info(path);
    if (info === undefined || info.size < headBytes) return;
    const head = await store.readAt(path, 0, headBytes);
    const view = new DataView(head.buffer, head.byteOffset, headBytes);
    const count = view.getUint32(16, true);
    const start = headBytes + count * entryBytes;
    const fits = magic.every((byte, i) => head[i] === byte) && view.getUint32(8, true) === version;
    if (!fits || view.getUint32(12, true) !== this.#recordBytes || info.size !== start + count * this.#recordBytes)
      return;
    const entries = await store.readAt(path, headBytes, count * entryBytes);
    const checksums = new DataView(entries.buffer, entries.byteOffset, entries.length);
    for (let i = 0; i < count; i++) {
      const key = Array.from(entries.subarray(i * entryBytes, i * entryBytes + 32), (byte) =>
        byte.toString(16).padStart(2, "0"),
      ).join("");
      this.#places.set(key, {
        path,
        offset: start + i * this.#recordBytes,
        checksum: checksums.getUint32(i * entryBytes + 32, true),
        size: info.size,
        verified: false,
      });
    }
  }
}

interface Place {
  readonly path: string;
  readonly offset: number;
  readonly checksum: number;
  /** Of the whole segment. */
  readonly size: number;
  /** Its checksum has been compared once. */
  verified: boolean;
}

const magic = new TextEncoder().encode("GRAFTSEG");
const version = 1;
const headBytes = 20;
const entryBytes = 36;
const segmentBytes = 32 * 1024 * 1024;
/** Small sets are read once and stay in memory; what lies beyond is read from disk each time, so that memory stays flat. */
const residentLimitBytes = 256 * 1024 * 1024;
