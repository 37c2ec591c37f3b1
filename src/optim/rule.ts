import type { Value } from "../graph/value.ts";
import type { ParameterGroup } from "./groups.ts";

/** What one rule sees of one parameter in one step. */
export interface RuleContext {
  readonly parameter: Value;
  /** State of this rule for this parameter, by slot name; zeros at the start. */
  readonly slots: Readonly<Record<string, Value>>;
  /** The rule's numbers for this step, by name. */
  readonly scalars: Readonly<Record<string, Value>>;
  /** The decay that the parameter's group asks for in place of the optimiser's. */
  readonly weightDecay: number | undefined;
}

/** One small step from gradients to updates. An optimiser is a chain of them. */
export interface UpdateRule {
  readonly slots: readonly string[];
  /** Numbers that change with the step (counted from 1), computed in double precision outside the graph. */
  readonly scalars: Readonly<Record<string, (step: number) => number>>;
  /** The new direction and the new slots. */
  apply(
    direction: Value,
    context: RuleContext,
  ): { readonly direction: Value; readonly slots: Readonly<Record<string, Value>> };
}

/** How gradients change parameters: parameter −= learningRate · direction. */
export interface Optimizer {
  readonly name: string;
  readonly learningRate: number;
  readonly rules: readonly UpdateRule[];
  /** The largest norm of all gradients together; larger ones are scaled down. */
  readonly clipNorm: number | undefined;
  /** Parameters with a rate or a decay of their own, or none. */
  readonly groups: readonly ParameterGroup[];
  /** β of the exponential moving average of the weights, which then stand in for them at evaluation; nothing for none. */
  readonly averageDecay: number | undefined;
}
