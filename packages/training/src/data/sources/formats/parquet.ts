/** Parquet, one group of rows at a time in memory. */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { DataError, ioError } from "../../../errors.ts";
import type { DataRecord, FileFormat } from "./format.ts";

export const parquetFormat: FileFormat = {
  name: "parquet",
  endings: [".parquet"],
  async *read(path, { decode, onBytes }): AsyncGenerator<DataRecord> {
    const { file, metadata } = await open(path);
    const parsers = { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decode(bytes, path) };
    const options = { file, metadata, compressors, parsers };
    let first = 0;
    for (const { num_rows: rows } of metadata.row_groups) {
      const end = first + Number(rows);
      const group = await parquetReadObjects({ ...options, rowStart: first, rowEnd: end }).catch((error: unknown) => {
        throw damaged(path, error);
      });
      for (const [at, fields] of group.entries()) yield { id: `${path}:${first + at + 1}`, fields };
      if (end > first) onBytes((file.byteLength * (end - first)) / Number(metadata.num_rows));
      first = end;
    }
  },
};

async function open(path: string): Promise<{ readonly file: AsyncBuffer; readonly metadata: FileMetaData }> {
  let file: AsyncBuffer;
  try {
    file = await asyncBufferFromFile(path);
  } catch (error) {
    throw ioError("parquet", path, error);
  }
  try {
    return { file, metadata: await parquetMetadataAsync(file) };
  } catch (error) {
    throw damaged(path, error);
  }
}

function damaged(path: string, cause: unknown): DataError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DataError(
    "corrupt",
    "parquet",
    `expected a whole Parquet file, got one that does not read (${why}) in ${path}; get it again`,
    {
      cause,
    },
  );
}
