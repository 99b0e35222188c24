/** Labelled records as data of a run: tokenized in memory at its start, with the classes that they name. */
import { join } from "node:path";
import { openTokenizerFile } from "@modernbert-ts/pipelines";
import { loadModernBertTokenizer } from "@modernbert-ts/tokenizer";
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { collectLabels, readExamples } from "@modernbert-ts/training";
import type { ExampleSource, ExampleStore, Objective, ReadExamples } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import type { RecordsConfig } from "../../config/data-section.ts";
import { settingsOf } from "../../config/objective-settings.ts";
import { UserError } from "../../errors.ts";
import { roleTokens } from "./token-roles.ts";
import type { TrainingData } from "./training-data.ts";
import { wordEdgesOf } from "./word-edges.ts";

/** @throws UserError (tokenizer), DataError (a record that cannot be used, with its place), TokenizerError. */
export async function readRecords(
  config: TrainerConfig,
  data: RecordsConfig,
  objective: Objective,
  onNotice: (notice: string) => void,
): Promise<TrainingData> {
  const reading = objective.reading!;
  const { training: values } = settingsOf(config, objective);
  const tokenizer = await tokenizerOf(data.tokenizer, config.model.from);
  const source = (paths: readonly string[]): ExampleSource => ({
    paths,
    names: data.fields,
    badRecords: data.bad_records,
  });
  const labels = data.labels ?? (reading.labelsOf ? await collectLabels(reading, source(data.train), values) : []);
  const read = async (part: "train" | "validation"): Promise<ExampleStore> => {
    const options = { tokenizer, maxLength: data.max_length, labels, values };
    const result = await readExamples(reading, source(data[part]), options);
    for (const line of remarks(result)) onNotice(`data.${part}: ${line}`);
    return result.store;
  };
  const train = await read("train");
  const validation = data.validation.length > 0 ? await read("validation") : undefined;
  return {
    tokenizer,
    roles: roleTokens(tokenizer),
    wordEdges: wordEdgesOf(tokenizer),
    train,
    validation,
    validationSources: [],
    trainTokens: train.tokens,
    validationTokens: validation?.tokens ?? 0,
    labels,
  };
}

function remarks({ store, badRecords, badPlaces, replaced, cut }: ReadExamples): string[] {
  const invalid = Array.from(
    replaced,
    ([path, count]) => `${count} invalid UTF-8 sequences were replaced by U+FFFD in ${path}`,
  );
  return [
    ...invalid,
    ...(badRecords > 0 ? [`passed over ${badRecords} records that cannot be used, the first at ${badPlaces[0]!}`] : []),
    ...(cut > 0 ? [`${cut} of ${store.documents} examples are longer than data.max_length and lost their ends`] : []),
  ];
}

async function tokenizerOf(path: string | undefined, from: string | undefined): Promise<Tokenizer> {
  const file = path ?? (from === undefined ? undefined : join(from, "tokenizer.json"));
  if (file === undefined) return loadModernBertTokenizer();
  const tokenizer = await openTokenizerFile(file);
  if (tokenizer) return tokenizer;
  throw new UserError(`there is no ${file}: set data.tokenizer to the tokenizer.json of the model`);
}
