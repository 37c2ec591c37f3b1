import type { Html } from "./html.ts";
import { duration } from "./numbers.ts";
import { tableOf } from "./table.ts";

/** What a run took; what nobody measured is undefined. */
export interface CostFigures {
  readonly seconds: number | undefined;
  readonly isResumed: boolean;
  readonly epochs: number;
  readonly epochSeconds: number | undefined;
  readonly peakMemoryBytes: number | undefined;
  readonly modelBytes: number | undefined;
}

export function costTable(cost: CostFigures): Html {
  const unknown = "not recorded";
  const megabytes = (bytes: number | undefined) => (bytes === undefined ? unknown : `${(bytes / 1e6).toFixed(1)} MB`);
  const seconds = (value: number | undefined) => (value === undefined ? unknown : duration(value));
  const whole = cost.isResumed ? "from the last start to the saved model" : "from the start to the saved model";
  return tableOf({
    caption: "Time, memory and size",
    columns: ["what", "figure"],
    rows: [
      [whole, seconds(cost.seconds)],
      [`epochs of the model that was kept: ${cost.epochs}, each`, seconds(cost.epochSeconds)],
      ["memory of the process at most", megabytes(cost.peakMemoryBytes)],
      ["model.onnx", megabytes(cost.modelBytes)],
    ],
  });
}
