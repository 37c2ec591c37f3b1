import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A run of a head on a frozen backbone, trained now, or the one that `GRAFT_BENCH_RUN` names. */
export function trainedRun(photos: string, backbone: string): string {
  const given = process.env["GRAFT_BENCH_RUN"];
  if (given !== undefined) return given;
  const out = join(mkdtempSync(join(tmpdir(), "graft-bench-")), "run");
  const options = ["--backbone", backbone, "--strategy", "feature-extraction", "--out", out];
  const { status, stderr } = spawnSync("node", ["bin/graft.js", "train", join(photos, "train"), ...options], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return out;
}
