import { widenBfloat16 } from "../base/bfloat16.ts";
import { dtypeBytes } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { type PickleWorld, unpickle } from "./pickle.ts";
import { isDense, makeDense, swapBytes } from "./strides.ts";
import { type Storage, type StorageDType, storageOf, TensorRecord, torchGlobals } from "./torchGlobals.ts";
import { readZip } from "./zip.ts";

/** `torch.save` before 1.6 opens with this number, pickled: 0x1950a86a20f9469cfc6c. */
const legacyMagic = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/** Keys below which training scripts keep the state dict. */
const wrappers = ["state_dict", "model", "model_state", "model_state_dict", "net"];
/** How often the size of the file may be copied into dense or wider tensors: above, views multiply the same numbers. */
const copiesLimit = 8;

export function isLegacyTorch(bytes: Uint8Array): boolean {
  return bytes[0] === 0x80 && legacyMagic.every((byte, i) => bytes[2 + i] === byte);
}

/** Whether members of these names are what `torch.save` writes. */
export function isTorchMember(name: string): boolean {
  return /^([^/]+\/)?(data\.pkl|byteorder|data\/[^/]+)$/.test(name);
}

/**
 * The state dict in a file of `torch.save` from PyTorch 1.6 on, a zip archive: `data.pkl` and one member for each storage. Nothing in it
 * is executed. Tensors without gaps are views of their storages. Throws `input`.
 */
export function readTorchZip(bytes: Uint8Array, fileName: string): ReadonlyMap<string, Tensor> {
  const members = readZip(bytes, fileName, isTorchMember);
  const main = [...members.keys()].find((name) => name.endsWith("data.pkl"));
  const pickle = members.get(main ?? "");
  const fail = failureIn(fileName);
  if (main === undefined || pickle === undefined) throw fail('no member "data.pkl"');
  const folder = main.slice(0, -"data.pkl".length);
  const { value } = unpickle(pickle, 0, fileName, worldOf(fail));
  const order = new TextDecoder().decode(members.get(`${folder}byteorder`)).trim();
  const bytesOf = ({ key }: Storage) => members.get(`${folder}data/${key}`);
  return new StateDictReader({ bytesOf, isBigEndian: order === "big", limit: copiesLimit * bytes.length, fail }).read(
    value,
  );
}

/** The same for a file of older versions: five pickles, then the storages, each behind its length. Throws `input`. */
export function readLegacyTorch(bytes: Uint8Array, fileName: string): ReadonlyMap<string, Tensor> {
  const fail = failureIn(fileName);
  const world = worldOf(fail);
  let offset = 0;
  const next = () => {
    const { value, end } = unpickle(bytes, offset, fileName, world);
    offset = end;
    return value;
  };
  next(); // The magic number.
  if (next() !== 1001) throw fail("a version that is not 1001");
  const system = next();
  if (system instanceof Map && system.get("little_endian") === false) throw fail("it comes from a big-endian machine");
  const content = next();
  const keys = next();
  const starts = new Map<unknown, number>();
  const widths = new Map(world.storages.map(({ key, dtype }) => [key, widthOf(dtype)]));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of Array.isArray(keys) ? keys : []) {
    if (offset + 8 > bytes.length) throw fail("it ends before its storages");
    starts.set(key, offset + 8);
    offset += 8 + Number(view.getBigUint64(offset, true)) * (widths.get(key) ?? 0);
  }
  const bytesOf = ({ key, dtype, length }: Storage) => {
    const start = starts.get(key);
    return start === undefined ? undefined : bytes.subarray(start, start + length * widthOf(dtype));
  };
  return new StateDictReader({ bytesOf, isBigEndian: false, limit: copiesLimit * bytes.length, fail }).read(content);
}

type Fail = (what: string) => GraftError;

function failureIn(fileName: string): Fail {
  return (what) => new GraftError("input", `"${fileName}" is not a whole PyTorch file: ${what}.`);
}

function worldOf(fail: Fail): PickleWorld & { readonly storages: readonly Storage[] } {
  const globals = torchGlobals(fail);
  const storages: Storage[] = [];
  return {
    storages,
    global: (name) => globals.get(name),
    persistent: (id) => {
      const storage = storageOf(id, fail);
      storages.push(storage);
      return storage;
    },
  };
}

function widthOf(dtype: StorageDType): number {
  return dtype === "bfloat16" ? 2 : dtypeBytes[dtype];
}

interface StateDictSource {
  bytesOf(storage: Storage): Uint8Array | undefined;
  readonly isBigEndian: boolean;
  /** Bytes that may be copied in all. */
  readonly limit: number;
  readonly fail: Fail;
}

class StateDictReader {
  readonly #source: StateDictSource;
  #copied = 0;

  constructor(source: StateDictSource) {
    this.#source = source;
  }

  /** The tensors of the dictionary, which may lie below one of the usual keys. */
  read(content: unknown): ReadonlyMap<string, Tensor> {
    const dictionary = unwrapped(content);
    const tensors = new Map<string, Tensor>();
    for (const [name, value] of dictionary ?? []) {
      if (typeof name === "string" && value instanceof TensorRecord) tensors.set(name, this.#tensor(name, value));
    }
    if (tensors.size > 0) return tensors;
    const found = dictionary === undefined ? "no dictionary" : listed([...dictionary.keys()]);
    throw this.#source.fail(`it holds ${found}, expected tensors by name, or those below ${listed(wrappers)}`);
  }

  #tensor(name: string, { storage, layout }: TensorRecord): Tensor {
    const { bytesOf, isBigEndian, fail } = this.#source;
    const width = widthOf(storage.dtype);
    const stored = bytesOf(storage);
    if (stored === undefined || stored.length < storage.length * width)
      throw fail(
        `storage "${storage.key}" of "${name}" has ${stored?.length ?? 0} bytes, expected ${storage.length * width}`,
      );
    const size = sizeOf(layout.shape);
    if (size > storage.length) throw fail(`"${name}" repeats its numbers: [${layout.shape}] over ${storage.length}`);
    const dense = isDense(layout);
    const isCopied = !dense || isBigEndian || storage.dtype === "bfloat16";
    this.#copied += isCopied ? size * width : 0;
    if (this.#copied > this.#source.limit) throw fail("its tensors are many times larger than the file");
    const from = layout.offset * width;
    const inOrder = dense ? stored.subarray(from, from + size * width) : makeDense(stored, width, layout);
    const little = isBigEndian ? swapBytes(inOrder, width) : inOrder;
    if (storage.dtype === "bfloat16") return new Tensor("float32", layout.shape, widenBfloat16(little));
    return new Tensor(storage.dtype, layout.shape, little);
  }
}

/** The dictionary of tensors: this one, or below the usual keys, one of which may lie below another. */
function unwrapped(content: unknown): ReadonlyMap<unknown, unknown> | undefined {
  let dictionary = content;
  for (let depth = 0; depth < 3 && dictionary instanceof Map; depth++) {
    const inner: unknown = wrappers.map((key) => asMap(dictionary)?.get(key)).find((value) => value instanceof Map);
    if (inner === undefined) break;
    dictionary = inner;
  }
  return asMap(dictionary);
}

function asMap(value: unknown): ReadonlyMap<unknown, unknown> | undefined {
  return value instanceof Map ? value : undefined;
}

/** The first ten names. Other values than text and numbers are not written out: they may be deeper than the stack. */
function listed(names: readonly unknown[]): string {
  const shown = names.slice(0, 10).map((name) => {
    if (typeof name === "string") return JSON.stringify(name.slice(0, 80));
    return typeof name === "number" ? String(name) : typeof name;
  });
  if (shown.length === 0) return "nothing";
  return `${shown.join(", ")}${names.length > shown.length ? ", …" : ""}`;
}
