/** Lists every skipped test with its reason, and closes with one line of counts: a skip that nobody sees is a defect. */
import type { Reporter, TestModule } from "vitest/node";

export default class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const skips = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result();
        counts[result.state]++;
        if (result.state !== "skipped") continue;
        const reason = result.note ?? "no reason given";
        const key = `${test.module.relativeModuleId}: ${reason}`;
        skips.set(key, (skips.get(key) ?? 0) + 1);
      }
    }
    if (skips.size > 0) console.log("\nSkipped:");
    for (const [reason, count] of skips) console.log(`  ${count} × ${reason}`);
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}
