/** The self-test and the packages that it runs, as modules without dependencies. */
import { join } from "node:path";
import { rolldown } from "rolldown";
import { repository, tools } from "./places.mjs";

/** What only other platforms and other backends would load. */
const external = ["webgpu"];

/** Optional packages are imported where no bundler sees it, because they need not be installed: the CUDA package is here. */
const withCuda = {
  name: "with-cuda",
  transform(code, id) {
    if (!id.endsWith("packages/backends/dist/optional.js")) return undefined;
    const found = /return (import\(__rewriteRelativeImportExtension\([^)]*specifier\)\))/;
    if (!found.test(code)) throw new Error("expected @modernbert-ts/backends to import optional packages by specifier");
    const cuda = "@modernbert-ts/backend-cuda";
    return code.replace(found, `return specifier === "${cuda}" ? import("${cuda}") : $1`);
  },
};

/** gRPC reads files of its packages as it is loaded, and the self-test asks over HTTP alone. */
const withoutGrpc = {
  name: "without-grpc",
  load(id) {
    if (!id.endsWith("apps/server/dist/grpc/server.js")) return undefined;
    return 'export const startGrpc = () => { throw new Error("expected no gRPC port: the bundle has no gRPC"); };';
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
    plugins: [withCuda, withoutGrpc],
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
