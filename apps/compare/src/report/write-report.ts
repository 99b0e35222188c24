/** The files of a report: report.html, report.md and the pictures of the latter. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeTextFile } from "@modernbert-ts/trainer";
import { ioError } from "@modernbert-ts/training";
import { renderHtml } from "./html.ts";
import { renderMarkdown } from "./markdown.ts";
import type { Report } from "./report.ts";

export interface ReportFiles {
  readonly html: string;
  readonly markdown: string;
}

const pictureFolder = "pictures";

/** Each file is written whole or not at all. @throws DataError of the file system, which names the path. */
export function writeReportFiles(out: string, report: Report): ReportFiles {
  const { text, pictures } = renderMarkdown(report, pictureFolder);
  const folder = join(out, pictureFolder);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw ioError("compare", folder, error);
  }
  for (const [name, svg] of pictures) writeTextFile(join(folder, name), svg);
  const files = { html: join(out, "report.html"), markdown: join(out, "report.md") };
  writeTextFile(files.html, renderHtml(report));
  writeTextFile(files.markdown, text);
  return files;
}
