import { figure, type Tolerances } from "../artefact/agreement.ts";
import { alignTable } from "../metrics/textTable.ts";
import type { VerificationEntry } from "../tasks/task.ts";

/** A row for each runtime: its largest differences, stage by stage. */
export function formatVerification(entries: readonly VerificationEntry[], allowed: Tolerances | undefined): string {
  const rows = entries.map(({ runtime, agreement, disagreements }) => [
    runtime,
    `${figure(agreement.decode)} (worst ${figure(agreement.decodeWorst)})`,
    figure(agreement.prepare),
    figure(agreement.network),
    figure(agreement.served),
    `${agreement.sameLabels} of ${agreement.images}`,
    disagreements.length === 0 ? "agrees" : "DIFFERS",
  ]);
  const titles = ["", "decode, levels", "prepare, levels", "network, logits", "file to logits", "same label", ""];
  const table = `\n${alignTable([titles, ...rows])}\n`;
  if (allowed === undefined) return table;
  return `${table}\nallowed: decode 0 with the same decoder, ${allowed.decode} on average with another; prepare ${allowed.prepare}; network ${allowed.network} of how far the logits lie apart, or of 1; every label the same\n`;
}
