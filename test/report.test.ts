import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, chromium as playwright } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stagedClassifier } from "../src/backbones/classifier.fixture.ts";
import { installedChromium } from "./chromium.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const chromium = await installedChromium().then(
  ({ executablePath }) => executablePath,
  () => undefined,
);
const missing = chromium === undefined ? " (skipped: no Chromium; npm install @sparticuz/chromium)" : "";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
/** A class whose name would run a script, if anything were not escaped. */
const hostile = "<img src=x onerror=alert(1)>";
const page = () => readFileSync(join(cwd, "run/report.html"), "utf8");
const report = (...args: readonly string[]) => graft(["report", ...args], options);

beforeAll(async () => {
  writeFileSync(join(cwd, "staged.onnx"), stagedClassifier());
  // Hardly to be told apart, so that there are mistakes.
  await writePhotos(join(cwd, "photos"), { red: [130, 125, 125], [hostile]: [125, 130, 125] }, 24, 24);
  const train = [
    "train",
    "photos",
    "--backbone",
    "staged.onnx",
    "--validation",
    "0.5",
    "--epochs",
    "2",
    "--out",
    "run",
  ];
  const trained = await graft(train, options);
  expect(trained.code, trained.err).toBe(0);
  expect(trained.err).toContain("all about it in one page: graft report run");
  const { code, err } = await report("run");
  expect(code, err).toBe(0);
  expect(err).toContain(`report: ${join("run", "report.html")}\nmodel card: ${join("run", "README.md")}`);
});

describe("graft report", () => {
  it("tells the figures of the run, what was tried and what it took", () => {
    const { validation } = JSON.parse(readFileSync(join(cwd, "run/metrics.json"), "utf8"));
    const percent = (share: number) => (100 * share).toFixed(1);
    const { lower, upper } = validation.intervals.accuracy;
    expect(page()).toContain(`<strong>${percent(validation.accuracy)} %</strong> right, of 24 images (validation)`);
    expect(page()).toContain(`${percent(lower)}–${percent(upper)} % (Wilson)`);
    const { trials, chosen } = JSON.parse(readFileSync(join(cwd, "run/account.json"), "utf8"));
    expect(page()).toContain(`Chosen: <strong>${chosen}</strong>`);
    for (const { strategy } of trials) expect(page()).toContain(`<th scope="row">${strategy}</th>`);
    expect(page()).toMatch(/memory of the process at most<\/th><td>\d+\.\d MB/);
    expect(page()).toContain("before, ");
    expect(page().match(/Grad-CAM shows/g)).toHaveLength(1);
    expect(page()).not.toContain("<img src=x");
    const card = readFileSync(join(cwd, "run/README.md"), "utf8");
    expect(card).toContain("\\<img src=x onerror=alert(1)\\>");
  });

  it("finds images that were moved, and says which are missing or changed", async () => {
    renameSync(join(cwd, "photos"), join(cwd, "moved"));
    const lost = await report("run");
    expect(lost.code, lost.err).toBe(0);
    expect(lost.err).toMatch(/warning: The images are not where they were: .*name the place with --data/);
    expect(page()).toContain("The images are not where they were");
    expect(page()).not.toContain("data:image/jpeg");
    const { validation } = JSON.parse(readFileSync(join(cwd, "run/splits.json"), "utf8"));
    const [gone = "", changed = ""] = validation;
    rmSync(join(cwd, "moved", gone));
    const others = readdirSync(join(cwd, "moved/red")).filter((name) => !changed.endsWith(`/${name}`));
    writeFileSync(join(cwd, "moved", changed), readFileSync(join(cwd, "moved/red", others[0] ?? "")));
    const found = await report("run", "--data", "moved");
    expect(found.code, found.err).toBe(0);
    expect(found.err).toContain('2 images of "moved" cannot be shown');
    expect(found.err).toContain(`"${gone}: not there any more"`);
    expect(found.err).toContain(`"${changed}: changed since the run"`);
    expect(page().match(/class="missing"/g)?.length).toBeGreaterThanOrEqual(2);
  });
});

describe.skipIf(chromium === undefined)(`its page in a real Chromium${missing}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await playwright.launch({ executablePath: chromium ?? "", headless: true });
  });
  afterAll(() => browser?.close());

  it.each(["light", "dark"] as const)(
    "asks nobody, complains of nothing and shuts nobody out: %s",
    async (colorScheme) => {
      const tab = await browser.newPage({ colorScheme, viewport: { width: 360, height: 740 } });
      const requests: string[] = [];
      const complaints: string[] = [];
      tab.on("request", (request) => requests.push(request.url()));
      tab.on("console", (message) => complaints.push(message.text()));
      tab.on("pageerror", (error) => complaints.push(String(error)));
      tab.on("dialog", (dialog) => complaints.push(dialog.message()));
      const url = pathToFileURL(join(cwd, "run/report.html")).href;
      await tab.goto(url);
      expect(await tab.evaluate("document.documentElement.scrollWidth")).toBe(360);
      const cell = tab.locator(".matrix .right button").first();
      await cell.focus();
      await tab.keyboard.press("Enter");
      const dialog = tab.locator("[popover]:popover-open");
      await dialog.waitFor();
      const pictures = dialog.locator("img");
      expect(await pictures.count()).toBeGreaterThan(0);
      for (const picture of await pictures.all()) await picture.evaluate((image: HTMLImageElement) => image.decode());
      expect(await violations(tab)).toEqual([]);
      await tab.keyboard.press("Escape");
      expect(await tab.locator("[popover]:popover-open").count()).toBe(0);
      expect(await violations(tab)).toEqual([]);
      expect(requests.filter((asked) => asked !== url && !asked.startsWith("data:"))).toEqual([]);
      expect(complaints).toEqual([]);
      await tab.close();
    },
  );

  /** What axe finds of serious or critical; it is put in as a debugger would, which the page's policy does not bind. */
  async function violations(tab: Awaited<ReturnType<Browser["newPage"]>>): Promise<readonly string[]> {
    await tab.evaluate(axe.source);
    const found: { passes: unknown[]; violations: { id: string; impact: string; nodes: { html: string }[] }[] } =
      await tab.evaluate("axe.run()");
    expect(found.passes.length).toBeGreaterThan(10);
    return found.violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  }
});
