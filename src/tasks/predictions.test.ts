import { parse } from "csv-parse/browser/esm/sync";
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodePredictions, encodePredictions } from "./predictions.ts";

const decode = (bytes: readonly Uint8Array[]) => decodePredictions(Buffer.concat(bytes), "p.csv");
const names = fc.string({ minLength: 1, unit: "grapheme" }).filter((name) => !/^\s|\s$/.test(name));

it("come back with any names of images and classes, and each probability to the last bit", () => {
  const probabilities = fc.float32Array({ minLength: 2, maxLength: 2, min: 0, max: 1, noNaN: true });
  const rows = fc.array(fc.tuple(names, probabilities, fc.nat(1)), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(names, names, rows, (first, second, samples) => {
      const answers = {
        classes: 2,
        labels: Int32Array.from(samples, ([, , label]) => label),
        probabilities: Float32Array.from(samples.flatMap(([, row]) => [...row])),
      };
      const images = samples.map(([image]) => image);
      const bytes = encodePredictions([first, second], [{ split: "test", images, answers }]);
      const { labels, predictions } = decode(bytes);
      expect(labels).toEqual([first, second]);
      expect(predictions.map(({ image }) => image)).toEqual(images);
      expect(predictions.map(({ label }) => label)).toEqual(samples.map(([, , label]) => [first, second][label]));
      const written: readonly string[][] = parse(Buffer.concat(bytes), { from: 2 });
      const read = written.flatMap((cells) => cells.slice(4).map((cell) => Math.fround(Number(cell))));
      expect(read).toEqual([...answers.probabilities]);
    }),
  );
});

it("name the likeliest class as the answer", () => {
  const answers = { classes: 3, labels: Int32Array.of(0), probabilities: Float32Array.of(0.25, 0.5, 0.25) };
  const bytes = encodePredictions(["a", "b", "c"], [{ split: "validation", images: ["x/1.png"], answers }]);
  expect(Buffer.concat(bytes).toString()).toBe(
    "image,split,label,answer,p(a),p(b),p(c)\nx/1.png,validation,a,b,0.25,0.5,0.25\n",
  );
});

it.each(["", "path,label\n1.png,ant\n", 'image,split,"label'])(
  "are refused where they are something else: %j",
  (text) => {
    const refused = expect.objectContaining({ code: "input", message: expect.stringContaining("p.csv") });
    expect(() => decodePredictions(Buffer.from(text), "p.csv")).toThrow(refused);
  },
);
