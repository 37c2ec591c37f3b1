import { expect, it } from "vitest";
import { constantOf, input, type Value } from "../graph/value.ts";
import { relu } from "../ops/activations.ts";
import { add, div, mul, sub } from "../ops/arithmetic.ts";
import { conv } from "../ops/convolution.ts";
import { transpose } from "../ops/layout.ts";
import { ownNormalisation } from "./ownNormalisation.ts";

const perChannel = constantOf("float32", [1, 3, 1, 1], [0.2, 0.3, 0.4]);
const kernel = constantOf("float32", [4, 3, 1, 1], new Array(12).fill(1));

it.each<readonly [string, (pixels: Value) => Value, readonly string[]]>([
  ["mean and deviation", (x) => div(sub(x, perChannel), perChannel), ["Sub", "Div"]],
  ["a scale behind a transpose", (x) => transpose(mul(x, 1 / 255), { perm: [0, 1, 3, 2] }), ["Mul"]],
  ["nothing", (x) => x, []],
  ["what comes after the first layer, which is no normalisation", (x) => add(conv(x, kernel), 1), []],
  ["a sum of two ways, which is a layer", (x) => add(x, relu(x)), []],
])("finds %s", (_, first, operators) => {
  const pixels = input("input", "float32", ["N", 3, 8, 8]);
  const maps = first(pixels);
  const channels = Number(maps.shape[1]);
  const features = conv(maps, constantOf("float32", [2, channels, 1, 1], new Array(2 * channels).fill(1)));
  expect(ownNormalisation({ input: pixels, features })).toEqual(operators);
});
