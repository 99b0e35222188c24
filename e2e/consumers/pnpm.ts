import { pipelinesProgram } from "../support/consumer.ts";
import type { Consumer } from "../support/consumer.ts";

export const pnpm: Consumer = {
  name: "pipelines, pnpm 12",
  async run(place) {
    place.write("main.js", pipelinesProgram(place.model));
    // A workspace of its own.
    place.write("pnpm-workspace.yaml", "packages: []\n");
    await place.command("npx --yes pnpm@12 add @modernbert-ts/pipelines");
    return (await place.command("node main.js")).trim();
  },
};
