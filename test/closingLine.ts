import type { Reporter, TestModule } from "vitest/node";

/** Prints the counts alone on the last line, for people and scripts that read nothing else. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[], reason: string): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      if (module.state() === "failed" && module.children.size === 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === "pending" ? "skipped" : state]++;
      }
    }
    // A run that broke before any test must not look clean.
    if (reason === "failed" && counts.failed === 0) counts.failed = 1;
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`;
    // After the default reporter's own summary, which it writes in the same turn.
    process.on("exit", () => process.stdout.write(line));
  }
}
