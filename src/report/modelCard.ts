import { frontMatter } from "./frontMatter.ts";
import type { PartFigures } from "./headline.ts";
import { counted, fixed, percent, percentRange } from "./numbers.ts";

/** What a model card says of a classifier. */
export interface CardSubject {
  readonly name: string;
  /** What the data set is called. */
  readonly data: string;
  readonly labels: readonly string[];
  /** The most telling part first. */
  readonly parts: readonly PartFigures[];
  readonly trainingImages: number | undefined;
  /** Published network that it was built on, as the user named it. */
  readonly backbone: string | undefined;
  /** SPDX name in lower case, where it is known. */
  readonly licence: string | undefined;
  readonly strategy: string | undefined;
}

/** By this a card is known as written here, so that it may be written over. */
export const cardMark = "<!-- graft report -->";

const labelsShown = 50;

/** A `README.md` with the front matter of Hugging Face's model cards. */
export function modelCard(subject: CardSubject): string {
  const { name, data, labels, parts, licence } = subject;
  const [main] = parts;
  const matter = frontMatter({
    license: licence ?? "unknown",
    library_name: "graft",
    pipeline_tag: "image-classification",
    tags: ["image-classification", "transfer-learning", "onnx", "graft"],
    datasets: [identifierOf(data)],
    metrics: ["accuracy", "f1"],
    "model-index": [{ name, results: parts.map((part) => resultOf(part, data)) }],
  });
  const shown = labels.slice(0, labelsShown).map(plain);
  const more = labels.length > labelsShown ? [`and ${labels.length - labelsShown} more`] : [];
  const result =
    main === undefined
      ? "It was not measured: no labelled images were held out."
      : `Of ${counted(main.count, `${main.part} image`)} it names ${percent(main.accuracy)} rightly (95 % interval ${percentRange(main.interval)}, Wilson). Always naming the most frequent class would be right in ${percent(main.majority.share)}.`;
  return `${matter}
${cardMark}

# ${plain(name)}

A classifier of photos with ${counted(labels.length, "class", "classes")}: ${[...shown, ...more].join(", ")}.

${result}

${figuresTable(parts)}
## How it was made

${madeText(subject)}

## What it is for, and what not

It tells these classes apart on photos like those it learned from, and always names one of them: a photo of anything else gets a name too. Whether other
cameras, places or times of year change the figures was not measured; measure it with \`graft evaluate\` on labelled photos from where it will be used.

## How to use it

\`model.onnx\` takes RGB bytes \`[N, H, W, 3]\` of any size and gives \`probabilities\` \`[N, ${labels.length}]\`, in the order of \`labels.txt\`; resizing, cropping and
normalisation are part of it. \`report.html\` shows its mistakes.
`;
}

function resultOf({ part, accuracy, macroF1 }: PartFigures, data: string) {
  return {
    task: { type: "image-classification", name: "Image classification" },
    dataset: { type: identifierOf(data), name: data, split: part },
    metrics: [
      { type: "accuracy", name: "Accuracy", value: rounded(accuracy) },
      { type: "f1", name: "Macro F1", value: rounded(macroF1) },
    ],
  };
}

function figuresTable(parts: readonly PartFigures[]): string {
  if (parts.length === 0) return "";
  const rows = parts.map(
    ({ part, count, accuracy, interval, majority, balancedAccuracy, macroF1, auc }) =>
      `| ${plain(part)} | ${count} | ${percent(accuracy)} | ${percentRange(interval)} | ${percent(majority.share)} | ${percent(balancedAccuracy)} | ${fixed(macroF1)} | ${fixed(auc)} |`,
  );
  return `| part | images | accuracy | 95 % interval | majority class | balanced accuracy | macro F1 | ROC AUC |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function madeText({ backbone, data, trainingImages, strategy, licence }: CardSubject): string {
  const images = trainingImages === undefined ? "photos" : counted(trainingImages, "photo");
  const base = backbone === undefined ? "Trained from scratch" : `Built on the pretrained network ${plain(backbone)}`;
  const way = strategy === undefined ? "" : ` by ${plain(strategy)}`;
  const terms = licence === undefined ? " Under which licence it may be passed on, its maker has to say." : "";
  return `${base}, with ${images} of ${plain(data)}${way}. \`config.json\` holds every setting.${terms}`;
}

/** Fits the hub's rule for names. */
function identifierOf(name: string): string {
  return name.replace(/[^\w.-]+/g, "-").replace(/^[-.]+|[-.]+$/g, "") || "images";
}

/** Names are anybody's: none may become markup. */
function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|!~]/g, "\\$&").replace(/\s+/g, " ");
}

function rounded(value: number): number {
  return Number(value.toFixed(4));
}
