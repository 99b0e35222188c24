/** The command line by npx, with nothing installed before. */
import type { Consumer } from "../support/consumer.ts";

export const npxCli: Consumer = {
  name: "cli, npx",
  slow: true,
  async run(place) {
    // npx keeps what it installed by name and version: here it finds nothing of another day.
    const fresh = { npm_config_cache: `${place.folder}/cache` };
    const out = await place.command(
      `npx --yes -p @modernbert-ts/cli modernbert embed --model ${place.model} --json text`,
      fresh,
    );
    const embedding = JSON.parse(out) as readonly number[];
    if (!embedding.every(Number.isFinite)) throw new Error(`expected finite numbers, got ${out}`);
    return `a vector of ${embedding.length} numbers`;
  },
};
