/** What of the sources is not in the shards as it was, in sentences. */
import type { TextSource, TextSourceReport } from "@modernbert-ts/training";
import { UserError } from "../errors.ts";

export function leftOut(report: TextSourceReport): string[] {
  const { emptyDocuments, replaced, badRecords, badPlaces, skippedFiles, repeatedFiles } = report;
  const sequences = [...replaced.values()].reduce((sum, count) => sum + count, 0);
  return [
    emptyDocuments > 0 ? `${emptyDocuments} empty documents were left out` : "",
    sequences > 0 ? `${sequences} invalid UTF-8 sequences were replaced by U+FFFD, in ${some(replaced.keys())}` : "",
    badRecords > 0 ? `${badRecords} records that cannot be read were passed over: ${some(badPlaces)}` : "",
    skippedFiles.length > 0
      ? `${skippedFiles.length} files of no known format were passed over: ${some(skippedFiles)}`
      : "",
    repeatedFiles.length > 0
      ? `${repeatedFiles.length} files were given more than once and taken once: ${some(repeatedFiles)}`
      : "",
  ].filter((line) => line !== "");
}

/** Of sources without a text to take. */
export function noTexts({ files, report }: TextSource): UserError {
  return new UserError([`expected texts, got none in ${some(files)}`, ...leftOut(report)].join("; "));
}

/** The first three of them. */
function some(all: Iterable<string>): string {
  const names = [...all];
  return names.length > 3 ? `${names.slice(0, 3).join(", ")}, …` : names.join(", ");
}
