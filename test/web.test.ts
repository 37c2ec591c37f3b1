import { existsSync, mkdirSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import { type Browser, chromium as playwright } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedChromium } from "./chromium.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";
import { servePlainly } from "./plainServer.fixture.ts";

const chromium = await installedChromium().then(
  ({ executablePath }) => executablePath,
  () => undefined,
);
const missing = chromium === undefined ? " (skipped: no Chromium; npm install @sparticuz/chromium)" : "";

const cwd = temporaryFolder();
// What Chromium's package needs of the environment, it has set.
const options = { cwd, cache: join(cwd, "cache"), env: { GRAFT_CHROMIUM: chromium ?? "" } };

describe.skipIf(chromium === undefined)(`in a real Chromium${missing}`, () => {
  let browser: Browser;
  let server: Server;
  let url = "";

  beforeAll(async () => {
    await writePhotos(join(cwd, "photos"), { red: [190, 80, 80], green: [80, 190, 80], blue: [80, 80, 190] }, 12, 40);
    await writeOddPhotos();
    const train = await graft(["train", "photos", "--epochs", "3", "--size", "24", "--out", "run"], options);
    expect(train.code, train.err).toBe(0);
    const { code, err, out } = await graft(["export", "run", "--to", "web"], options);
    expect(code, err).toBe(0);
    expect(out).toMatch(/^wasm .* agrees\nweb .* agrees$/m);
    expect(err).toContain(`page: ${join("run", "web")}\nto open it: npx serve`);
    ({ url, server } = await servePlainly(join(cwd, "run/web")));
    browser = await playwright.launch({
      executablePath: chromium ?? "",
      args: ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
    });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  /** The page, once its model is there, and everything it asked for and complained of. */
  async function openPage() {
    const page = await browser.newPage();
    const requests: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(url);
    await page.getByText("Ready.", { exact: true }).waitFor();
    return { page, requests, complaints };
  }
  type Page = Awaited<ReturnType<typeof openPage>>["page"];

  /** The cards of the answers, the newest first. */
  async function answers(page: Page, count: number): Promise<readonly string[]> {
    await page
      .locator("article")
      .nth(count - 1)
      .waitFor();
    return page.locator("article").allInnerTexts();
  }

  /** As when files are dragged from a folder and let go over the page. */
  function drop(page: Page, files: readonly { readonly name: string; readonly bytes: Buffer }[]): Promise<void> {
    const sent = files.map(({ name, bytes }) => ({ name, data: bytes.toString("base64") }));
    return page.evaluate((given) => {
      const dataTransfer = new DataTransfer();
      for (const { name, data } of given) {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name));
      }
      const dropped = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
      document.getElementById("drop")?.dispatchEvent(dropped);
    }, sent);
  }

  it("the page says of dropped photos what graft predict says, asks no other host and has nothing to complain of", async () => {
    const photos = ["photos/red/3.png", "photos/green/4.png", "photos/blue/5.png", "odd/turned/0.jpg", "odd-white.png"];
    const predicted = await graft(["predict", "run", ...photos, "--json"], options);
    expect(predicted.code, predicted.err).toBe(0);
    const { page, requests, complaints } = await openPage();
    const isUnknown = new Set<boolean | undefined>();
    await drop(
      page,
      photos.map((path) => ({ name: path, bytes: readFileSync(join(cwd, path)) })),
    );
    const cards = (await answers(page, photos.length)).toReversed();
    for (const [i, line] of predicted.out.trim().split("\n").entries()) {
      const { classes, set, unknown } = JSON.parse(line) as {
        classes: { label: string; probability: number }[];
        set?: string[];
        unknown?: { isUnknown: boolean };
      };
      isUnknown.add(unknown?.isUnknown);
      expect(cards[i]?.includes("unknown, unlike the training photos")).toBe(unknown?.isUnknown);
      const isOpen = unknown?.isUnknown === false && set !== undefined && set.length > 1;
      expect(cards[i]?.includes(`one of ${set?.join(", ")}`)).toBe(isOpen);
      expect(classes).toHaveLength(3);
      expect(cards[i]).toContain(photos[i]);
      const shown = Array.from(cards[i]?.matchAll(/^(red|green|blue)\s+([<>]? ?[\d.]+ %)$/gm) ?? []);
      expect(shown.map(([, label, share]) => [label, share])).toEqual(
        classes.map(({ label, probability }) => [label, shareOf(probability)]),
      );
      expect(cards[i]).toMatch(/\d+ ms: \d+ ms to decode, \d+ ms for the model/);
    }
    // Both kinds of photos are among them.
    expect(isUnknown).toEqual(new Set([true, false]));
    expect(requests.length).toBeGreaterThan(8);
    expect(requests.filter((asked) => !asked.startsWith(url) && !/^(blob|data):/.test(asked))).toEqual([]);
    expect(complaints).toEqual([]);
    // It cannot ask: the policy of the page forbids it.
    const foreign = await page.evaluate(async () => {
      const violated = new Promise((resolve) => {
        addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
      });
      await fetch("https://graft.invalid/").catch(() => undefined);
      return violated;
    });
    expect(foreign).toBe("connect-src");
    await page.close();
  });

  it("the page goes on answering without its server", async () => {
    const { page } = await openPage();
    await page.context().setOffline(true);
    await page.setInputFiles("#files", join(cwd, "photos/red/3.png"));
    expect((await answers(page, 1))[0]).toContain("3.png");
    await page.close();
  });

  it("the page says clearly what is no image, and goes on", async () => {
    const { page, complaints } = await openPage();
    await drop(page, [
      { name: "notes.txt", bytes: Buffer.from("not an image") },
      { name: "empty.png", bytes: Buffer.alloc(0) },
      { name: "cut.png", bytes: readFileSync(join(cwd, "photos/red/3.png")).subarray(0, 30) },
      { name: "whole.png", bytes: readFileSync(join(cwd, "photos/red/3.png")) },
    ]);
    const [whole, cut, empty, text] = await answers(page, 4);
    expect(text).toMatch(/notes\.txt\s+Could not be read: not an image that this browser can read: use a JPEG, PNG or/);
    expect(empty).toMatch(/empty\.png\s+Could not be read: the file is empty\./);
    expect(cut).toMatch(/cut\.png\s+Could not be read: not an image/);
    expect(whole).toMatch(/red\s+/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("the page is worked by keyboard and tells screen readers what it does", async () => {
    const { page } = await openPage();
    const focused = () => page.locator(":focus").innerText();
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Choose photos");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Use the camera");
    await page.keyboard.press("Enter");
    await page.locator("#take:focus").waitFor();
    await page.keyboard.press("Enter");
    expect((await answers(page, 1))[0]).toContain("Photo 1");
    expect(await page.getByRole("status").innerText()).toMatch(/^Photo 1: (red|green|blue), [<>\d]/);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await focused()).toBe("Use the camera");
    expect(await page.getByRole("status").innerText()).toBe("The camera is off.");
    await page.close();
  });

  it("the page fits a phone", async () => {
    const { page } = await openPage();
    await page.setViewportSize({ width: 320, height: 640 });
    await drop(page, [{ name: `${"long".repeat(30)}.png`, bytes: readFileSync(join(cwd, "photos/red/3.png")) }]);
    await answers(page, 1);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
    await page.close();
  });

  it("verify compares the browser's own decoder on turned, gray, transparent, CMYK and wide-gamut images", async () => {
    const verify = ["verify", "run", "--runtime", "web", "--data", "odd", "--json"];
    const { code, err, out } = await graft(verify, options);
    expect(code, err).toBe(0);
    const { entries } = JSON.parse(out.trim().split("\n").at(-1) ?? "");
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ runtime: "web", agreement: { sameLabels: 5, images: 5 }, disagreements: [] });
    const { decodeWorst, prepare, network } = entries[0].agreement;
    expect(decodeWorst).toBeLessThanOrEqual(1);
    expect(prepare).toBeLessThanOrEqual(1);
    expect(network).toBeLessThan(1e-4);
  });
});

describe("without a browser", () => {
  it("verify says what to name in GRAFT_CHROMIUM", async () => {
    await writePhotos(join(cwd, "two"), { red: [190, 80, 80], green: [80, 190, 80] }, 8, 24);
    const train = await graft(["train", "two", "--epochs", "1", "--size", "24", "--out", "other"], options);
    expect(train.code, train.err).toBe(0);
    const nowhere = { ...options, env: { GRAFT_CHROMIUM: join(cwd, "no-browser") } };
    const { code, err } = await graft(["verify", "other", "--runtime", "web"], nowhere);
    expect(code).toBe(1);
    expect(err).toMatch(/no-browser" does not start \(.*\)\. Name the executable of another Chromium, Chrome or Edge/);
    // The page does not need one to be written, but says that it was not tried.
    const exported = await graft(["export", "other", "--to", "web"], nowhere);
    expect(exported.code, exported.err).toBe(0);
    expect(exported.err).toContain("not tried in a browser");
    expect(existsSync(join(cwd, "other/web/index.html"))).toBe(true);
  });

  it("export writes over no folder of others, and takes no option of other forms", async () => {
    const over = await graft(["export", "other", "--to", "web", "--out", "two"], options);
    expect(over.code).toBe(1);
    expect(over.err).toContain('"two" exists and is no page that Graft wrote');
    const idle = await graft(["export", "other", "--to", "web", "--accept-loss"], options);
    expect(idle.code).toBe(2);
    expect(idle.err).toContain("--accept-loss does not apply to --to web");
  });
});

async function writeOddPhotos(): Promise<void> {
  // Unlike anything that it learned from.
  const [width, height] = [40, 40];
  await sharp({ create: { width, height, channels: 3, background: "white" } }).toFile(join(cwd, "odd-white.png"));
  const photo = () => sharp(join(cwd, "photos/red/1.png")).resize(60, 40, { fit: "fill" });
  for (const name of ["turned", "plain"]) mkdirSync(join(cwd, "odd", name), { recursive: true });
  await photo().withMetadata({ orientation: 6 }).jpeg().toFile(join(cwd, "odd/turned/0.jpg"));
  await photo().grayscale().jpeg().toFile(join(cwd, "odd/plain/gray.jpg"));
  await photo().ensureAlpha(0.4).png().toFile(join(cwd, "odd/plain/clear.png"));
  await photo().toColourspace("cmyk").jpeg().toFile(join(cwd, "odd/plain/inks.jpg"));
  await photo().withIccProfile("p3").jpeg().toFile(join(cwd, "odd/plain/wide.jpg"));
}

/** What the page shows of a probability. */
function shareOf(probability: number): string {
  if (probability > 0.999) return "> 99.9 %";
  if (probability < 0.001) return "< 0.1 %";
  return `${(100 * probability).toFixed(1)} %`;
}
