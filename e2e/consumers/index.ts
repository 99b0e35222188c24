/** All consumers. A new one is a file and a line here. */
import type { Consumer } from "../support/consumer.ts";
import { bundlersForBrowsers } from "./bundlers.ts";
import { nextPage, nextTurbopack, nextWebpack } from "./next.ts";
import { npmPipelines } from "./npm-pipelines.ts";
import { npmTokenizer } from "./npm-tokenizer.ts";
import { npxCli } from "./npx-cli.ts";
import { npxServer } from "./npx-server.ts";
import { pageWithAllEngines } from "./page.ts";
import { pnpm } from "./pnpm.ts";
import { gitSubmodule } from "./submodule.ts";
import { bun, deno } from "./runtimes.ts";
import { trainer } from "./trainer.ts";
import { types } from "./types.ts";
import { yarnPnp } from "./yarn-pnp.ts";

export const consumers: readonly Consumer[] = [
  npmTokenizer,
  npmPipelines,
  npxCli,
  npxServer,
  pnpm,
  yarnPnp,
  gitSubmodule,
  types,
  bun,
  deno,
  nextWebpack,
  nextTurbopack,
  nextPage,
  trainer,
  ...bundlersForBrowsers,
  pageWithAllEngines,
];
