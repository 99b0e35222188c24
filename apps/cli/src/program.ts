/** The command tree and the one place where errors become exit codes: 0 done, 1 failed, 2 wrong usage. */
import { Command } from "commander";
import { answerCommand } from "./commands/answer.ts";
import { benchCommand } from "./commands/bench.ts";
import { classifyCommand } from "./commands/classify.ts";
import { classifyTokensCommand } from "./commands/classify-tokens.ts";
import { compareCommand } from "./commands/compare.ts";
import { embedCommand } from "./commands/embed.ts";
import { fillMaskCommand } from "./commands/fill-mask.ts";
import { forwardCommand } from "./commands/forward.ts";
import { infoCommand } from "./commands/info.ts";
import { pseudoLogLikelihoodCommand } from "./commands/pseudo-log-likelihood.ts";
import { quantizeCommand } from "./commands/quantize.ts";
import { rerankCommand } from "./commands/rerank.ts";
import { searchCommand } from "./commands/search.ts";
import { similarityCommand } from "./commands/similarity.ts";
import { tokenizeCommand } from "./commands/tokenize.ts";
import { verifyCommand } from "./commands/verify.ts";
import { zeroShotCommand } from "./commands/zero-shot.ts";
import { decideCommand } from "./commands/decide.ts";
import { report } from "./errors.ts";
import type { Streams } from "./streams.ts";

const commands = [
  infoCommand,
  tokenizeCommand,
  forwardCommand,
  fillMaskCommand,
  embedCommand,
  similarityCommand,
  searchCommand,
  rerankCommand,
  classifyCommand,
  zeroShotCommand,
  decideCommand,
  classifyTokensCommand,
  answerCommand,
  pseudoLogLikelihoodCommand,
  quantizeCommand,
  verifyCommand,
  benchCommand,
  compareCommand,
];

/** Runs one command line (without the program's name) and returns its exit code. Never throws. */
export async function run(args: readonly string[], streams: Streams): Promise<number> {
  const program = new Command("modernbert")
    .description(
      "ModernBERT on this machine: look at models, tokenize, embed, search, rank, classify, fill masks, verify, measure.",
    )
    .option("--debug", "show stacks of errors")
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void streams.stdout.write(text),
      writeErr: (text) => void streams.stderr.write(text),
    })
    .showHelpAfterError("(--help shows what is possible)")
    .exitOverride();
  for (const create of commands) program.addCommand(create(streams).copyInheritedSettings(program));
  streams.stdout.on("error", leaveToNextWrite);
  try {
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    return report(error, program.opts<{ debug?: boolean }>().debug === true, streams.stderr);
  } finally {
    streams.stdout.off("error", leaveToNextWrite);
  }
}

/** A reader that went away shows in the next write; without a listener it would end the process at once. */
function leaveToNextWrite(): void {}
