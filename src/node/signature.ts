import type { InferenceSession } from "onnxruntime-common";
import { type DType, dtypeBytes } from "../base/dtypes.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import { showShape } from "../base/shapes.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Feeds } from "../platform/platform.ts";

/** The declared type of one input or output, as the runtime tells it. */
export type Declared = InferenceSession.ValueMetadata;

/** Checks that `feeds` has every declared input, no other, each of its type and shape. Throws `shape`. */
export function checkFeeds(declared: readonly Declared[], feeds: Feeds): void {
  checkNames("input", declared, feeds);
  for (const input of declared) {
    const tensor = feeds[input.name];
    if (tensor === undefined) throw missing(input, declared);
    checkTensor("input", input, tensor);
  }
}

/** Checks that the tensors of `into` can take the outputs they are named after. Throws `shape`. */
export function checkInto(declared: readonly Declared[], into: Feeds): void {
  checkNames("output", declared, into);
  for (const output of declared) {
    const tensor = into[output.name];
    if (tensor === undefined) continue;
    checkTensor("output", output, tensor);
    checkAligned(output.name, tensor);
  }
}

/** Checks that a tensor to write into lies where its type can be written. Throws `shape`. */
export function checkAligned(name: string, tensor: Tensor): void {
  if (tensor.data.buffer !== tensor.bytes.buffer) throw misaligned(name, tensor);
}

export function isDType(type: string): type is DType {
  return Object.hasOwn(dtypeBytes, type);
}

type Role = "input" | "output";

function checkNames(role: Role, declared: readonly Declared[], tensors: Feeds): void {
  const known = new Set(declared.map((value) => value.name));
  for (const name of Object.keys(tensors)) {
    if (known.has(name)) continue;
    const near = didYouMean(name, known);
    throw new GraftError("shape", `the model has no ${role} "${name}"; it has ${quoted([...known])}.${near}`);
  }
}

function checkTensor(role: Role, declared: Declared, tensor: Tensor): void {
  if (!declared.isTensor) {
    throw new GraftError("model", `${role} "${declared.name}" is not a tensor; Graft runs models of tensors only.`);
  }
  const { type, shape } = declared;
  if (type === tensor.dtype && fits(shape, tensor.shape)) return;
  throw new GraftError(
    "shape",
    `${role} "${declared.name}": expected ${type} ${showShape(shape)}, got ${tensor.dtype} ${showShape(tensor.shape)}.`,
  );
}

/** Whether every fixed length agrees. An empty declaration is a scalar or an unknown rank: the runtime does not say which. */
function fits(declared: readonly (number | string)[], shape: readonly number[]): boolean {
  if (declared.length === 0) return true;
  return (
    declared.length === shape.length && declared.every((dim, axis) => typeof dim === "string" || dim === shape[axis])
  );
}

function missing(input: Declared, declared: readonly Declared[]): GraftError {
  const expected = input.isTensor ? `${input.type} ${showShape(input.shape)}` : "a value";
  return new GraftError(
    "shape",
    `input "${input.name}" is missing: expected ${expected}. The model takes ${quoted(declared.map((value) => value.name))}.`,
  );
}

function misaligned(name: string, tensor: Tensor): GraftError {
  return new GraftError(
    "shape",
    `output "${name}" cannot be written in place: its memory starts at byte ${tensor.bytes.byteOffset}, not a multiple of ` +
      `the ${dtypeBytes[tensor.dtype]} bytes of ${tensor.dtype}. Give it an aligned array.`,
  );
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
