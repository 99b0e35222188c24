/** The self-test and the packages that it runs, as modules without dependencies. */
import { join } from "node:path";
import { rolldown } from "rolldown";
import { repository, tools } from "./places.mjs";

/** What only other platforms and other backends would load. */
const external = ["webgpu"];

/** @param {string} to folder of the modules */
export async function addCode(to) {
  const input = {
    main: join(tools, "selftest/main.mjs"),
    stage: join(tools, "selftest/stage.mjs"),
    watched: join(tools, "selftest/watched.mjs"),
    serve: join(tools, "selftest/serve.mjs"),
    worker: join(repository, "apps/server/dist/model/worker.js"),
  };
  const transform = { target: "node20" };
  const options = { input, external, transform, platform: "node", cwd: repository, logLevel: "warn" };
  const bundled = await rolldown(options);
  await bundled.write({
    dir: to,
    format: "esm",
    minify: false,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  });
  await bundled.close();
}
