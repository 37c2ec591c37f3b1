import type { Value } from "../graph/value.ts";
import { arithmeticRules } from "./foldArithmetic.ts";
import { layoutRules } from "./foldLayout.ts";
import { type FoldRule, type Known, knownConstant, Operands } from "./known.ts";
import type { Call } from "./lift.ts";

const rules: ReadonlyMap<string, FoldRule> = new Map([...layoutRules, ...arithmeticRules]);

/** Work that folding may do in one import, in elements: damaged files must not keep it busy. */
const limitWork = 4_000_000;

/**
 * Computes, while a file is read, what its shape arithmetic gives: exporters write `x.view(x.size(0), -1)` as
 * Shape, Gather, Unsqueeze, Concat and Reshape. Lengths that are only known by name go along as names.
 */
export class ConstantFolder {
  readonly #found = new Map<Value, Known>();
  #work = 0;

  /** What is known of a value's elements. */
  known(value: Value | undefined): Known | undefined {
    if (value === undefined) return undefined;
    const found = this.#found.get(value) ?? knownConstant(value);
    if (found !== undefined) this.#found.set(value, found);
    return found;
  }

  /** Remembers what a computed value holds. */
  remember(value: Value, known: Known): void {
    this.#found.set(value, known);
  }

  /** The elements of the only output of a standard operator, or nothing when they are not known before the graph runs. */
  fold(call: Call): Known | undefined {
    const rule = rules.get(call.op);
    if (rule === undefined || call.outputs !== 1 || this.#work > limitWork) return undefined;
    const result = rule(new Operands(call, (value) => this.known(value)));
    this.#work += result?.elements.length ?? 0;
    return result;
  }
}
