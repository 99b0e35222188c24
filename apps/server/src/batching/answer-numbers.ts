/** How many numbers the answers of a task hold at most: those with a vector for each token are larger than all else that a request holds. */
import { idsOf } from "@modernbert-ts/encoder";
import type { Sequence } from "@modernbert-ts/encoder";
import type { TaskName } from "@modernbert-ts/pipelines";
import { ServeError } from "../errors.ts";
import type { ModelFiles } from "../model/model-files.ts";

/** Of one request: 64 MiB, and some 200 MB as JSON, where a string of JavaScript ends at 512 MB. */
const most = 2 ** 24;

/** @throws ServeError 422 where one request would be answered with too many numbers; what to do is `instead`. */
export function expectNumbers(numbers: number, instead: string = "send fewer or shorter texts"): number {
  if (numbers <= most) return numbers;
  const message = `\`inputs\` would be answered with ${numbers} numbers, which may be ${most}: ${instead}`;
  throw new ServeError("Validation", message);
}

/** @param parts the sequences of a request @throws ServeError 422 where one request would be answered with too many */
export function answerNumbers({ info, vectors }: ModelFiles, task: TaskName, parts: readonly Sequence[]): number {
  const tokens = parts.reduce((sum, part) => sum + idsOf(part).length, 0);
  return expectNumbers(ofTask());

  function ofTask(): number {
    switch (task) {
      case "embed-tokens":
        return tokens * info.hiddenSize;
      case "embed-multi":
        return vectors.name === "multi" ? tokens * vectors.width : 0;
      case "embed-chunks": // a sequence begins with how many places it carries: two for each part
        return vectors.name === "pooled"
          ? parts.reduce((sum, part) => sum + idsOf(part)[0]! / 2, 0) * vectors.width
          : 0;
      case "embed-sparse":
        return Math.min(most, 2 * parts.length * info.vocabSize); // in truth far fewer are not 0
      default:
        return 0;
    }
  }
}
