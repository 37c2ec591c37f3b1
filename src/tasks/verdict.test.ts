import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodePlatform } from "../node/platform.ts";
import { RunFolder } from "./runFolder.ts";
import { packAnswers, TrialTable, unpackAnswers } from "./trialTable.ts";
import { toldVerdict, verdictOf } from "./verdict.ts";

const platform = nodePlatform();
const images = 100;

/** A table of finished trials: how many of the images, the first ones, each gets right, and how large it is. */
async function tableOf(trials: readonly { readonly right: number; readonly size: number }[]): Promise<TrialTable> {
  const folder = new RunFolder(mkdtempSync(`${tmpdir()}/graft-`), platform);
  const table = await TrialTable.open(folder, [], platform);
  for (const [i, { right, size }] of trials.entries()) {
    const answers = Array.from({ length: images }, (_, image) => Number(image < right));
    const measured = {
      outcome: "measured",
      accuracy: right / images,
      loss: 1,
      size,
      right: packAnswers(answers),
    } as const;
    await table.add({ trial: i + 1, rung: 1, values: i === 0 ? {} : { penalty: i }, seconds: 1, ...measured });
  }
  return table;
}

describe("the verdict of a search", () => {
  it("names the smallest network within one standard error of the best, by the images on which they differ", async () => {
    // One image more of 100, on the same images: a difference of 1 point with a standard error of 1.
    const near = verdictOf(
      await tableOf([
        { right: 80, size: 10 },
        { right: 81, size: 1000 },
      ]),
      1,
      images,
      0,
    );
    expect(near).toMatchObject({ best: { trial: 2 }, simplest: { trial: 1 } });
    // Four more: 4 points with a standard error of 1.97.
    const far = verdictOf(
      await tableOf([
        { right: 80, size: 10 },
        { right: 84, size: 1000 },
      ]),
      1,
      images,
      0,
    );
    expect(far).toMatchObject({ best: { trial: 2 }, simplest: { trial: 2 } });
    expect(far?.gain?.gain).toBeCloseTo(0.04, 12);
    expect(far?.gain?.standardError).toBeCloseTo(Math.sqrt((0.04 * 0.96) / 99), 12);
  });

  it("takes the best of networks of about one size", async () => {
    const verdict = verdictOf(
      await tableOf([
        { right: 80, size: 995 },
        { right: 81, size: 1000 },
      ]),
      1,
      images,
      0,
    );
    expect(verdict?.simplest.trial).toBe(2);
  });

  it("says the gain over the settings as they were, and what the pick is worth", async () => {
    const verdict = verdictOf(
      await tableOf([
        { right: 80, size: 10 },
        { right: 84, size: 1000 },
      ]),
      1,
      images,
      0,
    );
    const told = verdict === undefined ? [] : toldVerdict(verdict, images);
    expect(told[0]).toMatch(
      /^best: trial 2 \(penalty 1\): 84.0 % of 100 images right \[.*\], \+4.0 ± 2.0 points over trial 1/,
    );
    expect(told[1]).toMatch(/^picked from 2 by the same 100 images/);
    expect(told).toHaveLength(2);
  });

  it("is none without a finished trial", async () => {
    expect(verdictOf(await tableOf([]), 1, images, 0)).toBeUndefined();
  });
});

it("right answers survive being packed", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 1)), (answers) => {
      expect(unpackAnswers(packAnswers(answers), answers.length)).toEqual(answers);
    }),
  );
});
