import fc from "fast-check";
import { expect, it } from "vitest";
import { encodePredictions, openPredictions, type Prediction } from "./predictions.ts";

/** As a file that comes in pieces of so many bytes. */
async function decode(bytes: Uint8Array, piece = 7) {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  }
  const { labels, predictions } = await openPredictions(chunks(), "p.csv");
  const all: Prediction[] = [];
  for await (const prediction of predictions) all.push(prediction);
  return { labels, predictions: all };
}
const names = fc.string({ minLength: 1, unit: "grapheme" }).filter((name) => !/^\s|\s$/.test(name));

it("come back with any names of images and classes, and each probability to the last bit", async () => {
  const probabilities = fc.float32Array({ minLength: 2, maxLength: 2, min: 0, max: 1, noNaN: true });
  const rows = fc.array(fc.tuple(names, probabilities, fc.nat(1)), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(names, names, rows, async (first, second, samples) => {
      const answers = {
        classes: 2,
        labels: Int32Array.from(samples, ([, , label]) => label),
        probabilities: Float32Array.from(samples.flatMap(([, row]) => [...row])),
      };
      const images = samples.map(([image]) => image);
      const bytes = encodePredictions([first, second], [{ split: "test", images, answers }]);
      const { labels, predictions } = await decode(Buffer.concat(bytes));
      expect(labels).toEqual([first, second]);
      expect(predictions.map(({ image }) => image)).toEqual(images);
      expect(predictions.map(({ label }) => label)).toEqual(samples.map(([, , label]) => [first, second][label]));
      expect(predictions.flatMap((prediction) => [...prediction.probabilities])).toEqual([...answers.probabilities]);
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

it("names the line that lacks a cell, and takes an empty probability for none", async () => {
  const header = "image,split,label,answer,p(a),p(b)\n";
  const { predictions } = await decode(Buffer.from(`${header}1.png,test,a,a,,0.5`));
  expect(predictions[0]?.probabilities).toEqual(Float32Array.of(Number.NaN, 0.5));
  await expect(decode(Buffer.from(`${header}1.png,test,a,a,1`))).rejects.toThrow(
    /line of "1\.png" has 5 cells; expected 6/,
  );
});

it.each(["", "path,label\n1.png,ant\n", 'image,split,"label'])(
  "are refused where they are something else: %j",
  async (text) => {
    const refused = expect.objectContaining({ code: "input", message: expect.stringContaining("p.csv") });
    await expect(decode(Buffer.from(text))).rejects.toThrow(refused);
  },
);
