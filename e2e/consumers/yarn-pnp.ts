import { pipelinesProgram } from "../support/consumer.ts";
import type { Consumer } from "../support/consumer.ts";

export const yarnPnp: Consumer = {
  name: "pipelines, Yarn 4, Plug'n'Play",
  async run(place) {
    place.write("main.js", pipelinesProgram(place.model));
    place.write("yarn.lock", "");
    place.write(
      ".yarnrc.yml",
      `npmRegistryServer: ${place.registry}\nunsafeHttpWhitelist: ["127.0.0.1"]\nenableGlobalCache: false\nenableMirror: false\nglobalFolder: .yarn-global\nenableTelemetry: false\nnodeLinker: pnp\nnpmMinimalAgeGate: 0\n`,
    );
    const yarn = "npx --yes --package=@yarnpkg/cli-dist@4 yarn";
    await place.command(`${yarn} add @modernbert-ts/pipelines`);
    return (await place.command(`${yarn} node main.js`)).trim();
  },
};
