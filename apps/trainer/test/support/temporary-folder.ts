/** A folder that goes away with the test that made it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "modernbert-trainer-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
