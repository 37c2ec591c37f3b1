import { describe, expect, it } from "vitest";
import { add, mul } from "../ops/arithmetic.ts";
import { resize } from "../ops/resampling.ts";
import { reduceSum } from "./coreOperators.ts";
import { differentiate } from "./differentiate.ts";
import { apply, passThrough } from "./operator.ts";
import { input, type Value } from "./value.ts";

const type = { dtype: "float32", shape: [2, 3] } as const;
const weight = input("weight", "float32", [2, 3]);
const data = input("data", "float32", [2, 3]);

describe("an operator without a gradient", () => {
  it("on the path is named with its node and with what to freeze", () => {
    const loss = total(strange(mul(data, weight)));
    expect(() => differentiate(loss, [weight])).toThrow(
      'Strange (node "odd") lies between a trainable parameter and the loss, but has no gradient. ' +
        "Freeze everything up to output 0 of Mul, which it reads.",
    );
  });

  it("right behind a parameter names the parameter", () => {
    expect(() => differentiate(total(strange(weight)), [weight])).toThrow(
      'Freeze everything up to input "weight", which it reads.',
    );
  });

  it("is no error before the parameters", () => {
    const [gradient] = differentiate(total(mul(strange(data), weight)), [weight]);
    expect(gradient.shape).toEqual([2, 3]);
  });

  it("is no error when what it reads is frozen", () => {
    const frozen = strange(mul(data, weight));
    const later = input("later", "float32", [2, 3]);
    expect(differentiate(total(mul(frozen, later)), [later])).toHaveLength(1);
  });

  it("is no error beside the loss", () => {
    const product = mul(data, weight);
    strange(product);
    expect(differentiate(total(add(product, data)), [weight])).toHaveLength(1);
  });
});

it("a form that a rule refuses is named with its node and with what to freeze", () => {
  const attributes = { coordinate_transformation_mode: "tf_crop_and_resize" };
  const resized = resize(mul(data, weight), undefined, undefined, [4, 3], attributes);
  expect(() => differentiate(total(resized), [weight])).toThrow(
    'Resize has no gradient here: Resize: coordinates "tf_crop_and_resize" have no gradient. ' +
      "Freeze everything up to output 0 of Mul, or change it.",
  );
});

/** What an importer makes of an operator that Graft does not know. */
function strange(x: Value): Value {
  return apply(passThrough("Strange", "", {}), [x], {}, { name: "odd", declared: [type] }).outputs[0];
}

function total(x: Value): Value {
  return reduceSum(x, { keepdims: 0 });
}
