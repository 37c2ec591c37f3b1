import { hash32 } from "./random.ts";

/** A length: known, or a named unknown such as "N" or "H". Arithmetic on unknowns gives new names, equal for equal formulas. */
export type Dim = number | string;
export type Shape = readonly Dim[];

export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((dim) => typeof dim === "number");
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (a === 0) return b;
  if (b === 0) return a;
  return named(`(${a}+${b})`);
}

export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (a === 1) return b;
  if (b === 1) return a;
  return named(`${a}*${b}`);
}

/** floor(a / b). */
export function divideDims(a: Dim, b: number): Dim {
  if (typeof a === "number") return Math.floor(a / b);
  return b === 1 ? a : named(`(${a}/${b})`);
}

/** Formulas grow with every layer; beyond a line they go by their hash, still equal for equal formulas. */
function named(formula: string): string {
  if (formula.length <= 120) return formula;
  return `length#${hash32(formula).toString(16)}${hash32(`again ${formula}`).toString(16)}`;
}

export function product(shape: Shape): Dim {
  let result: Dim = 1;
  for (const dim of shape) result = multiplyDims(result, dim);
  return result;
}

/** The shape of an elementwise result (NumPy's rule), or nothing when the shapes do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x === y || y === 1) result.push(x);
    else if (x === 1) result.push(y);
    else if (typeof x === "string") result.push(y);
    else if (typeof y === "string") result.push(x);
    else return undefined;
  }
  return result;
}

/** `axis` counted from the front: -1 is the last of `rank`. Nothing when it lies outside. */
export function resolveAxis(axis: number, rank: number): number | undefined {
  const resolved = axis < 0 ? axis + rank : axis;
  return resolved >= 0 && resolved < rank && Number.isInteger(resolved) ? resolved : undefined;
}
