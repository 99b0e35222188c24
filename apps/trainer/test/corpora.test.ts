/** The corpora of recipes and comparisons: what is taken of a mail, who is held out, packages that are there. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fetchPackage, readMails, readTaggedSentences, splitByLetters } from "../src/corpora/index.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "corpora-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("of a mail: subject, folded lines included, and body; no other header", () => {
  const folder = temporaryFolder();
  const groups = ["easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2"];
  for (const group of groups) mkdirSync(join(folder, "data", group), { recursive: true });
  const mail = "From: a@b\r\nSubject: cheap\r\n beads\r\nDate: today\r\n\r\nBuy now.\r\n";
  writeFileSync(join(folder, "data", "spam-1", "0.json"), JSON.stringify({ text: mail }));
  writeFileSync(join(folder, "data", "easy-ham-2", "0.json"), JSON.stringify({ text: "Date: today\n\nHello" }));
  const mails = readMails(folder);
  expect(mails.map(({ label }) => label)).toEqual(["ham", "spam"]);
  expect(mails[0]!.text).toBe("\n\nHello");
  expect(mails[1]!.text.replaceAll("\r", "")).toBe("cheap\n beads\n\nBuy now.");
});

test("texts with the same letters are one text, on one side", () => {
  const words = Array.from({ length: 400 }, (_, at) => String.fromCharCode(97 + (at % 26), 97 + Math.floor(at / 26)));
  const texts = [...words, ...words.map((word) => ` ${word.toUpperCase()}! `), "123"];
  const { train, heldOut } = splitByLetters(texts, 0.25, (text) => text);
  expect([...train, ...heldOut].sort()).toEqual(words.sort());
  expect(heldOut.length).toBeGreaterThan(60);
  expect(heldOut.length).toBeLessThan(140);
});

test("tagged sentences have a tag for each word, without the corpus's marks of place", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "ca01"), "\n\tThe/at-hl Jury/nn-hl and/or/cc-tl ``/`` oui/fw-rb ./.\n\n");
  expect(readTaggedSentences("ca01", folder)).toEqual([
    { tokens: ["The", "Jury", "and/or", '"', "oui", "."], tags: ["at", "nn", "cc", "``", "rb", "."] },
  ]);
});

test("a package that is there is not fetched", () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "abacus@1.0.0"));
  expect(fetchPackage({ name: "abacus", version: "1.0.0" }, folder)).toBe(join(folder, "abacus@1.0.0"));
});
