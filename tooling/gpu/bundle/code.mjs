/** The self-test and the packages that it runs, as modules without dependencies. */
import { join } from "node:path";
import { rolldown } from "rolldown";
import { repository, tools } from "./places.mjs";

/** What only other platforms and other backends would load. */
const external = ["webgpu"];

/** `createBackend` names the CUDA package where no bundler sees it, because it need not be installed: here it is. */
const withCuda = {
  name: "with-cuda",
  transform(code, id) {
    if (!id.endsWith("packages/backends/dist/index.js")) return undefined;
    const found = /import\(__rewriteRelativeImportExtension\([^)]*specifier\)\)/;
    if (!found.test(code)) throw new Error("expected @modernbert-ts/backends to import a package by its specifier");
    return code.replace(found, 'import("@modernbert-ts/backend-cuda")');
  },
};

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
  const options = {
    input,
    external,
    transform,
    platform: "node",
    cwd: repository,
    logLevel: "warn",
    plugins: [withCuda],
  };
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
