import { coral } from "../src/adapt/coral.ts";
import type { Adaptation } from "../src/adapt/domainMap.ts";
import type { Domains } from "../src/adapt/domains.ts";
import { tca } from "../src/adapt/tca.ts";
import type { Compute } from "../src/algebra/compute.ts";
import { stream } from "../src/base/random.ts";
import type { Rows } from "../src/base/rows.ts";

const [images, width] = [20_000, 1280];

type Fit = (domains: Domains, compute: Compute) => Promise<Adaptation>;

const fits: Readonly<Record<string, Fit>> = {
  "TCA, linear": (domains, compute) => tca(domains, {}, compute),
  "TCA, Gaussian, 1,000 landmarks": (domains, compute) => tca(domains, { kernel: { kind: "gaussian" } }, compute),
  CORAL: (domains, compute) => coral(domains, {}, compute),
};

/** How long methods take on as many features as MobileNetV2 gives for 20,000 images, and the most memory that the process held so far. */
export async function printAdaptationScale(compute: Compute): Promise<void> {
  const domains = { source: features(images / 2, 0), target: features(images / 2, 1) };
  console.log(`| ${images} × ${width} features | s | peak of the process, MB |\n| --- | --- | --- |`);
  for (const [name, fit] of Object.entries(fits)) {
    const start = performance.now();
    await fit(domains, compute);
    const seconds = (performance.now() - start) / 1000;
    console.log(`| ${name} | ${seconds.toFixed(1)} | ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} |`);
  }
}

/** Features of falling variance, as real ones are, in float32. */
function features(count: number, domain: number): Rows {
  const random = stream(0, "features", domain);
  const values = Float32Array.from({ length: count * width }, (_, i) => {
    const place = i % width;
    return (random.uniform(-1, 1) + 0.2 * domain) / Math.sqrt(1 + place / 20);
  });
  return { values, count, width };
}
