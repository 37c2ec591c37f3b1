import { diagnose, formatFindings, GraftError } from "../../src/index.ts";
import { someDigits } from "./digits.ts";
import { pretrainedMistakes } from "./pretrained.ts";
import { type Attempt, type Mistake, mistakesOn } from "./recipes.ts";

const [weights, photos] = process.argv.slice(2);
const mistakes: readonly Mistake[] = [
  ...mistakesOn(await someDigits()),
  ...(weights === undefined || photos === undefined ? [] : await pretrainedMistakes(weights, photos)),
];
for (const { title, broken, repaired, unmeasured } of mistakes) {
  const [before, after] = [broken(), repaired()];
  console.log(`\n## ${title}\n\n${await toldBy(before)}\n`);
  if (unmeasured === undefined)
    console.log(`as printed: ${await measured(before)}\nrepaired:   ${await measured(after)}`);
  else console.log(`not trained: ${unmeasured}`);
  console.log(`doctor on the repaired one: ${(await seriousChecks(after)).join(", ") || "nothing serious"}`);
}

async function toldBy({ model, train, options }: Attempt): Promise<string> {
  const findings = await diagnose(model, train, options);
  return formatFindings(findings.filter(({ severity }) => severity !== "hint"));
}

async function seriousChecks({ model, train, options }: Attempt): Promise<readonly string[]> {
  const findings = await diagnose(model, train, options);
  return findings.filter(({ severity }) => severity === "serious").map(({ check }) => check);
}

/** Accuracy on held-out samples after `fit`, or why there is none. */
async function measured({ model, train, options, test }: Attempt): Promise<string> {
  try {
    await model.fit(train, options);
    const { accuracy = Number.NaN } = await model.evaluate(test);
    return `${(100 * accuracy).toFixed(1)} % of the held-out images`;
  } catch (error) {
    if (error instanceof GraftError) return `fails: ${error.message}`;
    throw error;
  }
}
