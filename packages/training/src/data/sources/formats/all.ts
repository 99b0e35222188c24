/** All file formats. */
import { csvFormat } from "./csv.ts";
import type { FileFormat } from "./format.ts";
import { jsonLinesFormat } from "./json-lines.ts";
import { mdsFormat } from "./mds.ts";
import { parquetFormat } from "./parquet.ts";
import { textFormat } from "./text.ts";

export const fileFormats: readonly FileFormat[] = [textFormat, jsonLinesFormat, csvFormat, parquetFormat, mdsFormat];
