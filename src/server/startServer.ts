import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { GraftError } from "../base/errors.ts";
import type { createApp } from "./app.ts";

export interface RunningServer {
  readonly url: string;
  /** Takes no more connections, waits for the requests under way, at most `graceMs`, and ends. */
  stop(graceMs: number): Promise<void>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** Listens. Throws `system` where the address is taken or forbidden. */
export async function startServer(app: ReturnType<typeof createApp>, address: Address): Promise<RunningServer> {
  const { host, port, timeoutMs } = address;
  const server = createAdaptorServer({
    fetch: app.fetch,
    // The app refuses slow bodies in words; this ends what never becomes a request.
    serverOptions: { headersTimeout: timeoutMs, requestTimeout: 2 * timeoutMs, connectionsCheckingInterval: 1000 },
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, address)));
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  const boundPort = typeof bound === "object" && bound !== null ? bound.port : port;
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return { url: `http://${shownHost}:${boundPort}`, stop: (graceMs) => stop(server, graceMs) };
}

function stop(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const impatience = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(impatience);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function listenError(error: NodeJS.ErrnoException, { host, port }: Address): GraftError {
  const where = `${host}:${port}`;
  if (error.code === "EADDRINUSE") {
    return new GraftError(
      "system",
      `${where} is taken by another program; choose another --port, or 0 for a free one.`,
    );
  }
  return new GraftError("system", `cannot listen at ${where}: ${error.message}`, { cause: error });
}
