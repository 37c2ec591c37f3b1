import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import type { Attribute } from "../onnx/model.ts";
import type { Subgraph } from "./subgraph.ts";
import { constant, type Node, scalar, type TensorType, Value } from "./value.ts";

export type AttributeValue = Attribute["value"] | Subgraph | undefined;

/** The type and the default of one attribute; `undefined` as default means that leaving it out has a meaning of its own. */
export interface Field<T extends AttributeValue> {
  readonly type: Attribute["type"];
  readonly default: T;
}

export const int = <T extends number | undefined>(value: T): Field<number | T> => ({ type: "int", default: value });
export const float = <T extends number | undefined>(value: T): Field<number | T> => ({ type: "float", default: value });
export const text = <T extends string | undefined>(value: T): Field<string | T> => ({ type: "string", default: value });
export const ints = <T extends readonly number[] | undefined>(value: T): Field<readonly number[] | T> => ({
  type: "ints",
  default: value,
});
export const floats = <T extends readonly number[] | undefined>(value: T): Field<readonly number[] | T> => ({
  type: "floats",
  default: value,
});

type Fields = Readonly<Record<string, Field<AttributeValue>>>;
type AttributesOf<F extends Fields> = { readonly [K in keyof F]: F[K]["default"] };

/** What an operator accepts where a tensor is due: numbers become scalars of the other operand's type, lists become int64 vectors. */
export type Operand = Value | number | readonly number[];

/** `["x", "w", "b?"]` → Value, Value, Value | undefined; `["...xs"]` → any number of values. */
type InputsOf<N extends readonly string[]> = N extends readonly [`...${string}`]
  ? readonly Value[]
  : { readonly [K in keyof N]: N[K] extends `${string}?` ? Value | undefined : Value };

type ArgumentsOf<N extends readonly string[], A> = N extends readonly [`...${string}`]
  ? [...Operand[], A]
  : N extends readonly [infer Head, ...infer Rest extends readonly string[]]
    ? Head extends `${string}?`
      ? [] | [A] | [Operand | undefined, ...ArgumentsOf<Rest, A>]
      : [Operand, ...ArgumentsOf<Rest, A>]
    : [] | [A];

export interface Applied<N extends readonly string[], F extends Fields> {
  readonly inputs: InputsOf<N>;
  readonly outputs: readonly Value[];
  readonly attributes: AttributesOf<F>;
}

/** All that Graft knows of an operator. */
export interface Rule<N extends readonly string[], F extends Fields> {
  /** Names of the operands as in the ONNX specification, for messages; `?` marks optional ones, `...` a list. */
  readonly inputs: N;
  readonly attributes?: F;
  /** Whether outputs after the first may be left out of a file when nothing uses them. */
  readonly optionalOutputs?: true;
  /** Each element of the output comes from the same element of the (broadcast) operands: any order in memory will do. */
  readonly elementwise?: true;
  /** Operands that hold weights when they are constants; those named in `statistics` are not changed by gradients. */
  readonly weights?: readonly string[];
  readonly statistics?: readonly string[];
  /** Types of the outputs from the types of the inputs. Throws `shape`. */
  infer(inputs: InputsOf<N>, attributes: AttributesOf<F>): readonly TensorType[];
  /**
   * Cotangents of the inputs from those of the outputs, as more graph (vector–Jacobian product).
   * A cotangent may have a broadcast shape: the sweep sums it to its operand's. Left out: not differentiable there.
   */
  vjp?(cotangents: readonly Value[], applied: Applied<N, F>): readonly (Value | undefined)[];
  /** For operators that only Graft knows: the same outputs by operators that runtimes know. */
  expand?(applied: Applied<N, F>): readonly Value[];
}

/** An operator with its rule, types erased; `rule` is absent for operators that Graft only passes through. */
export interface Operator {
  readonly name: string;
  readonly domain: string;
  readonly fields: Fields | undefined;
  readonly rule: ErasedRule | undefined;
  /** For operators without a rule: the version of their domain in the file they come from. */
  readonly version?: number;
}

interface ErasedRule {
  readonly inputs: readonly string[];
  readonly optionalOutputs?: true;
  readonly elementwise?: true;
  readonly weights?: readonly string[];
  readonly statistics?: readonly string[];
  infer(inputs: readonly (Value | undefined)[], attributes: Node["attributes"]): readonly TensorType[];
  readonly vjp:
    | ((
        cotangents: readonly Value[],
        applied: Pick<Node, "inputs" | "outputs" | "attributes">,
      ) => readonly (Value | undefined)[])
    | undefined;
  readonly expand: ((applied: Pick<Node, "inputs" | "outputs" | "attributes">) => readonly Value[]) | undefined;
}

/** Applies an operator: `conv(x, w, b, { strides: [2, 2] })` gives its first output, `.outputs(…)` all of them. */
export interface Builder<N extends readonly string[], F extends Fields> {
  (...args: ArgumentsOf<N, Partial<AttributesOf<F>>>): Value;
  outputs(...args: ArgumentsOf<N, Partial<AttributesOf<F>>>): readonly Value[];
  readonly operator: Operator;
}

/** Defines an operator in one paragraph: its shape rule and its gradient. `name` is ONNX's; other domains are written `domain::Name`. */
export function defineOp<const N extends readonly string[], F extends Fields = Record<never, never>>(
  name: string,
  rule: Rule<N, F>,
): Builder<N, F> {
  const [op, domain = ""] = name.split("::").reverse();
  // The rule is checked where it is written; inside, inputs and attributes are plain lists and records.
  const operator: Operator = { name: op, domain, fields: rule.attributes, rule: rule as unknown as ErasedRule };
  const outputs = (...args: readonly unknown[]): readonly Value[] => {
    const last = args.at(-1);
    const hasAttributes = isAttributes(last);
    const operands = (hasAttributes ? args.slice(0, -1) : args) as readonly (Operand | undefined)[];
    return apply(operator, toValues(operands), hasAttributes ? last : {}).outputs;
  };
  const builder = (...args: readonly unknown[]): Value => outputs(...args)[0];
  return Object.assign(builder, { outputs, operator }) as Builder<N, F>;
}

/** An operator without a rule: it can be read and written, its outputs have the types that the file declares. */
export function passThrough(
  name: string,
  domain: string,
  attributes: Readonly<Record<string, Attribute>>,
  version?: number,
): Operator {
  const fields = Object.entries(attributes).map(([key, { type }]) => [key, { type, default: undefined }]);
  const operator = { name, domain, fields: Object.fromEntries(fields), rule: undefined };
  return version === undefined ? operator : { ...operator, version };
}

/** Applies `operator` to values. `declared` are the output types that a file states, used only where no rule exists. */
export function apply(
  operator: Operator,
  inputs: readonly (Value | undefined)[],
  given: Node["attributes"],
  origin: { readonly name?: string; readonly declared?: readonly (TensorType | undefined)[] } = {},
): Node {
  const attributes = operator.fields === undefined ? given : withDefaults(operator, given);
  const types =
    operator.rule === undefined
      ? (origin.declared ?? [])
      : inferTypes(operator, operator.rule, inputs, attributes, origin.name);
  const outputs: Value[] = [];
  const node: Node = { operator, inputs: trimmed(inputs), attributes, outputs, name: origin.name };
  for (const [index, type] of types.entries()) outputs.push(new Value({ kind: "node", node, index }, type));
  return node;
}

function inferTypes(
  operator: Operator,
  rule: ErasedRule,
  inputs: readonly (Value | undefined)[],
  attributes: Node["attributes"],
  nodeName: string | undefined,
): readonly TensorType[] {
  rule.inputs.forEach((name, i) => {
    if (inputs[i] === undefined && !name.endsWith("?") && !name.startsWith("...")) {
      throw new GraftError("shape", `${operator.name}: the input "${name}" is missing.`);
    }
  });
  try {
    return rule.infer(inputs, attributes);
  } catch (error) {
    if (error instanceof GraftError && nodeName) {
      throw new GraftError(error.code, `node "${nodeName}": ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function withDefaults(operator: Operator, given: Node["attributes"]): Node["attributes"] {
  const fields = operator.fields ?? {};
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, field] of Object.entries(fields)) attributes[name] = given[name] ?? field.default;
  return attributes;
}

function isAttributes(argument: unknown): argument is Node["attributes"] {
  return typeof argument === "object" && argument !== null && !(argument instanceof Value) && !Array.isArray(argument);
}

function toValues(operands: readonly (Operand | undefined)[]): (Value | undefined)[] {
  const typed = operands.find((operand) => operand instanceof Value);
  return operands.map((operand) => {
    if (operand === undefined || operand instanceof Value) return operand;
    if (typeof operand === "number") return scalar(operand, typed?.dtype);
    return constant(Tensor.int64(operand));
  });
}

function trimmed(inputs: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  let length = inputs.length;
  while (length > 0 && inputs[length - 1] === undefined) length--;
  return inputs.slice(0, length);
}
