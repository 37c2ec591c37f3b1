import type { AttributeValue } from "./operator.ts";
import { copyOf, rewrite } from "./rewrite.ts";
import type { Value } from "./value.ts";

/** Constants up to this size are compared by content. */
const comparedBytes = 4096;

/** The same graph with equal nodes (one operator, equal attributes, the same operands) made one. */
export function deduplicate(outputs: readonly Value[]): readonly Value[] {
  const ids = new Map<unknown, number>();
  const idOf = (thing: unknown): number => {
    const id = ids.get(thing) ?? ids.size;
    ids.set(thing, id);
    return id;
  };
  const constants = new Map<string, Value>();
  const canonical = (value: Value | undefined): Value | undefined => {
    const key = value && constantKey(value);
    if (key === undefined) return value;
    const known = constants.get(key) ?? value;
    if (known !== undefined) constants.set(key, known);
    return known;
  };
  const made = new Map<string, readonly Value[]>();
  return rewrite(outputs, (node, given) => {
    const inputs = given.map(canonical);
    const attributes = Object.entries(node.attributes).map(([name, value]) => [
      name,
      isPlain(value) ? value : idOf(value),
    ]);
    const key = JSON.stringify([idOf(node.operator), attributes, inputs.map(idOf)]);
    const known = made.get(key) ?? copyOf(node, inputs);
    made.set(key, known);
    return known;
  });
}

function constantKey({ source }: Value): string | undefined {
  if (source.kind !== "constant" || source.tensor.bytes.length > comparedBytes) return undefined;
  const { dtype, shape, bytes } = source.tensor;
  return `${dtype} ${shape} ${bytes}`;
}

/** Numbers, texts and lists of them; tensors and graphs are told apart by identity. */
function isPlain(value: AttributeValue): boolean {
  return typeof value !== "object" || (Array.isArray(value) && value.every((entry) => typeof entry !== "object"));
}
