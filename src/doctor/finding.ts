/** `serious` makes figures wrong or training fail; a `warning` costs accuracy; a `hint` is to be known. */
export const severities = ["serious", "warning", "hint"] as const;
export type Severity = (typeof severities)[number];

type Evidence = Readonly<Record<string, EvidenceValue>>;
type EvidenceValue =
  | string
  | number
  | boolean
  | undefined
  | readonly EvidenceValue[]
  | { readonly [name: string]: EvidenceValue };

/** Something that a check found: what it rests on as data, and in words. */
export interface Finding {
  readonly check: string;
  readonly severity: Severity;
  readonly evidence: Evidence;
  /** What was found, with its numbers. */
  readonly found: string;
  /** Why it matters, in a sentence. */
  readonly why: string;
  /** What to do about it: an option, or code. */
  readonly advice: string;
}

/** One question to facts of a kind. */
export interface Check<Facts> {
  readonly name: string;
  examine(facts: Facts): Finding | undefined;
}

/** A check as it is written: `find` gives the evidence or nothing, the rest puts it into words. */
interface Rule<Facts, E extends Evidence> {
  find(facts: Facts): E | undefined;
  readonly severity: Severity | ((evidence: E) => Severity);
  found(evidence: E): string;
  readonly why: string;
  readonly advice: string | ((evidence: E) => string);
}

/** Defines a check by its name and its rule. */
export function defineCheck<Facts, E extends Evidence>(name: string, rule: Rule<Facts, E>): Check<Facts> {
  return {
    name,
    examine(facts) {
      const evidence = rule.find(facts);
      if (evidence === undefined) return undefined;
      const { severity, advice, why } = rule;
      return {
        check: name,
        severity: typeof severity === "function" ? severity(evidence) : severity,
        evidence,
        found: rule.found(evidence),
        why,
        advice: typeof advice === "function" ? advice(evidence) : advice,
      };
    },
  };
}

/** What the checks find, the most serious first. */
export function examine<Facts>(checks: readonly Check<Facts>[], facts: Facts): readonly Finding[] {
  return bySeverity(checks.flatMap((check) => check.examine(facts) ?? []));
}

/** The most serious first, else in their order. */
export function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return severities.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

/** Findings for people, a paragraph each. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ check, severity, found, why, advice }) => `${severity}: ${check}\n  ${found}\n  ${why}\n  → ${advice}`)
    .join("\n\n");
}

/** How many findings of each severity there are. */
export function summaryOf(findings: readonly Finding[]): string {
  if (findings.length === 0) return "nothing found";
  return severities
    .map((severity) => [severity, findings.filter((finding) => finding.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => (severity === "serious" ? `${count} serious` : counted(count, severity)))
    .join(", ");
}

/** `63.2 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** The first few of a list, and how many more there are. */
export function listed(texts: readonly string[], limit = 3): string {
  const more = texts.length > limit ? [`and ${texts.length - limit} more`] : [];
  return [...texts.slice(0, limit), ...more].join(", ");
}

/** `1 image`, `2 images`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
