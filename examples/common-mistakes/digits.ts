import { stream } from "../../src/base/random.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { type Digits, loadDigits } from "../../src/tasks/digits.ts";

/** Digits as arrays, one part to learn from and one to measure on. */
export interface Arrays {
  /** Levels 0–255, 28×28 a digit. */
  readonly x: Uint8Array;
  readonly y: Int32Array;
}

/** 1,500 digits to train on and 500 others, shuffled; `sorted` are the first in the order of their classes. */
export async function someDigits(): Promise<{
  readonly train: Arrays;
  readonly test: Arrays;
  readonly sorted: Arrays;
}> {
  const digits = await loadDigits(nodePlatform());
  const train = drawn(digits.train, 1500);
  const inOrder = [...train].sort((a, b) => (digits.labels[a] ?? 0) - (digits.labels[b] ?? 0));
  return {
    train: arraysOf(digits, train),
    test: arraysOf(digits, drawn(digits.test, 500)),
    sorted: arraysOf(digits, inOrder),
  };
}

export function floats(levels: Uint8Array, factor = 1): Float32Array {
  return Float32Array.from(levels, (level) => level * factor);
}

/** Gray levels three times. */
export function rgb(levels: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: 3 * levels.length }, (_, i) => levels[Math.floor(i / 3)] ?? 0);
}

export function oneHot(labels: Int32Array): Float32Array {
  const rows = new Float32Array(10 * labels.length);
  for (const [i, label] of labels.entries()) rows[10 * i + label] = 1;
  return rows;
}

function drawn(indices: readonly number[], count: number): readonly number[] {
  return [...stream(0, "example").permutation(indices.length).subarray(0, count)].map((at) => indices[at] ?? 0);
}

function arraysOf({ levels, labels }: Digits, indices: readonly number[]): Arrays {
  const x = new Uint8Array(784 * indices.length);
  for (const [i, index] of indices.entries()) x.set(levels.subarray(784 * index, 784 * (index + 1)), 784 * i);
  return { x, y: Int32Array.from(indices, (index) => labels[index] ?? 0) };
}
