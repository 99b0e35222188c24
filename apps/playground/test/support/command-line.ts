/** What the command line answers, to compare the page with. */
import { cli } from "../../../cli/test/support/cli.ts";
import type { Word } from "./page.ts";

interface Prediction {
  readonly token_str: string;
  readonly score: number;
}

/** Of a sentence: the words of each mask with their probabilities. */
export async function wantedWords(model: string, text: string): Promise<Word[][]> {
  const answer = JSON.parse(await run(model, ["fill-mask", text, "--json"])) as Prediction[] | Prediction[][];
  const masks = (Array.isArray(answer[0]) ? answer : [answer]) as Prediction[][];
  return masks.map((words) => words.map(({ token_str, score }) => ({ word: token_str, score })));
}

/** Of texts: their vectors, of length 1. */
export async function wantedVectors(model: string, lines: readonly string[]): Promise<number[][]> {
  const answer = await run(model, ["embed", "--normalize"], `${lines.join("\n")}\n`);
  return answer
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as number[]);
}

async function run(model: string, args: readonly string[], input = ""): Promise<string> {
  const { code, stdout, stderr } = await cli([...args, "--model", model, "--backend", "cpu"], input);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}
