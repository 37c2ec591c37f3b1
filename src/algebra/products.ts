import type { Rows } from "../base/rows.ts";
import { Tensor } from "../base/tensor.ts";
import { compileGraph } from "../graph/compile.ts";
import { constant, input, type Value } from "../graph/value.ts";
import { transpose } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import type { Program } from "../platform/platform.ts";
import { type Compute, throwIfStopped } from "./compute.ts";
import { addScaled, type Matrix, matrix } from "./matrix.ts";

/** So many numbers of the rows are on their way through the engine at once: 16 MB. */
const chunkNumbers = 2 ** 21;

/** Σ (a − shift)ᵢ·(b − shift)ᵢᵀ over rows of two sets of as many: aᵀ·b [a.width, b.width] in chunks, in double precision. */
export async function crossProduct(a: Rows, b: Rows, compute: Compute, shift?: Float64Array): Promise<Matrix> {
  const [left, right] = [doubles("left", a.width), doubles("right", b.width)];
  const outputs = { product: matmul(transpose(left, { perm: [1, 0] }), right) };
  const total = new Float64Array(a.width * b.width);
  await withProgram({ name: "cross_product", inputs: [left, right], outputs }, compute, async (program) => {
    for (const [start, end] of chunks(a.count, Math.max(a.width, b.width))) {
      throwIfStopped(compute);
      const first = rowTensor(a, start, end, shift);
      const second = a === b ? first : rowTensor(b, start, end, shift);
      addScaled(total, 1, outputOf(await program.run({ left: first, right: second }), "product"), 0);
    }
  });
  return matrix(a.width, b.width, total);
}

/** rows·weights [rows.count, weights.width]. */
export function times(rows: Rows, weights: Matrix, compute: Compute): Promise<Matrix> {
  return mapRows(rows, weights.width, (x) => matmul(x, constantMatrix(weights)), compute);
}

/** a·bᵀ [a.count, b.count]. */
export function rowProducts(a: Rows, b: Matrix, compute: Compute): Promise<Matrix> {
  return mapRows(a, b.count, (x) => matmul(x, transpose(constantMatrix(b), { perm: [1, 0] })), compute);
}

/** Lends x ↦ a·x, compiled once for an `a` that many x meet. */
export async function withProduct<T>(
  a: Matrix,
  compute: Compute,
  use: (apply: (x: Matrix) => Promise<Matrix>) => Promise<T>,
): Promise<T> {
  const x = input("x", "float64", [a.width, "K"]);
  const outputs = { y: matmul(constantMatrix(a), x) };
  return withProgram({ name: "product", inputs: [x], outputs }, compute, (program) =>
    use(async ({ values, width }) => {
      const given = { x: Tensor.of("float64", [a.width, width], values) };
      return matrix(a.count, width, outputOf(await program.run(given), "y"));
    }),
  );
}

/** What a graph makes of each row, `width` numbers a row; in chunks, in double precision. */
export async function mapRows(
  rows: Rows,
  width: number,
  write: (x: Value) => Value,
  compute: Compute,
): Promise<Matrix> {
  const x = doubles("x", rows.width);
  const result = matrix(rows.count, width);
  await withProgram({ name: "rows", inputs: [x], outputs: { y: write(x) } }, compute, async (program) => {
    for (const [start, end] of chunks(rows.count, Math.max(rows.width, width))) {
      throwIfStopped(compute);
      result.values.set(outputOf(await program.run({ x: rowTensor(rows, start, end) }), "y"), start * width);
    }
  });
  return result;
}

export function constantMatrix({ values, count, width }: Matrix): Value {
  return constant(Tensor.of("float64", [count, width], values));
}

function doubles(name: string, width: number): Value {
  return input(name, "float64", ["N", width]);
}

function* chunks(count: number, width: number): Generator<readonly [number, number]> {
  const size = Math.max(1, Math.floor(chunkNumbers / width));
  for (let start = 0; start < count; start += size) yield [start, Math.min(count, start + size)];
}

function rowTensor({ values, width }: Rows, start: number, end: number, shift?: Float64Array): Tensor {
  const part = new Float64Array((end - start) * width);
  for (let i = 0, from = start * width; i < part.length; i++, from++) part[i] = values[from];
  if (shift !== undefined) {
    for (let i = 0; i < part.length; i += width) addScaled(part.subarray(i, i + width), -1, shift, 0);
  }
  return Tensor.of("float64", [end - start, width], part);
}

async function withProgram<T>(
  emission: Parameters<typeof compileGraph>[0],
  { engine }: Compute,
  use: (program: Program) => Promise<T>,
): Promise<T> {
  const program = await compileGraph(emission, engine);
  try {
    return await use(program);
  } finally {
    await program.dispose();
  }
}

function outputOf(results: Record<string, Tensor>, name: string): Float64Array {
  const data = results[name]?.data;
  if (data instanceof Float64Array) return data;
  throw new Error(`the program returned no "${name}" in double precision`);
}
