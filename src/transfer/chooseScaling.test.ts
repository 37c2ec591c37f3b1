import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { chooseScaling } from "./chooseScaling.ts";
import type { LogitBatch } from "./logitScaling.ts";

/** Images whose class is drawn from the softmax of their logits, which are then distorted: class c by the factor and shift of `distort`. */
function distorted(
  images: number,
  classes: number,
  distort: (c: number) => { readonly factor: number; readonly shift: number },
): LogitBatch {
  const random = stream(5, "distorted logits");
  const logits = new Float32Array(images * classes);
  const labels = new Int32Array(images);
  for (let i = 0; i < images; i++) {
    const row = Array.from({ length: classes }, () => 2 * random.normal());
    const powers = row.map(Math.exp);
    let left = random.uniform() * powers.reduce((sum, power) => sum + power, 0);
    while (left > (powers[labels[i] ?? 0] ?? 0) && (labels[i] ?? 0) < classes - 1) {
      left -= powers[labels[i] ?? 0] ?? 0;
      labels[i] = (labels[i] ?? 0) + 1;
    }
    row.forEach((logit, c) => {
      const { factor, shift } = distort(c);
      logits[i * classes + c] = factor * logit + shift;
    });
  }
  return { logits, labels, classes };
}

describe("the scaling of logits", () => {
  it("is one temperature where one was lost, which it finds", async () => {
    const { method, temperature } = await chooseScaling(
      distorted(2000, 12, () => ({ factor: 3, shift: 0 })),
      0,
    );
    expect(method).toBe("temperature");
    // The slope of 2,000 draws is known to about 3 %.
    expect(Math.abs((temperature ?? 0) - 3)).toBeLessThan(0.3);
  });

  it("is a vector where classes are shifted against each other, many and with enough images", async () => {
    const shifted = (images: number, classes: number) =>
      distorted(images, classes, (c) => ({ factor: 1, shift: c % 2 === 0 ? 2 : 0 }));
    expect((await chooseScaling(shifted(2000, 12), 0)).method).toBe("vector");
    expect((await chooseScaling(shifted(200, 12), 0)).method).toBe("temperature");
    expect((await chooseScaling(shifted(2000, 4), 0)).method).toBe("temperature");
  });

  it("stays finite with 1,000 classes of which most have no image, and refuses logits that are no numbers", async () => {
    const sparse = distorted(50, 1000, () => ({ factor: 1, shift: 0 }));
    const { scaling } = await chooseScaling(sparse, 0);
    expect(scaling.factors.every(Number.isFinite)).toBe(true);
    sparse.logits[7] = Number.NaN;
    await expect(chooseScaling(sparse, 0)).rejects.toMatchObject({ code: "diverged" });
  });
});
