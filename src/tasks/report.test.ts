import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { denseModel } from "../explain/denseModel.fixture.ts";
import { nodePlatform } from "../node/platform.ts";
import { report } from "./report.ts";
import type { TaskEvent } from "./task.ts";

const root = mkdtempSync(join(tmpdir(), "graft-report-"));
const platform = nodePlatform({ cacheDir: join(root, "cache") });
const header = "image,split,label,answer,p(red),p(green)\n";

/** A run folder as training leaves it, of these files. */
function runOf(name: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  mkdirSync(join(root, name), { recursive: true });
  const config = JSON.stringify({ train: { data: join(root, "photos"), strategy: "scratch" } });
  for (const [file, content] of Object.entries({ "config.json": config, ...files }))
    writeFileSync(join(root, name, file), content);
  return join(root, name);
}

async function reported(run: string, more: Readonly<Record<string, unknown>> = {}) {
  const events: TaskEvent[] = [];
  for await (const event of report.run({ run, ...more }, platform, new AbortController().signal)) events.push(event);
  const written = events.flatMap((event) => (event.type === "artefact" ? [event.path] : []));
  const warnings = events.flatMap((event) => (event.type === "warning" ? [event.text] : []));
  return { page: readFileSync(written[0] ?? "", "utf8"), written, warnings };
}

describe("a report", () => {
  it("explains by occlusion where the network has no convolution, and says which methods apply", async () => {
    const pixels = new Uint8Array(24 * 24 * 3).fill(120);
    const photo = await platform.codec.encodePng({ width: 24, height: 24, channels: 3, data: pixels });
    for (const label of ["red", "green"]) {
      mkdirSync(join(root, "photos", label), { recursive: true });
      writeFileSync(join(root, "photos", label, "1.png"), photo);
    }
    const run = runOf("dense", {
      "model.onnx": denseModel(["red", "green"]),
      "predictions.csv": `${header}red/1.png,test,red,green,0.2,0.8\ngreen/1.png,test,green,green,0.1,0.9\n`,
    });
    const { page, warnings } = await reported(run);
    expect(warnings).toEqual([]);
    expect(page).toContain("so that Grad-CAM does not apply. Occlusion, integrated-gradients and smoothgrad do");
    const [shown = ""] = /<ul class="mistakes">.*?<\/ul>/s.exec(page) ?? [];
    // The photo, eight pixels, and the map.
    expect(shown).toContain('width="56" height="24" src="data:image/jpeg;base64,');
  });

  it("goes on where answers are no numbers, sums are not one and a class is absent, and says so", async () => {
    const rows = ["a.png,test,red,red,NaN,NaN", "b.png,test,red,red,0.9,0.9", "c.png,test,red,green,0.4,0.6"];
    const { page, warnings } = await reported(runOf("odd", { "predictions.csv": `${header}${rows.join("\n")}\n` }), {
      data: join(root, "photos"),
    });
    expect(warnings[0]).toContain('1 answer left out, with a probability that is no number: "a.png"');
    expect(warnings[1]).toContain('the probabilities of 1 image do not sum to one: "b.png"');
    for (const text of warnings.slice(0, 2)) expect(page).toContain(text.slice(0, 30));
    expect(page).toContain("<strong>50.0 %</strong> right, of 2 images (test)");
    expect(page).toContain("nothing can be said of them: green.");
    expect(page).toContain("these are all of one class");
    expect(page).toContain("The photos are shown without an explanation");
  });

  it("tells of each target where there are several", async () => {
    const interval = { lower: 0.4, upper: 0.9 };
    const figures = {
      validation: {
        kind: { count: 10, accuracy: 0.7, majority: 0.5, intervals: { accuracy: interval } },
        "weight_<g>": { count: 8, mae: 1.25, rmse: 2.5 },
      },
      trust: { kind: { calibration: {} } },
    };
    const config = { train: { data: "labels.csv", targets: "kind,weight_<g>" } };
    const run = runOf("several", { "config.json": JSON.stringify(config), "metrics.json": JSON.stringify(figures) });
    const { page } = await reported(run);
    expect(page).toContain("<td>70.0 %</td><td>40.0–90.0 %</td><td>50.0 %</td>");
    expect(page).toContain('<th scope="row">weight_&lt;g&gt;</th><td>validation</td><td>8</td><td>1.250</td>');
    expect(page).toContain("Images of runs with several targets are not shown.");
  });

  it("says that nothing was measured where nothing was held out, and shows the rest", async () => {
    const history = [1, 2].map((epoch) => JSON.stringify({ epoch, loss: 1 / epoch })).join("\n");
    const run = runOf("unheld", { "predictions.csv": header, "history.jsonl": history });
    const { page, written } = await reported(run, { data: join(root, "photos") });
    expect(page).toContain("Nothing was measured: the run held no labelled images out");
    expect(page).toContain('id="curve-loss"');
    expect(readFileSync(written[1] ?? "", "utf8")).toContain("It was not measured");
  });

  it("reports on other data by the answers of graft evaluate, and leaves the run's own report and a card of somebody's", async () => {
    const run = runOf("elsewhere", { "README.md": "# mine\n" });
    const predictions = join(root, "field.csv");
    writeFileSync(predictions, `${header}red/1.png,all,red,red,0.75,0.25\n`);
    const { page, written } = await reported(run, { predictions, data: join(root, "photos") });
    expect(written).toEqual([join(run, "report-field.html")]);
    expect(page).toContain("<strong>100.0 %</strong> right, of 1 image (all)");
    await reported(runOf("elsewhere", { "predictions.csv": header }), { data: join(root, "photos") });
    expect(readFileSync(join(run, "README.md"), "utf8")).toBe("# mine\n");
  });

  it("takes the findings of an audit", async () => {
    const finding = { severity: "serious", check: "wrong-labels", found: "<b>", why: "why.", advice: "do" };
    const run = runOf("audited", { "audit.json": JSON.stringify({ findings: [finding] }) });
    const { page } = await reported(run, { data: join(root, "photos") });
    expect(page).toContain("<strong>serious: wrong labels</strong><br>&lt;b&gt;.");
  });

  it("reads the accounts of auto, of a source and of adapt", async () => {
    const tried = { seconds: 75, accuracy: 0.9, gain: -0.01, standardError: 0.02 };
    const accounts = [
      { trials: [{ strategy: "way", ...tried }], chosen: "way", reasons: ["because"], settings: {} },
      { trials: [{ name: "way", ...tried }], chosen: "way", reason: "because", source: {} },
      {
        validator: "infoMax",
        trials: [{ method: "way", setting: "", seconds: 75, accuracy: { mean: 0.9 } }],
        chosen: { method: "way", setting: "" },
        reasons: ["because"],
      },
    ];
    for (const [i, account] of accounts.entries()) {
      const { page } = await reported(runOf("account", { "account.json": JSON.stringify(account) }), {
        data: join(root, "photos"),
      });
      expect(page).toContain("Chosen: <strong>way</strong>");
      expect(page).toContain('<th scope="row">way</th><td>1 min 15 s</td><td>90.0 %</td>');
      expect(page).toContain("<p>because</p>");
      expect(page.includes("−1.0 ± 2.0")).toBe(i < 2);
    }
  });

  it("refuses what is no run, and predictions of unknown classes", async () => {
    await expect(reported(join(root, "nowhere"))).rejects.toThrow(/is not a run folder: it has no config\.json/);
    const run = runOf("wrong", { "predictions.csv": `${header}a.png,test,blue,red,1,0\n` });
    await expect(reported(run)).rejects.toThrow(/"a\.png" is of "blue", which has no column p\(blue\)/);
  });
});
