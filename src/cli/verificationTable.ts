import { figure, type Tolerances } from "../artefact/agreement.ts";
import { alignTable } from "../metrics/textTable.ts";
import type { VerificationEntry } from "../tasks/task.ts";

/** A row for each runtime: its largest differences, stage by stage. */
export function formatVerification(entries: readonly VerificationEntry[], allowed: Tolerances): string {
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
  const told = `allowed: decode 0 with the same decoder, ${allowed.decode} on average with another; prepare ${allowed.prepare}; network ${allowed.network}; every label the same`;
  return `\n${alignTable([titles, ...rows])}\n\n${told}\n`;
}
