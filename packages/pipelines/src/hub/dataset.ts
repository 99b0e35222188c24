/** Datasets of the hub as Parquet files: those that the hub itself makes of every dataset, in its branch refs/convert/parquet. */
import { join } from "node:path";
import { rememberCommit, snapshotFolder } from "./cache.ts";
import { connect } from "./connection.ts";
import { fileBringer } from "./download.ts";
import { hubEnvironment, offlineVariable } from "./environment.ts";
import { HubUnreachableError } from "./errors.ts";
import { commitOf, listFiles } from "./listing.ts";

export interface DatasetRequest {
  /** Such as stanfordnlp/imdb. */
  readonly name: string;
  /** The only one when absent. */
  readonly config?: string | undefined;
  /** `train` when absent, or the only one. */
  readonly split?: string | undefined;
}

/**
 * Downloads a split into the standard cache and returns its files, in order. They lie in folders CONFIG/SPLIT.
 * @throws HubRefusalError HubUnreachableError DamagedDownloadError WriteError; Error that names what there is to choose from.
 */
export async function downloadDataset(
  { name, config, split }: DatasetRequest,
  onNotice?: (notice: string) => void,
): Promise<string[]> {
  const offline = offlineVariable();
  if (offline) throw new HubUnreachableError(`${offline} is set`);
  const model = { name, revision: "refs/convert/parquet", kind: "datasets" } as const;
  const connection = await connect(await hubEnvironment());
  const commit = await commitOf(connection, model);
  const files = await listFiles(connection, model, commit);
  const paths = [...files.keys()].filter((path) => path.endsWith(".parquet") && path.split("/").length === 3).sort();
  const chosenConfig = choose("configuration", paths, config);
  const ofConfig = paths
    .filter((path) => path.startsWith(`${chosenConfig}/`))
    .map((path) => path.slice(chosenConfig.length + 1));
  const chosenSplit = choose("split", ofConfig, split, "train");
  const chosen = paths.filter((path) => path.startsWith(`${chosenConfig}/${chosenSplit}/`));
  const bring = await fileBringer({ connection, model, commit, files, onNotice });
  await bring(chosen);
  await rememberCommit(model, commit);
  return chosen.map((path) => join(snapshotFolder(model, commit), path));
}

/** The first folder of paths: the one that is asked for, the usual or the only one. @throws Error that names all. */
function choose(what: string, paths: readonly string[], wanted: string | undefined, usual?: string): string {
  const names = [...new Set(paths.map((path) => path.split("/")[0]!))];
  const found =
    names.length === 1 && wanted === undefined ? names[0] : names.find((name) => name === (wanted ?? usual));
  if (found !== undefined) return found;
  throw new Error(
    `expected a ${what} of ${names.join(", ") || "Parquet files, of which there are none"}, got ${wanted ?? "none"}`,
  );
}
