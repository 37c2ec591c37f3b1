import type { JudgedImage } from "./answerTally.ts";
import { type Html, html } from "./html.ts";
import { percent } from "./numbers.ts";
import { type Picture, pictureOf } from "./picture.ts";

export interface ShownMistakes {
  readonly mistakes: readonly JudgedImage[];
  readonly labels: readonly string[];
  /** By image: the photo with the explanation beside it, or the photo alone. */
  readonly pictures: ReadonlyMap<string, Picture>;
  /** How the pictures explain the answer, or why they do not. */
  readonly method: string;
}

/** The wrong answers that were given with the highest probability. */
export function mistakeGallery({ mistakes, labels, pictures, method }: ShownMistakes): Html {
  if (mistakes.length === 0) return html`<p>No answer was wrong.</p>`;
  const items = mistakes.map((mistake) => {
    const { image, truth, answer, probability } = mistake;
    const told = `A photo of ${labels[truth]} that was taken for ${labels[answer]}, and where the network looked`;
    const picture = pictures.get(image);
    return html`<li><figure>${picture && pictureOf(picture, told)}
<figcaption><strong>${labels[answer]}</strong> ${percent(probability)}, but it is <strong>${labels[truth]}</strong><br><span class="name">${image}</span></figcaption></figure></li>
`;
  });
  return html`<p>${method}</p>
<ul class="mistakes">${items}</ul>`;
}
