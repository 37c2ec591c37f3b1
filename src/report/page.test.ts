import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { AnswerTally } from "./answerTally.ts";
import { classTable } from "./classTable.ts";
import { confusionTable, imagesOfCells } from "./confusionTable.ts";
import { html } from "./html.ts";
import { pageOf } from "./page.ts";
import { measuredPart } from "./partFigures.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

it("allows its own style by its hash, the images within it, and nothing else", () => {
  const page = pageOf(
    { title: "<t>", subject: "<s>", warnings: ["<w>"], sections: [{ id: "a", title: "<h>", body: html`x` }] },
    sha256,
  );
  const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  expect(page).toContain(
    `content="default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;; img-src data:; base-uri &#39;none&#39;; form-action &#39;none&#39;"`,
  );
  for (const name of ["t", "s", "w", "h"]) expect(page).toContain(`&lt;${name}&gt;`);
  expect(page).not.toMatch(/<(t|s|w|h)>|<script|\sstyle=/);
});

/** A thousand classes of three images; those of ten classes are taken for the next. */
function manyAnswers() {
  const labels = Array.from({ length: 1000 }, (_, c) => `class ${c}`);
  const tally = new AnswerTally("test", labels, 400_000);
  for (let i = 0; i < 2997; i++) {
    const truth = Math.floor(i / 3);
    const answer = truth % 100 === 7 ? truth + 1 : truth;
    const probabilities = new Float32Array(1000).fill(0.5 / 999);
    probabilities[answer] = 0.5;
    tally.add(`${i}.png`, truth, probabilities);
  }
  const answers = tally.answers();
  if (answers === undefined) throw new Error("nothing was counted");
  return answers;
}

it("shows of a thousand classes those that are confused, and says what it leaves out", () => {
  const answers = manyAnswers();
  const { text } = confusionTable(answers, new Map());
  expect(text.match(/<th scope="row">class \d+<\/th><td/g)).toHaveLength(20 + 10);
  expect(text).toContain("The 20 of 1,000 classes with the most mistakes; the other 980 are left out here.");
  expect(text).toContain("The most confused pairs (10 of 10)");
  expect(text.length).toBeLessThan(100_000);
  expect(imagesOfCells(answers).slice(0, 3)).toEqual(["21.png", "22.png", "23.png"]);
  const { scores, ranked, figures } = measuredPart(answers);
  expect(figures.accuracy).toBeCloseTo(1 - 30 / 2997, 9);
  const classes = classTable(scores, ranked).text;
  expect(classes).toContain("The 20 classes with the lowest F1");
  expect(classes).toContain("980 classes with a higher F1 are left out.");
  expect(classes).toContain("nothing can be said of them: class 999.");
});

it("names each cell's images for those who do not see them, whatever they are called", () => {
  const tally = new AnswerTally("test", [`"><script>`, "b"]);
  tally.add(`' onerror='x`, 0, Float32Array.of(0.2, 0.8));
  tally.add("2.png", 1, Float32Array.of(0.1, 0.9));
  const answers = tally.answers();
  if (answers === undefined) throw new Error("nothing was counted");
  const gone = { kind: "missing", reason: "<gone>" } as const;
  const { text } = confusionTable(answers, new Map([["2.png", gone]]));
  expect(text).toContain(`aria-label="1 image of &quot;&gt;&lt;script&gt; answered b: show them"`);
  expect(text).toContain(`popovertarget="cell-0-1"`);
  expect(text).toContain(`id="cell-0-1"`);
  expect(text).toContain("&lt;gone&gt;");
  expect(text).not.toMatch(/<script|' onerror/);
});
