import type { Browser, BrowserType, LaunchOptions } from "playwright-core";
import { GraftError, messageOf } from "../base/errors.ts";

/** Browsers that may be installed, the one that Playwright brings first. */
const places: readonly LaunchOptions[] = [{}, { channel: "chrome" }, { channel: "msedge" }, { channel: "chromium" }];

/** Starts a headless Chromium: `GRAFT_CHROMIUM`, else one that is installed. Throws `system` where there is none, saying what to install. */
export async function startBrowser(): Promise<Browser> {
  const chromium = await loadPlaywright();
  const named = process.env["GRAFT_CHROMIUM"];
  if (named !== undefined) return startNamed(chromium, named);
  for (const place of places) {
    try {
      return await chromium.launch({ ...place, headless: true });
    } catch (thrown) {
      // The next may be installed.
      if (!/executable doesn't exist|is not found/i.test(messageOf(thrown)))
        throw notStarting(place.channel ?? "Chromium", thrown);
    }
  }
  throw new GraftError(
    "system",
    "no Chromium, Chrome or Edge was found. Install one (npx playwright-core install chromium), or name its executable in GRAFT_CHROMIUM.",
  );
}

async function startNamed(chromium: BrowserType, executablePath: string): Promise<Browser> {
  try {
    return await chromium.launch({ executablePath, headless: true });
  } catch (thrown) {
    throw notStarting(executablePath, thrown);
  }
}

function notStarting(browser: string, thrown: unknown): GraftError {
  const reason = messageOf(thrown).split("\n", 1)[0];
  return new GraftError(
    "system",
    `"${browser}" does not start (${reason}). Name the executable of another Chromium, Chrome or Edge in GRAFT_CHROMIUM.`,
    { cause: thrown },
  );
}

async function loadPlaywright(): Promise<BrowserType> {
  try {
    return (await import("playwright-core")).chromium;
  } catch (thrown) {
    throw new GraftError(
      "system",
      "a browser is driven by Playwright, which is not installed: npm install playwright-core",
      {
        cause: thrown,
      },
    );
  }
}
