import { z } from "zod";
import { didYouMean, GraftError } from "../base/errors.ts";
import type { Value } from "../graph/value.ts";
import { type ActivationName, activationNames } from "./activations.ts";
import { type InitializerName, initializerNames } from "./initializers.ts";
import type { Scope } from "./scope.ts";

/**
 * A step of a model: a kind, plain configuration and one pure function. Calling it on symbols wires a functional model.
 * Feature maps are [N, C, H, W] inside; every shape that users write or read is channels-last, as in Keras.
 */
export interface Layer {
  (...inputs: readonly SymbolicTensor[]): SymbolicTensor;
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Given by the user; otherwise a name is made from the kind. */
  readonly layerName: string | undefined;
  build(scope: Scope, inputs: readonly Value[]): Value;
}

/** A tensor of a functional model before it is built: an input, or a layer applied to others. */
export type SymbolicTensor =
  | { readonly kind: "input"; readonly shape: readonly number[] }
  | { readonly kind: "applied"; readonly layer: Layer; readonly inputs: readonly SymbolicTensor[] };

/** The start of a functional model: the shape of one sample, channels last. */
export function input(shape: readonly number[]): SymbolicTensor {
  return { kind: "input", shape };
}

interface LayerRule<S extends z.ZodObject> {
  readonly schema: S;
  build(scope: Scope, inputs: readonly Value[], config: z.output<S>): Value;
}

/** The options of a layer: its schema's, and a name. A schema without fields has no index signature here. */
type OptionsOf<S extends z.ZodObject> = {
  readonly [K in keyof z.input<S> as string extends K ? never : K]: z.input<S>[K];
} & { readonly name?: string };

/** Defines a layer: its kind (the Keras class name), the schema of its options, and the graph it writes. */
export function defineLayer<S extends z.ZodObject>(kind: string, rule: LayerRule<S>) {
  return (options: OptionsOf<S>): Layer => {
    const { name, ...rest } = options;
    const config = parseConfig(kind, rule.schema, rest);
    const layer: Layer = Object.assign(
      (...inputs: readonly SymbolicTensor[]): SymbolicTensor => ({ kind: "applied", layer, inputs }),
      {
        kind,
        config,
        layerName: name,
        build: (scope: Scope, inputs: readonly Value[]) => rule.build(scope, inputs, config),
      },
    );
    return layer;
  };
}

function parseConfig<S extends z.ZodObject>(kind: string, schema: S, options: object): z.output<S> {
  const result = schema.strict().safeParse(options);
  if (result.success) return result.data as z.output<S>;
  const lines = result.error.issues.map((issue) => {
    if (issue.code !== "unrecognized_keys") return `"${issue.path.join(".")}": ${issue.message}`;
    const [key] = issue.keys;
    return `unknown option "${key}".${didYouMean(key, Object.keys(schema.shape))}`;
  });
  throw new GraftError("usage", `${kind}: ${lines.join("; ")}`);
}

/** A whole number, or one per axis: `3` is `[3, 3]`. */
export const pair = z
  .union([z.number().int().positive(), z.tuple([z.number().int().positive(), z.number().int().positive()])])
  .transform((value): readonly [number, number] => (typeof value === "number" ? [value, value] : value));

export type Pair = number | readonly [number, number];

export const activation = z.enum(activationNames as [ActivationName, ...ActivationName[]]).default("linear");
export const initializer = (fallback: InitializerName) =>
  z.enum(initializerNames as [InitializerName, ...InitializerName[]]).default(fallback);
export const regularizer = z.object({ l1: z.number().min(0), l2: z.number().min(0) }).optional();
export const padding = z.enum(["valid", "same"]).default("valid");

/** The one input of a layer, checked for its rank. */
export function only(kind: string, inputs: readonly Value[], rank: number): Value {
  if (inputs.length !== 1) throw new GraftError("shape", `${kind}: one input expected, got ${inputs.length}.`);
  if (inputs[0].rank === rank) return inputs[0];
  const advice = rank === 2 ? "Put flatten() or globalAveragePooling2d() before it." : "It works on feature maps.";
  throw new GraftError(
    "shape",
    `${kind}: an input of rank ${rank} (batch included) expected, got ${inputs[0].rank}. ${advice}`,
  );
}
