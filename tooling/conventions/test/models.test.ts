/** docs/models.md lists the layouts that packages/pipelines/test/model-table.test.ts tries, each with what happens. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

interface Table {
  readonly rows: readonly { readonly model: string; readonly task: string }[];
  readonly refused: readonly { readonly model: string; readonly todo: string }[];
}

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), "utf8");

test("docs/models.md and the table of the test agree", () => {
  const { rows, refused } = JSON.parse(read("packages/pipelines/test/fixtures/model_table/table.json")) as Table;
  const lines = read("docs/models.md").split("\n");
  const cells = lines.filter((line) => line.startsWith("| ")).map((line) => line.split("|").map((cell) => cell.trim()));
  const listed = cells.filter(([, model]) => !/^(model|-+)$/.test(model!)).map((row) => row.slice(1, 4));
  expect(listed).toEqual([
    ...rows.map(({ model, task }) => [model, task, "loads and is right"]),
    ...refused.map(({ model, todo }) => [model, "", `refused: ${todo}`]),
  ]);
});
