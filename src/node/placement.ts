import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-common";
import { z } from "zod";

/** What the runtime's profile says of one node's run; other events have no `provider`. */
const profileEvent = z.object({
  cat: z.string().optional(),
  name: z.string(),
  args: z.object({ op_name: z.string().optional(), provider: z.string().optional() }).optional(),
});
export type ProfileEvent = z.output<typeof profileEvent>;

/** How many nodes of a program ran, and which of them on the CPU: how many by operator. */
export interface Placement {
  readonly nodes: number;
  readonly onCpu: ReadonlyMap<string, number>;
}

/** Copies between a device's memory and the CPU's, which the runtime puts in itself. */
const copies = new Set(["MemcpyFromHost", "MemcpyToHost"]);

/** Where the nodes of a program ran, from the profile of one run or more. A node in a loop counts once. */
export function placementOf(events: readonly ProfileEvent[]): Placement {
  const nodes = new Set<string>();
  const onCpu = new Map<string, number>();
  for (const { cat, name, args: { op_name: operator, provider } = {} } of events) {
    if (cat !== "Node" || operator === undefined || provider === undefined) continue;
    if (copies.has(operator) || nodes.has(name)) continue;
    nodes.add(name);
    if (provider === "CPUExecutionProvider") onCpu.set(operator, (onCpu.get(operator) ?? 0) + 1);
  }
  return { nodes: nodes.size, onCpu };
}

/** `the CPU runs 3 of 120 nodes: Gather ×2, Resize`, the most frequent first; nothing when it runs none. */
export function showPlacement({ nodes, onCpu }: Placement): string | undefined {
  if (onCpu.size === 0) return undefined;
  const sorted = [...onCpu].sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
  const count = sorted.reduce((sum, [, times]) => sum + times, 0);
  const listed = sorted.map(([operator, times]) => (times === 1 ? operator : `${operator} ×${times}`));
  return `the CPU runs ${count} of ${nodes} nodes: ${listed.join(", ")}`;
}

/**
 * Watches where a session's nodes run, up to the end of its first run. A device that lacks an operator leaves it to the CPU without
 * a word; the profile is the one place where the runtime says so to a program.
 */
export class PlacementWatch {
  readonly options: InferenceSession.SessionOptions;
  readonly #folder: string;
  readonly #tell: (placement: Placement) => void;
  #ended = false;

  private constructor(folder: string, tell: (placement: Placement) => void) {
    this.#folder = folder;
    this.#tell = tell;
    this.options = { enableProfiling: true, profileFilePrefix: join(folder, "profile") };
  }

  /** Nothing where there is no place for temporary files. */
  static async start(tell: (placement: Placement) => void): Promise<PlacementWatch | undefined> {
    try {
      return new PlacementWatch(await mkdtemp(join(tmpdir(), "graft-profile-")), tell);
    } catch {
      return undefined;
    }
  }

  /** To be called while no run is under way; all calls but the first do nothing. Without a session it only tidies up. */
  async end(session?: InferenceSession): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    try {
      session?.endProfiling();
      for (const name of await readdir(this.#folder)) this.#tell(await this.#placement(name));
    } catch {
      // A training must not end for want of this account.
    } finally {
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  async #placement(file: string): Promise<Placement> {
    const text = await readFile(join(this.#folder, file), "utf8");
    return placementOf(z.array(profileEvent).parse(JSON.parse(text)));
  }
}
