/** Bun and Deno, from npm. */
import { pipelinesProgram } from "../support/consumer.ts";
import type { Consumer } from "../support/consumer.ts";

export const bun: Consumer = {
  name: "pipelines, Bun",
  slow: true,
  async run(place) {
    place.write("main.js", pipelinesProgram(place.model));
    await place.command("npx --yes bun@1 add @modernbert-ts/pipelines");
    return (await place.command("npx --yes bun@1 main.js")).trim();
  },
};

export const deno: Consumer = {
  name: "pipelines, Deno",
  slow: true,
  async run(place) {
    place.write("main.js", pipelinesProgram(place.model));
    const env = { NPM_CONFIG_REGISTRY: `${place.registry}/` };
    await place.command("npx --yes deno@2 add npm:@modernbert-ts/pipelines", env);
    return (await place.command("npx --yes deno@2 run --allow-all main.js", env)).trim();
  },
};
