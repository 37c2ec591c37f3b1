import { sum } from "../metrics/confusion.ts";
import { confusedPairs } from "../metrics/report.ts";
import type { JudgedImage, PartAnswers } from "./answerTally.ts";
import { type Html, html } from "./html.ts";
import { counted, percent } from "./numbers.ts";
import { type Picture, pictureOf } from "./picture.ts";
import { tableOf } from "./table.ts";

/** The most classes whose matrix can be read. */
const mostClasses = 20;
const mostPairs = 20;
const shades = 8;

/** The confusion matrix. A number opens the images behind it; of many classes it shows those that are confused most, and the pairs. */
export function confusionTable(answers: PartAnswers, pictures: ReadonlyMap<string, Picture>): Html {
  const { labels } = answers;
  const shown = shownClasses(answers);
  const dialogs = shownCells(answers, shown).map((cell) => cellDialog(answers, cell, pictures));
  const left = labels.length - shown.length;
  const note =
    left === 0
      ? undefined
      : html`<p>The ${shown.length} of ${labels.length.toLocaleString("en")} classes with the most mistakes; the other ${left.toLocaleString("en")} are left out here.</p>`;
  return html`<p>A row is the true class, a column the answer. A number opens its images.</p>
${note}${matrix(answers, shown, pictures)}
${labels.length > mostClasses ? pairsTable(answers) : undefined}${dialogs}`;
}

/** The images that `confusionTable` can show, mistakes first. */
export function imagesOfCells(answers: PartAnswers): readonly string[] {
  const cells = shownCells(answers, shownClasses(answers));
  const mistakesFirst = cells.toSorted((a, b) => Number(a.truth === a.answer) - Number(b.truth === b.answer));
  return mistakesFirst.flatMap(({ images }) => images.map(({ image }) => image));
}

/** All where they are few, else those that most mistakes concern; in their own order. */
function shownClasses({ labels, confusion }: PartAnswers): readonly number[] {
  const all = [...labels.keys()];
  if (labels.length <= mostClasses) return all;
  const mistakes = new Float64Array(labels.length);
  for (const { truth, predicted, samples } of confusedPairs(confusion)) {
    mistakes[truth] = (mistakes[truth] ?? 0) + samples;
    mistakes[predicted] = (mistakes[predicted] ?? 0) + samples;
  }
  const worst = all.toSorted((a, b) => (mistakes[b] ?? 0) - (mistakes[a] ?? 0));
  return worst.slice(0, mostClasses).sort((a, b) => a - b);
}

interface Cell {
  readonly truth: number;
  readonly answer: number;
  readonly count: number;
  readonly images: readonly JudgedImage[];
}

function shownCells({ labels, confusion, cells }: PartAnswers, shown: readonly number[]): readonly Cell[] {
  return shown.flatMap((truth) =>
    shown.flatMap((answer) => {
      const count = confusion[truth]?.[answer] ?? 0;
      return count === 0 ? [] : [{ truth, answer, count, images: cells.get(truth * labels.length + answer) ?? [] }];
    }),
  );
}

function matrix(answers: PartAnswers, shown: readonly number[], pictures: ReadonlyMap<string, Picture>): Html {
  const { labels, confusion } = answers;
  const name = (c: number) => labels[c] ?? "";
  const rows = shown.map((truth) => {
    const total = sum(confusion[truth] ?? []);
    const cells = shown.map((answer) => matrixCell(answers, { truth, answer, total }, pictures));
    return html`<tr><th scope="row">${name(truth)}</th>${cells}<td class="quiet">${total}</td></tr>
`;
  });
  return html`<div class="scroll" role="region" aria-label="Confusion matrix" tabindex="0"><table class="matrix">
<caption>Confusion matrix of ${counted(answers.count, "image")}</caption>
<thead><tr><th scope="col">true class</th>${shown.map((answer) => html`<th scope="col">${name(answer)}</th>`)}<th scope="col" class="quiet">all</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

function matrixCell(
  { labels, confusion }: PartAnswers,
  { truth, answer, total }: { readonly truth: number; readonly answer: number; readonly total: number },
  pictures: ReadonlyMap<string, Picture>,
): Html {
  const count = confusion[truth]?.[answer] ?? 0;
  if (count === 0) return html`<td class="quiet">0</td>`;
  const shade = Math.max(1, Math.round((shades * count) / total));
  const kind = truth === answer ? "right" : "wrong";
  const what = `${counted(count, "image")} of ${labels[truth]} answered ${labels[answer]}: ${pictures.size > 0 ? "show" : "list"} them`;
  return html`<td class="${kind} shade-${shade}"><button type="button" popovertarget="${dialogName(truth, answer)}" aria-label="${what}">${count}</button></td>`;
}

function cellDialog({ labels }: PartAnswers, cell: Cell, pictures: ReadonlyMap<string, Picture>): Html {
  const { truth, answer, count, images } = cell;
  const id = dialogName(truth, answer);
  const title = truth === answer ? `${labels[truth]}, and answered so` : `${labels[truth]}, answered ${labels[answer]}`;
  const left = count - images.length;
  return html`<div popover id="${id}" role="dialog" aria-labelledby="${id}-title" class="cell">
<h3 id="${id}-title">${title}</h3>
<p>${counted(count, "image")}${left > 0 ? `; here the ${images.length} with the highest probability` : ""}.</p>
<ul class="thumbnails">${images.map((judged) => thumbnail(judged, labels, pictures))}</ul>
<button type="button" popovertarget="${id}" popovertargetaction="hide">Close</button>
</div>
`;
}

function thumbnail(judged: JudgedImage, labels: readonly string[], pictures: ReadonlyMap<string, Picture>): Html {
  const { image, truth, answer, probability } = judged;
  const picture = pictures.get(image);
  const told = `${labels[truth]}, answered ${labels[answer]}`;
  return html`<li>${picture && pictureOf(picture, told)}<span class="name">${image}</span> ${percent(probability)}</li>
`;
}

function dialogName(truth: number, answer: number): string {
  return `cell-${truth}-${answer}`;
}

function pairsTable({ confusion, labels }: PartAnswers): Html {
  const pairs = confusedPairs(confusion);
  return tableOf({
    caption: `The most confused pairs (${Math.min(mostPairs, pairs.length)} of ${pairs.length.toLocaleString("en")})`,
    columns: ["true class", "answer", "images", "of the true class"],
    rows: pairs
      .slice(0, mostPairs)
      .map(({ truth, predicted, samples, share }) => [labels[truth], labels[predicted], samples, percent(share)]),
  });
}
