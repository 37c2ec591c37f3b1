import { z } from "zod";
import { placesOfCopies } from "../data/duplicates.ts";
import type { Source } from "../data/source.ts";
import { splitNames } from "../data/source.ts";
import { examine, type Finding, severities } from "../doctor/finding.ts";
import { imageChecks } from "../doctor/imageChecks.ts";
import { countClasses } from "../doctor/imageFacts.ts";
import { labelChecks } from "../doctor/labelChecks.ts";
import { type FoundInData, findingList } from "../report/findingList.ts";
import type { Html } from "../report/html.ts";
import type { RunSplits } from "./reportRecords.ts";
import type { RunFolder } from "./runFolder.ts";

/** Where `graft audit --out` may leave its findings for the report. */
export const auditFile = "audit.json";

const auditSchema = z.object({
  findings: z.array(
    z.object({
      severity: z.enum(severities),
      check: z.string(),
      found: z.string(),
      why: z.string(),
      advice: z.string(),
    }),
  ),
});

interface Subject {
  readonly folder: RunFolder;
  readonly splits: RunSplits | undefined;
  /** Where the images lie; nothing, and no source, where they are not at hand. */
  readonly path: string | undefined;
  readonly source: Source | undefined;
  readonly backbone: string | undefined;
  readonly isWeighted: boolean;
}

/** What is wrong with the data: as `graft audit` found it, or what names, labels and hashes alone show. */
export async function dataFindings(subject: Subject): Promise<Html> {
  const { folder } = subject;
  if (await folder.has(auditFile)) {
    const audit = auditSchema.safeParse(await folder.readJson(auditFile)).data;
    if (audit !== undefined) return findingList(audit.findings, `As graft audit found it (${auditFile}).`);
  }
  const asked = `For copies that only look alike, wrong labels and shortcuts: graft audit ${subject.path ?? "DATA"} --backbone ${subject.backbone ?? "NETWORK"} --out ${folder.file(auditFile)}, then this report again.`;
  const { source, splits } = subject;
  if (source === undefined || splits === undefined) return findingList([], `The images were not looked at. ${asked}`);
  return findingList(
    quickFindings(source, splits, subject.isWeighted),
    `By names, labels and content hashes; the pictures were not looked at. ${asked}`,
  );
}

function quickFindings(source: Source, splits: RunSplits, isWeighted: boolean): readonly FoundInData[] {
  const labelOf = new Map(source.samples.map(({ id, label }) => [id, label]));
  const images = splitNames.flatMap((part) =>
    splits[part].map((id, i) => ({ id, part, key: splits.hashes?.[part][i] ?? id, label: labelOf.get(id) ?? -1 })),
  );
  const countsOf = (part: string) =>
    countClasses(
      images.filter((image) => image.part === part && image.label >= 0).map(({ label }) => label),
      source.labels.length,
    );
  const pictures: readonly Finding[] = examine(imageChecks, {
    images: images.map(({ id, part, label }) => ({ id, part, label: source.labels[label] ?? "" })),
    problems: source.problems,
    copies: placesOfCopies(images.map(({ key }) => key)),
    lookAlikes: [],
    tracks: undefined,
    empty: [],
  });
  const labels = examine(labelChecks, {
    labels: source.labels,
    train: countsOf("train"),
    validation: splits.validation.length === 0 ? undefined : countsOf("validation"),
    isWeighted,
  });
  return [...pictures, ...labels];
}
