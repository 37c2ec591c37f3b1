import { expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { constantOf, input, scalar, type Value } from "../graph/value.ts";
import { constantOfShape, range, size } from "./generating.ts";
import { evaluate } from "./operators.fixture.ts";

const shape = constantOf("int64", [2], [2, 3]);
const cases: Readonly<Record<string, readonly [value: Value, numbers: readonly number[]]>> = {
  "Range forwards": [range(scalar(1, "int64"), scalar(8, "int64"), scalar(3, "int64")), [1, 4, 7]],
  "Range backwards, in floats": [range(scalar(2), scalar(0.5), scalar(-0.5)), [2, 1.5, 1]],
  "ConstantOfShape of zeros": [constantOfShape(shape), [0, 0, 0, 0, 0, 0]],
  "ConstantOfShape of integers": [constantOfShape(shape, { value: Tensor.int64([7]) }), [7, 7, 7, 7, 7, 7]],
  Size: [size(constantOfShape(shape)), [6]],
};

it.each(Object.entries(cases))(
  "%s has the type and the numbers that the runtime gives",
  async (_, [value, numbers]) => {
    const x = input("x", "float32", [1]);
    const { y } = await evaluate([x], { y: value }, { x: Tensor.float32([1], [0]) });
    expect(y.numbers).toEqual(numbers);
    expect({ dtype: y.dtype, shape: y.shape }).toEqual({ dtype: value.dtype, shape: value.shape });
  },
);

it("Range refuses a step of 0", () => {
  expect(() => range(scalar(0), scalar(1), scalar(0))).toThrow("Range: a delta of 0.");
});
