import { expect, it } from "vitest";
import { constantOf } from "../graph/value.ts";
import { floatInput } from "./operators.fixture.ts";
import { resolveOperator } from "./resolveOperator.ts";

const x = floatInput("x", [2, 3]);
const noop = (value: number) => ({ noop_with_empty_axes: { type: "int", value } as const });

it.each(["ReduceSum", "ReduceL2", "ReduceProd"])("%s that reduces no axis is read without a rule", (op) => {
  const ruleOf = (axes: readonly number[] | undefined, value: number) => {
    const operand = axes && constantOf("int64", [axes.length], axes);
    return resolveOperator({ op, domain: "", attributes: noop(value) }, [x, operand], undefined).rule;
  };
  expect(ruleOf(undefined, 1)).toBeUndefined();
  expect(ruleOf([], 1)).toBeUndefined();
  expect(ruleOf([1], 1)).toBeDefined();
  expect(ruleOf(undefined, 0)).toBeDefined();
});
