/** What the library says of its options, in the names of the configuration. */
import { SettingMismatchError } from "@modernbert-ts/training";
import { UserError } from "../../errors.ts";

const fields: Readonly<Record<string, string>> = {
  seed: "seed",
  rowLength: "batch.micro_batch_tokens",
  maxLength: "data.max_length",
  longDocuments: "data.long_documents",
};

/** Of the data themselves, whose hashes would tell nobody anything. */
const ofData = ["data", "documents", "clsId", "sepId"];

/** @throws UserError in place of the library's SettingMismatchError; other errors as they are. */
export function inUsersWords<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof SettingMismatchError)) throw error;
    const { setting, saved, given } = error;
    if (ofData.includes(setting))
      throw new UserError(
        "the checkpoint was made with other data (or weights of their sources) than the section data says: set it back, or another output for a new run",
        { cause: error },
      );
    throw new UserError(
      `the checkpoint was made with ${fields[setting] ?? setting} = ${String(saved)}, got ${String(given)}: set it back, or another output for a new run`,
      { cause: error },
    );
  }
}
