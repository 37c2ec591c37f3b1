import type { Explanation } from "../tasks/task.ts";

/** What is explained of a photo and where the picture lies; below it how the map did in its tests, where it was tested. */
export function explanationText({ file, label, probability, picture, check }: Explanation): string {
  const line = `${file}: ${label} ${(100 * probability).toFixed(1)} % → ${picture}`;
  if (check === undefined) return line;
  const { map, random, randomHeadCorrelation } = check;
  const beside = (name: "deletion" | "insertion") =>
    `${name} ${map[name].toFixed(3)} (random maps ${random[name].toFixed(3)})`;
  return `${line}\n  mean log-odds: ${beside("deletion")}, ${beside("insertion")}; rank correlation with a random head's map ${randomHeadCorrelation.toFixed(2)}`;
}
