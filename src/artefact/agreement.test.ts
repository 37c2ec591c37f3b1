import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import type { StageOutputs } from "../platform/platform.ts";
import { agreementOf, disagreements, otherDecoder, sameDecoder } from "./agreement.ts";
import { decodeGolden, encodeGolden, type GoldenImage } from "./golden.ts";

const pixels = (...levels: number[]) => Tensor.of("uint8", [1, 1, levels.length / 3, 3], Uint8Array.from(levels));
const row = (...values: number[]) => Tensor.float32([1, values.length], values);

const golden: GoldenImage = {
  file: "0.png",
  sha256: "0".repeat(64),
  decoded: pixels(0, 10, 20, 30, 40, 50),
  prepared: pixels(100, 100, 100),
  answers: new Map([
    ["kind", row(0.5, 0.25, 0.25)],
    ["weight", row(200)],
  ]),
};
const same: StageOutputs = { ...golden, served: golden.answers };

describe("agreement with golden answers", () => {
  it("is perfect where everything is the same", () => {
    const agreement = agreementOf([golden], [same]);
    expect(agreement).toEqual({
      decode: 0,
      decodeWorst: 0,
      prepare: 0,
      network: 0,
      served: 0,
      sameLabels: 1,
      images: 1,
    });
    expect(disagreements(agreement, sameDecoder)).toEqual([]);
  });

  it("is told stage by stage, by hand", () => {
    const found: StageOutputs = {
      decoded: pixels(0, 10, 20, 30, 40, 56),
      prepared: pixels(100, 98, 100),
      // ln 0.27 − ln 0.25 = 0.077, with logits less than 1 apart; the number is off by 1 of 200.
      answers: new Map([
        ["kind", row(0.48, 0.25, 0.27)],
        ["weight", row(201)],
      ]),
      served: new Map([
        ["kind", row(0.2, 0.25, 0.55)],
        ["weight", row(200)],
      ]),
    };
    const agreement = agreementOf([golden, golden], [same, found]);
    expect(agreement).toMatchObject({ decode: 1, decodeWorst: 6, prepare: 2, sameLabels: 1, images: 2 });
    expect(agreement.network).toBeCloseTo(Math.log(0.27 / 0.25), 6);
    expect(agreement.served).toBeCloseTo(Math.log(0.5 / 0.2), 6);
    expect(disagreements(agreement, otherDecoder)).toEqual([
      "prepare is off by 2 levels, 1 is allowed",
      "network is off by 0.08, 0.0001 is allowed",
      "1 of 2 images get another label",
    ]);
    expect(disagreements(agreement, sameDecoder)[0]).toBe("decode is off by 1 levels on average, 0 is allowed");
  });

  it("takes logits relative to how far they lie apart: sums of larger numbers round more", () => {
    const steep = (probability: number) => ({ answers: new Map([["kind", row(1 - probability, probability)]]) });
    const actual = { ...same, ...steep(Math.exp(-10.0005)) };
    const { network } = agreementOf([{ ...golden, ...steep(Math.exp(-10)) }], [actual]);
    expect(network).toBeCloseTo(0.0005 / 10, 6);
  });

  it.each([
    ["pixels of another size", { ...same, decoded: pixels(0, 0, 0) }, "decode is off by Infinity levels on average"],
    ["no answer", { ...same, answers: new Map() }, "network is off by Infinity"],
    [
      "answers that are no numbers",
      { ...same, answers: new Map([...golden.answers, ["kind", row(Number.NaN, 0.5, 0.5)]]) },
      "network is off by Infinity",
    ],
  ])("is refused to %s", (_, found, words) => {
    expect(disagreements(agreementOf([golden], [found]), otherDecoder).join()).toContain(words);
  });

  it("counts images that were not answered for as wrong", () => {
    expect(disagreements(agreementOf([golden, golden], [same]), sameDecoder)).toEqual([
      "1 of 2 images get another label",
    ]);
  });
});

describe("golden images", () => {
  it("are read as they were written", () => {
    const [read] = decodeGolden(joined(encodeGolden([golden])), "expected.safetensors");
    expect(read).toEqual(golden);
  });

  it.each(["../model.onnx", "a/b.png", "..", ""])("never lie at %j", (file) => {
    const bytes = joined(encodeGolden([{ ...golden, file }]));
    expect(() => decodeGolden(bytes, "expected.safetensors")).toThrow("does not hold golden images");
  });
});

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
