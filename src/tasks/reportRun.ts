import type { Platform } from "../platform/platform.ts";
import { accountTable } from "../report/accountTable.ts";
import { costTable } from "../report/costTable.ts";
import { html } from "../report/html.ts";
import type { Section } from "../report/page.ts";
import { settingsTable } from "../report/settingsTable.ts";
import { dataFindings } from "./reportFindings.ts";
import type { ReportOrigin } from "./reportOrigin.ts";
import type { RunRecords } from "./reportRecords.ts";
import type { RunFolder } from "./runFolder.ts";

interface Subject {
  readonly folder: RunFolder;
  readonly records: RunRecords;
  readonly origin: ReportOrigin;
}

/** What a page tells of the run itself: its data, its choices, its cost, its settings. */
export async function runSections(
  { folder, records, origin }: Subject,
  { store }: Platform,
): Promise<readonly Section[]> {
  const { config, splits, account, cost, settings } = records;
  const history = await folder.readHistory();
  const durations = history.flatMap((log) => log["duration_ms"] ?? []);
  const findings = await dataFindings({
    folder,
    splits,
    path: origin.path,
    backbone: config.train?.backbone ?? config.adapt?.backbone,
    // Splits of adaptations are of two data sets, whose names may be alike.
    source: config.adapt === undefined ? origin.source : undefined,
    isWeighted: Array.isArray(config.classWeights),
  });
  const way = settings["strategy"] ?? settings["method"];
  const command = config.adapt === undefined ? "train" : "adapt";
  const body = costTable({
    seconds: cost?.seconds,
    isResumed: cost?.isResumed ?? false,
    epochs: history.length,
    epochSeconds: durations.length === 0 ? undefined : durations.reduce((a, b) => a + b, 0) / durations.length / 1000,
    peakMemoryBytes: cost?.peakMemoryBytes,
    modelBytes: (await store.info(folder.file("model.onnx")))?.size,
  });
  return [
    { id: "data", title: "Data", body: findings },
    {
      id: "strategy",
      title: "How the strategy was chosen",
      body:
        account === undefined
          ? html`<p>One way was asked for and nothing compared: <strong>${typeof way === "string" ? way : "see the settings"}</strong>.</p>`
          : accountTable(account),
    },
    { id: "cost", title: "What it cost", body },
    {
      id: "settings",
      title: "Settings",
      body: settingsTable(settings, `graft ${command} --config ${folder.file("config.json")}`),
    },
  ];
}
