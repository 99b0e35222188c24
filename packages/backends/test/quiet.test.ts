/** `auto` prints nothing: what it took and why is for the caller to show. Runs the built package in a process of its own. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const program = `
  import { createBackend } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
  const { name, backend } = await createBackend("auto", { threads: 1 });
  await backend[Symbol.asyncDispose]();
  console.log(name);
`;

const drivers: Readonly<Record<string, Record<string, string>>> = {
  "the drivers of this machine": {},
  "no driver": { VK_DRIVER_FILES: "/nothing/icd.json" },
  "a driver on the CPU": { VK_DRIVER_FILES: "/usr/share/vulkan/icd.d/lvp_icd.json" },
  "drivers in the usual folders": { VK_DRIVER_FILES: "" },
};

for (const [name, variables] of Object.entries(drivers)) {
  test(`auto with ${name} is quiet`, ({ skip }) => {
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      encoding: "utf8",
      env: { ...process.env, ...variables },
    });
    expect(stdout).toMatch(/^(cpu|webgpu|cuda)\n$/);
    if (!stdout.startsWith("cpu")) skip(`a GPU, whose driver may speak: ${stdout.trim()}`);
    expect(stderr).toBe("");
  });
}
