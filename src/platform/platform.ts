import type { Tensor } from "../base/tensor.ts";

/** What the outside world offers to rooms 0–8. `node/` and `web/` implement it; nothing sniffs for it. */
export interface Platform {
  readonly engine: Engine;
  /** For servers that must not block: engines on so many threads of their own, each with every program. Whoever asks closes it. */
  workerEngine(workers: number, threads?: number): WorkerEngine;
  readonly codec: Codec;
  readonly store: Store;
  readonly fetcher: Fetcher;
  /** SHA-256, as 64 hexadecimal digits. */
  digest(...parts: readonly Uint8Array[]): string;
  /** CRC-32 (ISO 3309). */
  checksum(bytes: Uint8Array): number;
  /** Inflates a whole gzip or raw deflate body; `limitBytes` guards against bombs. Throws `input`. */
  inflate(bytes: Uint8Array, format: "gzip" | "deflate-raw", limitBytes: number): Uint8Array;
  /** Milliseconds since an arbitrary start. */
  nowMs(): number;
  /** The most memory that this process has held; nothing where it is not known. */
  peakMemoryBytes(): number | undefined;
  /** How many images may be decoded at once. */
  readonly parallelism: number;
  /** Others that run ONNX models, to prove that they answer alike. */
  readonly otherRuntimes: Readonly<Record<OtherRuntimeName, StageRunner>>;
  /** All that a page needs to run a model in a browser but the model, by path. */
  pageFiles(): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Where an installed package lies, or nothing: for data sets that come as packages. */
  packageFolder(name: string): string | undefined;
  /** The folder where caches live. */
  readonly cacheDir: string;
}

/** Where graphs can run, as ONNX Runtime calls it. */
export const deviceNames = ["cpu", "cuda", "coreml", "dml", "webgpu"] as const;
export type DeviceName = (typeof deviceNames)[number];
export type DeviceWish = DeviceName | "auto";

/** Compiles ONNX models into programs. */
export interface Engine {
  /** Where programs run; chosen when it is first asked for or needed. */
  device(): Promise<DeviceName>;
  compile(model: Uint8Array, options?: CompileOptions): Promise<Program>;
}

/** An engine that computes on other threads than the one that calls. */
export interface WorkerEngine extends Engine {
  /** Ends the threads; what still runs fails with `system`. */
  close(): Promise<void>;
}

export interface CompileOptions {
  /** Threads inside one operator. Default: one per processor that this process may use. */
  readonly threads?: number;
  /** Give memory back after each run: for programs whose input sizes vary widely. */
  readonly releaseMemory?: boolean;
  /** What the model keeps outside, by location; copied before `compile` resolves. */
  readonly externalData?: ReadonlyMap<string, Uint8Array>;
}

export type Feeds = Readonly<Record<string, Tensor>>;

/** A compiled model. Whoever compiles it disposes of it. */
export interface Program {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs once. An output named in `into` is written into that tensor's memory and must have its exact shape. */
  run(feeds: Feeds, into?: Feeds): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

/** 8-bit pixels, rows first, `channels` values a pixel. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** Decodes and encodes image files. */
export interface Codec {
  /**
   * RGB pixels of an encoded image: EXIF orientation applied, gray repeated, CMYK converted, alpha over white, 16 bits reduced to 8,
   * the first frame of an animation. Throws `input` when the bytes are not a whole image or have over `limitPixels` pixels
   * (checked from the header, before decoding).
   */
  decode(bytes: Uint8Array, limitPixels: number): Promise<Pixels>;
  encodePng(pixels: Pixels): Promise<Uint8Array>;
  /** For looking at only: a tenth of the size, and levels are no longer exact. `quality` is 1 to 100. */
  encodeJpeg(pixels: Pixels, quality: number): Promise<Uint8Array>;
}

/** A served model, whole and cut where its images are prepared, as ONNX files. */
export interface ModelStages {
  /** uint8 [N, H, W, 3], any size → answers. */
  readonly whole: Uint8Array;
  /** uint8 [N, H, W, 3] → uint8 [N, side, side, 3]. */
  readonly prepare: Uint8Array;
  /** uint8 [N, side, side, 3] → answers. */
  readonly network: Uint8Array;
  readonly imageInput: string;
  readonly preparedInput: string;
}

/** A model and the images that it is to answer for. */
export interface StageRequest {
  readonly stages: ModelStages;
  readonly images: readonly {
    /** Of the file. */
    readonly bytes: Uint8Array;
    /** uint8 [1, H, W, 3]: what the file should decode to. */
    readonly decoded: Tensor;
    /** uint8 [1, side, side, 3]: what that should be prepared to. */
    readonly prepared: Tensor;
  }[];
}

/** What a runtime makes of one image, each stage on what the one before it should have given. */
export interface StageOutputs {
  readonly decoded: Tensor;
  readonly prepared: Tensor;
  /** By the names of the model's outputs. */
  readonly answers: ReadonlyMap<string, Tensor>;
  /** From the file's bytes to the answers, all by itself. */
  readonly served: ReadonlyMap<string, Tensor>;
}

export const otherRuntimeNames = ["wasm", "web", "python"] as const;
/** `wasm` is onnxruntime-web here, `web` the same in a browser with the browser's decoder, `python` Pillow and onnxruntime. */
export type OtherRuntimeName = (typeof otherRuntimeNames)[number];

/** Throws `system` where the runtime is missing, saying what to install. */
export type StageRunner = (request: StageRequest, signal: AbortSignal) => Promise<readonly StageOutputs[]>;

export interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder" | "other";
}

export interface FileInfo {
  readonly kind: "file" | "folder" | "other";
  readonly size: number;
  readonly modifiedMs: number;
}

/** Files and folders by path. Errors are `GraftError`s that name the path. */
export interface Store {
  /** Joins path segments; a segment that is absolute replaces what stands before it. */
  join(...segments: readonly string[]): string;
  baseName(path: string): string;
  absolute(path: string): string;
  /** The absolute path with every link followed. */
  realPath(path: string): Promise<string>;
  info(path: string): Promise<FileInfo | undefined>;
  list(folder: string): Promise<readonly Entry[]>;
  read(path: string): Promise<Uint8Array>;
  /** Bytes [offset, offset + length) of a file. */
  readAt(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** The file in chunks, in order: for archives larger than memory. */
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Writes a whole file so that a reader sees the old or the new bytes, also after a crash: write, sync, rename. */
  write(path: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void>;
  makeFolder(path: string): Promise<void>;
  /** Creates a folder that must not exist yet, and those above it; false when it does exist. */
  claimFolder(path: string): Promise<boolean>;
  /** Removes a file or a folder with all in it; missing is fine. */
  remove(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
}

/** A file that lies elsewhere and is brought once. */
export type RemoteFile =
  | {
      readonly kind: "hub";
      /** `owner/name` on the Hugging Face hub. */
      readonly repository: string;
      /** A commit, a branch or a tag. */
      readonly revision: string;
      readonly file: string;
      /** Where known beforehand; else what the hub says of the file is checked. */
      readonly sha256?: string;
    }
  | { readonly kind: "url"; readonly url: string; readonly sha256: string };

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes that have arrived, and how many there will be, where known. */
  readonly progress?: ((done: number, total: number | undefined) => void) | undefined;
}

/** Brings files from elsewhere into a cache of this machine. */
export interface Fetcher {
  /** The path of the file in the cache, or nothing when it is not there. Asks no other machine. */
  cached(file: RemoteFile): Promise<string | undefined>;
  /**
   * The path of the file in the cache, brought there if need be: whole and with the expected hash, or not at all.
   *
   * @throws `network` when it cannot be had, saying where to put it by hand; `input` when it is not what was expected
   */
  fetch(file: RemoteFile, options?: FetchOptions): Promise<string>;
}
