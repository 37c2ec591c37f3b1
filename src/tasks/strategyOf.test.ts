import { describe, expect, it } from "vitest";
import { trainSchema } from "./trainInput.ts";
import { strategyOf } from "./trainPlan.ts";

const strategy = (options: object) => strategyOf(trainSchema.parse({ data: "photos", ...options }));

describe("the strategy of a training", () => {
  it.each([
    [{}, "scratch"],
    [{ backbone: "a.onnx" }, "auto"],
    [{ teacher: "run" }, "distil"],
    [{ backbone: "a.onnx", strategy: "fine-tune", stages: 1, delta: 0.1, unfreezeEvery: 1 }, "fine-tune"],
    [{ backbone: "a.onnx", teacher: "run", l2sp: 0.1 }, "distil"],
    [{ backbone: "a.onnx", parameters: "biases" }, "auto"],
  ])("%j is %s", (options, expected) => {
    expect(strategy(options)).toBe(expected);
  });

  it.each([
    [{ stages: 1 }, "--stages"],
    [{ l2sp: 0.01 }, "--l2sp"],
    [{ delta: 0.1 }, "--delta"],
    [{ unfreezeEvery: 2 }, "--unfreeze-every"],
    [{ parameters: "biases" }, "--parameters"],
  ])("%j is refused where nothing is fine-tuned", (option, flag) => {
    const others = [{}, { teacher: "run" }, { backbone: "a.onnx", strategy: "feature-extraction" }];
    for (const other of others) expect(() => strategy({ ...other, ...option })).toThrow(`${flag} is for fine-tuning`);
  });
});
