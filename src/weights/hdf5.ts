import type { Dataset, Group } from "h5wasm";
import { arrayOf, type DType } from "../base/dtypes.ts";
import { GraftError, messageOf } from "../base/errors.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** Groups deeper than this, or more objects, are taken for a file that holds itself. */
const limits = { depth: 32, objects: 100_000 };
/** What deflate can shrink data to at best; without a filter nothing may be larger than the file. */
const largestRatio = 1032;

export function isHdf5(bytes: Uint8Array): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

/** Where the library writes down what went wrong, in its own file system. */
const reportPath = "/report.txt";

let library: ReturnType<typeof openLibrary> | undefined;
let opened = 0;

/** Four megabytes of WebAssembly: loaded when the first such file comes. */
async function openLibrary() {
  const hdf5 = await import("h5wasm");
  const { FS: files } = await hdf5.ready;
  // The C library reports on stream 2, which is the console unless another file takes its number.
  if ("streams" in files && Array.isArray(files.streams)) files.close(files.streams[2]);
  files.open(reportPath, "a+");
  return { hdf5, files };
}

export interface Hdf5File {
  /** By paths without the first "/". */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What groups say of themselves in a text attribute "name", by their paths. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Every numeric data set of an HDF5 file that lies in the file itself. Text, references and links to other
 * files are left out. Throws `input` for damage, and for data sets that claim more numbers than the file can hold.
 */
export async function readHdf5(bytes: Uint8Array, fileName: string): Promise<Hdf5File> {
  library ??= openLibrary();
  const { hdf5, files } = await library;
  const path = `weights-${opened++}.h5`;
  files.writeFile(path, bytes);
  files.writeFile(reportPath, "");
  try {
    const file = new hdf5.File(path, "r");
    try {
      const tensors = new Map<string, Tensor>();
      const names = new Map<string, string>();
      for (const [path, entity] of entitiesIn(file, hdf5)) {
        if (entity instanceof hdf5.Dataset) {
          const tensor = tensorOf(entity, path, bytes.length);
          if (tensor !== undefined) tensors.set(path, tensor);
        } else {
          const name = entity.attrs["name"]?.value;
          if (typeof name === "string") names.set(path, name);
        }
      }
      return { tensors, names };
    } finally {
      file.close();
    }
  } catch (error) {
    const why = deepest(files.readFile(reportPath, { encoding: "utf8" })) ?? messageOf(error);
    throw new GraftError("input", `"${fileName}" is not a whole HDF5 file: ${why}.`, { cause: error });
  } finally {
    files.unlink(path);
  }
}

interface Classes {
  readonly Group: typeof Group;
  readonly Dataset: typeof Dataset;
}

type Entity = readonly [path: string, entity: Group | Dataset];

function* entitiesIn(root: Group, classes: Classes): Generator<Entity> {
  let objects = 0;
  function* visit(group: Group, folder: string, depth: number): Generator<Entity> {
    if (depth > limits.depth) throw new Error(`groups lie more than ${limits.depth} deep`);
    for (const key of group.keys()) {
      if (++objects > limits.objects) throw new Error(`more than ${limits.objects} objects`);
      const entity = group.get(key);
      if (!(entity instanceof classes.Group) && !(entity instanceof classes.Dataset)) continue;
      yield [`${folder}${key}`, entity];
      if (entity instanceof classes.Group) yield* visit(entity, `${folder}${key}/`, depth + 1);
    }
  }
  yield* visit(root, "", 0);
}

/** Classes of HDF5's data types: H5T_INTEGER, H5T_FLOAT and H5T_ENUM, which holds NumPy's booleans. */
const kinds: ReadonlyMap<number, (size: number, signed: boolean) => string> = new Map([
  [0, (size, signed) => `${signed ? "int" : "uint"}${8 * size}`],
  [1, (size) => `float${8 * size}`],
  [8, (size) => (size === 1 ? "bool" : "")],
]);

function tensorOf(dataset: Dataset, name: string, fileBytes: number): Tensor | undefined {
  const { type, size, signed, shape } = dataset.metadata;
  const dtype = kinds.get(type)?.(size, signed);
  if (dtype === undefined || shape === null) return undefined;
  if (!isDType(dtype) || dtype === "float16") throw new Error(`"${name}" holds ${dtype || "an enumeration"}`);
  const largest = dataset.filters.length > 0 ? fileBytes * largestRatio : fileBytes;
  if (sizeOf(shape) * size > largest) throw new Error(`"${name}" claims the shape [${shape}]`);
  if (sizeOf(shape) === 0) return new Tensor(dtype, shape, new Uint8Array(0));
  const value: unknown = dataset.value;
  if (ArrayBuffer.isView(value)) {
    return new Tensor(dtype, shape, new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  if (typeof value === "number" || typeof value === "bigint") return scalar(dtype, value);
  throw new Error(`"${name}" cannot be read`);
}

function scalar(dtype: DType, value: number | bigint): Tensor {
  const data = new arrayOf[dtype](1);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[0] = BigInt(value);
  else data[0] = Number(value);
  return Tensor.of(dtype, [], data);
}

function isDType(name: string): name is DType {
  return Object.hasOwn(arrayOf, name);
}

/** The last line of the library's first report: where it went wrong, behind the name of the function. */
function deepest(report: string): string | undefined {
  const [, first = ""] = report.split("HDF5-DIAG");
  const line = first.split("\n").findLast((text) => /^\s*#\d+:/.test(text));
  return line?.replace(/^.*\(\): /, "").slice(0, 300);
}
