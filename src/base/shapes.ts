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
  const [x, y] = [factored(a), factored(b)];
  return multiple(x.name === "" || y.name === "" ? x.name + y.name : `${x.name}*${y.name}`, x.factor * y.factor);
}

/** floor(a / b). */
export function divideDims(a: Dim, b: number): Dim {
  const { name, factor } = factored(a);
  if (name === "") return Math.floor(factor / b);
  return factor % b === 0 ? multiple(name, factor / b) : named(`(${a}/${b})`);
}

/** total / rest where rest is known to divide it, also where both hold the same unknown lengths. */
export function remainingDim(total: Dim, rest: Dim): Dim {
  if (typeof rest === "number") return divideDims(total, rest);
  const [whole, part] = [factored(total), factored(rest)];
  const name = withoutFactor(whole.name, part.name);
  if (name === undefined || whole.factor % part.factor !== 0) return named(`(${total}/${rest})`);
  return multiple(name, whole.factor / part.factor);
}

/** A length as a name times a number, which stands last: "N*48". */
function factored(dim: Dim): { readonly name: string; readonly factor: number } {
  if (typeof dim === "number") return { name: "", factor: dim };
  const [, name, factor] = /^(.+)\*(\d+)$/.exec(dim) ?? [];
  return name === undefined ? { name: dim, factor: 1 } : { name, factor: Number(factor) };
}

function multiple(name: string, factor: number): Dim {
  if (name === "" || factor === 0) return factor;
  return named(factor === 1 ? name : `${name}*${factor}`);
}

function withoutFactor(whole: string, part: string): string | undefined {
  if (whole === part) return "";
  if (whole.startsWith(`${part}*`)) return whole.slice(part.length + 1);
  return whole.endsWith(`*${part}`) ? whole.slice(0, -part.length - 1) : undefined;
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
