import type { Latency } from "../metrics/latency.ts";
import { alignTable } from "../metrics/textTable.ts";
import type { FormSpeed, InputSpeed, NetworkSpeed } from "../tasks/benchmark.ts";

/** From file to labels in each form, then the networks alone by threads and batch size, each beside the first form. */
export function formatBenchmark(
  { decode, prepare }: InputSpeed,
  forms: readonly FormSpeed[],
  networks: readonly NetworkSpeed[],
): string {
  const rows = forms.map(({ form, megabytes, openMs, firstMs, warm }) => [
    form,
    megabytes.toFixed(2),
    milliseconds(openMs),
    milliseconds(firstMs),
    ...latency(warm),
  ]);
  const [base] = forms;
  const ratio = ({ form, threads, batchSize, imagesPerSecond }: NetworkSpeed) => {
    const other = networks.find(
      (each) => each.form === base?.form && each.threads === threads && each.batchSize === batchSize,
    );
    return form === base?.form || other === undefined ? "" : (imagesPerSecond / other.imagesPerSecond).toFixed(2);
  };
  const perBatch = networks.map((speed) => [
    speed.form,
    String(speed.threads),
    String(speed.batchSize),
    ...latency(speed.run),
    speed.imagesPerSecond.toFixed(1),
    ratio(speed),
  ]);
  return [
    "\nfrom an image's file to its labels, one at a time",
    alignTable([["", "MB", "open ms", "first ms", "p50 ms", "p99 ms", "runs"], ...rows]),
    `of that: decoding ${milliseconds(decode.p50Ms)} ms, preparing ${milliseconds(prepare.p50Ms)} ms (p50)`,
    "\nthe network alone, on prepared images",
    alignTable([
      ["", "threads", "batch", "p50 ms", "p99 ms", "runs", "images/s", `× ${base?.form ?? ""}`],
      ...perBatch,
    ]),
    "",
  ].join("\n");
}

function latency({ count, p50Ms, p99Ms }: Latency): readonly string[] {
  return [milliseconds(p50Ms), milliseconds(p99Ms), String(count)];
}

function milliseconds(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}
