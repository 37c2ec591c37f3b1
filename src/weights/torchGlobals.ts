import type { DType } from "../base/dtypes.ts";
import type { PickleGlobal } from "./pickle.ts";
import { type Layout, limitRank, reach } from "./strides.ts";

/** bfloat16 is widened to float32 when its numbers are read. */
export type StorageDType = DType | "bfloat16";

/** The memory behind tensors, which lies outside the pickle and may be shared. */
export class Storage {
  readonly key: string;
  readonly dtype: StorageDType;
  /** Its length in elements. */
  readonly length: number;

  constructor(key: string, dtype: StorageDType, length: number) {
    this.key = key;
    this.dtype = dtype;
    this.length = length;
  }
}

/** A tensor as the pickle tells of it: a view into a storage whose bytes may not be read yet. */
export class TensorRecord {
  readonly storage: Storage;
  readonly layout: Layout;

  constructor(storage: Storage, layout: Layout) {
    this.storage = storage;
    this.layout = layout;
  }
}

class StorageType {
  readonly dtype: StorageDType;

  constructor(dtype: StorageDType) {
    this.dtype = dtype;
  }
}

const storageTypes = {
  FloatStorage: "float32",
  DoubleStorage: "float64",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
} as const satisfies Record<string, StorageDType>;

/** Names of `torch.dtype`s, which configurations beside weights may hold. */
const dtypeNames = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"];

/** Every global that a state dict may name, and what it means here. No other is known. */
export function torchGlobals(damaged: (what: string) => Error): ReadonlyMap<string, PickleGlobal> {
  const globals = new Map<string, PickleGlobal>();
  for (const [name, dtype] of Object.entries(storageTypes))
    globals.set(`torch.${name}`, { kind: "value", value: new StorageType(dtype) });
  for (const name of dtypeNames) globals.set(`torch.${name}`, { kind: "value", value: name });
  const define = (name: string, call: (args: readonly unknown[]) => unknown) =>
    globals.set(name, { kind: "function", call });
  define("collections.OrderedDict", orderedDictionary);
  define("torch.Size", ([sizes]) => sizes);
  define("torch.device", (args) => args);
  const rebuildTensor = ([storage, offset, shape, strides]: readonly unknown[]) => {
    if (!(storage instanceof Storage)) throw damaged("a tensor without a storage");
    if (!isLength(offset) || !areLengths(shape) || !areLengths(strides) || strides.length !== shape.length)
      throw damaged("a tensor without a valid shape");
    const layout = { shape, strides, offset };
    const end = reach(layout);
    if (end > storage.length) throw damaged(`a tensor of [${shape}] past the end of storage "${storage.key}"`);
    return new TensorRecord(storage, layout);
  };
  define("torch._utils._rebuild_tensor", rebuildTensor);
  define("torch._utils._rebuild_tensor_v2", rebuildTensor);
  define("torch._utils._rebuild_parameter", ([tensor]) => tensor);
  return globals;
}

/** The storage that a persistent id names: ("storage", type, key, device, length), and in older files the part that it is of another. */
export function storageOf(id: unknown, damaged: (what: string) => Error): Storage {
  const [kind, type, key, , length, part] = Array.isArray(id) ? id : [];
  if (kind !== "storage" || !(type instanceof StorageType) || typeof key !== "string" || !isLength(length))
    throw damaged("an object outside the pickle that is no storage");
  if (part !== undefined && part !== null)
    throw damaged("a storage that is part of another one, as before PyTorch 0.4");
  return new Storage(key, type.dtype, length);
}

function orderedDictionary([items = []]: readonly unknown[]): unknown {
  const pairs = Array.isArray(items) ? items : [];
  return new Map(pairs.map((pair): [unknown, unknown] => (Array.isArray(pair) ? [pair[0], pair[1]] : [pair, null])));
}

function isLength(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function areLengths(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= limitRank && value.every(isLength);
}
