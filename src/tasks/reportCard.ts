import { cards } from "../backbones/cards.ts";
import type { Platform } from "../platform/platform.ts";
import type { PartFigures } from "../report/headline.ts";
import { cardMark, modelCard } from "../report/modelCard.ts";
import type { RunRecords } from "./reportRecords.ts";
import { nameOfData } from "./resume.ts";
import type { RunFolder } from "./runFolder.ts";
import type { TaskEvent } from "./task.ts";

const cardFile = "README.md";

interface Subject {
  readonly folder: RunFolder;
  readonly records: RunRecords;
  readonly name: string;
  readonly parts: readonly PartFigures[];
  readonly labels: readonly string[];
}

/** Writes the model card; one that somebody else wrote stays as it is. */
export async function* writeCard(
  { folder, records, name, parts, labels }: Subject,
  platform: Platform,
): AsyncGenerator<TaskEvent> {
  if (labels.length === 0) return;
  if ((await folder.has(cardFile)) && !(await isOurs(folder, platform))) {
    yield { type: "note", text: `"${folder.file(cardFile)}" is not of graft report and stays as it is` };
    return;
  }
  const { config, splits, account, settings } = records;
  const { train, adapt } = config;
  const backbone = train?.backbone ?? adapt?.backbone;
  const way = account?.chosen ?? settings["strategy"];
  const text = modelCard({
    name,
    data: nameOfData(train?.data ?? adapt?.target, platform),
    labels,
    parts,
    trainingImages: splits?.train.length,
    backbone: backbone && platform.store.baseName(backbone),
    licence: licenceOf(backbone),
    strategy: typeof way === "string" ? way : undefined,
  });
  await folder.writeText(cardFile, text);
  yield { type: "artefact", kind: "model card", path: folder.file(cardFile) };
}

async function isOurs(folder: RunFolder, { store }: Platform): Promise<boolean> {
  return new TextDecoder().decode(await store.read(folder.file(cardFile))).includes(cardMark);
}

/** Of published weights, in the hub's way of writing it: what is built on them inherits it. */
function licenceOf(backbone: string | undefined): string | undefined {
  if (backbone === undefined) return undefined;
  const card = cards.find(({ name }) => name === backbone || name.startsWith(`${backbone}.`));
  return card?.licence.toLowerCase();
}
