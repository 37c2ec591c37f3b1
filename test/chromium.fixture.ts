import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { type Browser, type Page, chromium as playwright } from "playwright-core";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const html = `<!doctype html><title>Graft</title>
<script type="module">import * as ort from "/ort/ort.wasm.min.mjs"; globalThis.ort = ort;</script>`;

/** Chromium with the shared libraries that its package brings, as on AWS Lambda, so that the system needs none. */
export async function installedChromium() {
  process.env["AWS_LAMBDA_JS_RUNTIME"] = "nodejs20.x";
  const { default: chromium } = await import("@sparticuz/chromium");
  return { executablePath: await chromium.executablePath(), args: chromium.args };
}

/** A page in headless Chromium from npm, on a server of its own that gives it onnxruntime-web, as the global `ort`. */
export async function openPage(): Promise<{ readonly page: Page; close(): Promise<void> }> {
  const dist = join(process.cwd(), "node_modules/onnxruntime-web/dist");
  const server = createServer((request, response) => {
    const name = /^\/ort\/([\w.-]+)$/.exec(request.url ?? "")?.[1];
    const path = name === undefined ? undefined : join(dist, name);
    const isPage = request.url === "/";
    response.writeHead(isPage || (path !== undefined && existsSync(path)) ? 200 : 404, {
      "content-type": types[extname(name ?? "index.html")] ?? "application/octet-stream",
      // Without these two there are no threads.
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    if (path !== undefined && existsSync(path)) createReadStream(path).pipe(response);
    else response.end(isPage ? html : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const browser: Browser = await playwright.launch({ ...(await installedChromium()), headless: true });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.waitForFunction("globalThis.ort !== undefined");
  return {
    page,
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
