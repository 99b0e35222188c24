/** What TypeScript makes of the declarations, every one of them checked. */
import type { Consumer } from "../support/consumer.ts";

const versions = ["5.9", "6", "7"];

export const types: Consumer = {
  name: "TypeScript 5.9 to 7, skipLibCheck false",
  slow: true,
  async run(place) {
    place.write(
      "main.ts",
      `import { createWebGpuBackend } from "@modernbert-ts/backend-webgpu";
       import { openPipeline } from "@modernbert-ts/pipelines";
       export const opened: Promise<AsyncDisposable> = openPipeline("folder");
       export const backend = createWebGpuBackend({ powerPreference: "low-power" });\n`,
    );
    const compilers = versions.map((version) => `ts${version}@npm:typescript@${version}`);
    await place.command(`npm install @modernbert-ts/pipelines @types/node@20 ${compilers.join(" ")}`);
    for (const version of versions)
      for (const resolution of ["nodenext", "bundler"]) {
        const module = resolution === "bundler" ? "esnext" : "nodenext";
        const target = "--target es2022 --lib es2023,esnext.disposable --types node";
        const strict = "--strict --exactOptionalPropertyTypes --noEmit --skipLibCheck false";
        const how = `--module ${module} --moduleResolution ${resolution}`;
        const tsc = `node node_modules/ts${version}/bin/tsc`;
        await place.command(`${tsc} ${how} ${target} ${strict} main.ts`);
      }
    return "0 errors";
  },
};
