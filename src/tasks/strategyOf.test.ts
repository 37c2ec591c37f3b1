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
    [{ backbone: "a.onnx", source: "others" }, "instance-transfer"],
    [{ teacher: "run", matchFeatures: 1 }, "distil"],
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

  it.each([
    [{ source: "others" }, "--strategy instance-transfer needs a pretrained network: give it with --backbone"],
    [
      { backbone: "a.onnx", strategy: "instance-transfer" },
      "needs another labelled data set to learn from: give it with --source",
    ],
    [{ backbone: "a.onnx", weighting: "kmm" }, "--weighting is for --strategy instance-transfer, not auto"],
    [
      { backbone: "a.onnx", strategy: "fine-tune", source: "others" },
      "--source is for --strategy instance-transfer, not fine-tune",
    ],
    [{ teacher: "run", source: "others" }, "--source is for --strategy instance-transfer, not distil"],
    [{ backbone: "a.onnx", source: "others", head: "mlp" }, "--head mlp is for feature-extraction"],
    [{ backbone: "a.onnx", source: "others", augment: "horizontalFlip" }, "--augment is not for instance-transfer"],
    [{ backbone: "a.onnx", source: "others", mixup: 0.2 }, "--mixup is for --strategy fine-tune and scratch"],
  ])("refuses what does not go together: %j", (given, words) => {
    expect(() => strategy(given)).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringContaining(words) }),
    );
  });

  it.each([
    [{ matchFeatures: 1 }, "--match-features"],
    [{ temperature: 2 }, "--temperature"],
    [{ teacherShare: 0.5 }, "--teacher-share"],
  ])("refuses what is about a teacher without one: %j", (option, flag) => {
    for (const other of [{}, { backbone: "a.onnx" }]) {
      expect(() => strategy({ ...other, ...option })).toThrow(`${flag} is for learning from a --teacher`);
    }
  });
});
