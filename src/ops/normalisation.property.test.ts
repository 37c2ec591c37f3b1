import fc from "fast-check";
import { it } from "vitest";
import { constantOf } from "../graph/value.ts";
import { groupNormalization, instanceNormalization, layerNormalization, lrn } from "./layerNormalisation.ts";
import { batchNormalization } from "./normalisation.ts";
import { checkGradients } from "./randomGradients.fixture.ts";

const drawn = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  groups: fc.integer({ min: 1, max: 3 }),
  perGroup: fc.integer({ min: 1, max: 3 }),
  /** Five entries or more: fewer may lie so close that a step of the test is as long as their deviation. */
  spatial: fc
    .array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 2 })
    .map(([first, ...rest]) => [first + 4, ...rest]),
  axis: fc.integer({ min: 1, max: 3 }),
  /** Large, for the same reason. */
  epsilon: fc.constantFrom(0.1, 0.5),
  size: fc.constantFrom(1, 3, 5),
  beta: fc.constantFrom(0.5, 0.75, 1),
  seed: fc.nat(),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

it("BatchNormalization", async () => {
  await checkGradients(drawn, (drawing) => {
    const { epsilon } = drawing;
    const [, channels] = shapeOf(drawing);
    const statistic = (value: number) => constantOf("float32", [channels], new Array<number>(channels).fill(value));
    return {
      shapes: [shapeOf(drawing), [channels], [channels]],
      build: (x, s, b) => batchNormalization(x, s, b, statistic(0), statistic(1), { training_mode: 1, epsilon }),
    };
  });
});

it("LayerNormalization", async () => {
  await checkGradients(drawn, (drawing) => {
    const { epsilon } = drawing;
    const shape = shapeOf(drawing);
    const axis = Math.min(drawing.axis, 2);
    return {
      shapes: [shape, shape.slice(axis), shape.slice(axis)],
      build: (x, s, b) => layerNormalization(x, s, b, { axis, epsilon }),
    };
  });
});

it("InstanceNormalization", async () => {
  await checkGradients(drawn, (drawing) => {
    const { epsilon } = drawing;
    const [, channels] = shapeOf(drawing);
    return {
      shapes: [shapeOf(drawing), [channels], [channels]],
      build: (x, s, b) => instanceNormalization(x, s, b, { epsilon }),
    };
  });
});

it("GroupNormalization", async () => {
  await checkGradients(drawn, (drawing) => {
    const { epsilon, groups } = drawing;
    const [, channels] = shapeOf(drawing);
    return {
      shapes: [shapeOf(drawing), [channels], [channels]],
      build: (x, s, b) => groupNormalization(x, s, b, { groups, epsilon }),
    };
  });
});

it("LRN", async () => {
  await checkGradients(drawn, (drawing) => {
    const { size, beta } = drawing;
    const [count, channels, height, width = 1] = shapeOf(drawing);
    return { shapes: [[count, channels, height, width]], build: (x) => lrn(x, { size, beta, alpha: 0.3 }) };
  });
});

function shapeOf({ count, groups, perGroup, spatial }: Drawn): readonly number[] {
  return [count, groups * perGroup, ...spatial];
}
