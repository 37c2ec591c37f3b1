import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Fault, FaultyServer } from "../platform/fetcher.fixture.ts";

export const commit = "0123456789abcdef0123456789abcdef01234567";

/** Requests that have arrived, in short: "GET /a/b/resolve/main/x bytes=5- (token)". */
export interface Arrival {
  readonly text: string;
  readonly authorization: string | undefined;
}

/** A hub of one repository on this machine, which fails as it is told. */
export class HubServer implements FaultyServer {
  readonly arrivals: Arrival[] = [];
  /** Faults of the next requests for content, first to last; then it behaves. */
  faults: Fault[] = [];
  /** The same for look-ups. */
  lookUpFaults: Fault[] = [];
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly repository: string;
  readonly #server: Server;

  constructor(files: ReadonlyMap<string, Uint8Array>, repository = "owner/model") {
    this.files = files;
    this.repository = repository;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  /** Requests for content so far. */
  get contents(): readonly string[] {
    return this.arrivals.flatMap(({ text }) => (text.includes("/api/") ? [] : [text]));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    this.arrivals.push({
      text: [method, url, headers.range].filter(Boolean).join(" "),
      authorization: headers.authorization,
    });
    const isLookUp = url.startsWith("/api/");
    const fault = (isLookUp ? this.lookUpFaults : this.faults).shift();
    if (fault?.kind === "status") return void response.writeHead(fault.status, fault.headers).end("no");
    if (fault?.kind === "redirect") return void response.writeHead(302, { location: fault.to }).end();
    if (!isLookUp) return this.#content(request, response, fault);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (fault?.kind === "hang") return void response.flushHeaders();
    this.#lookUp(url, Buffer.concat(chunks).toString(), response);
  }

  #lookUp(url: string, body: string, response: ServerResponse): void {
    response.setHeader("content-type", "application/json");
    const [, repository, what, revision] = /^\/api\/models\/([^/]+\/[^/]+)\/([^/]+)\/([^/?]+)/.exec(url) ?? [];
    if (repository !== this.repository || (revision !== "main" && revision !== commit)) {
      response.writeHead(404).end('{"error": "Repository not found"}');
    } else if (what === "revision") {
      response.end(JSON.stringify({ _id: "1", id: repository, sha: commit, lastModified: "2024-01-01T00:00:00Z" }));
    } else {
      const { paths }: { readonly paths: readonly string[] } = JSON.parse(body);
      response.end(JSON.stringify(paths.flatMap((path) => this.#pathInfo(path))));
    }
  }

  #pathInfo(path: string): readonly unknown[] {
    const content = this.files.get(path);
    if (content === undefined) return [];
    const size = content.length;
    const oid = createHash("sha1").update(`blob ${size}\0`).update(content).digest("hex");
    if (path.endsWith(".json")) return [{ type: "file", path, oid, size }];
    return [{ type: "file", path, oid, size, lfs: { oid: sha256(content), size, pointerSize: 134 } }];
  }

  #content({ url = "", headers }: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
    const found = this.files.get(url.split("/").at(-1) ?? "");
    if (found === undefined) return void response.writeHead(404).end();
    const whole = fault?.kind === "wrong" ? found.map((byte) => byte ^ 1) : found;
    const start = fault?.kind === "ignoreRange" ? undefined : /^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1];
    const from = Math.max(0, Number(start ?? 0) - (fault?.kind === "otherRange" ? 10 : 0));
    if (from >= whole.length) return void response.writeHead(416).end();
    const body = whole.subarray(from);
    if (start !== undefined) response.setHeader("content-range", `bytes ${from}-${whole.length - 1}/${whole.length}`);
    response.writeHead(
      start === undefined ? 200 : 206,
      fault?.kind === "endless" ? {} : { "content-length": body.length },
    );
    if (fault?.kind === "endless") return void response.end(Buffer.concat([body, body]));
    if (fault?.kind !== "truncate" && fault?.kind !== "hang") return void response.end(body);
    response.write(body.subarray(0, fault.bytes), () => {
      if (fault.kind === "truncate") setTimeout(() => response.destroy(), 20);
    });
  }
}

export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
