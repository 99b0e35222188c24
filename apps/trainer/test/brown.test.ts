import { expect, test } from "vitest";
import { detokenize, readBrownCorpus } from "../src/corpora/brown.ts";
import { splitByGenre } from "../src/corpora/by-genre.ts";

test("tagged words become running text as it was printed", () => {
  const tagged = `
\tThe/at jury/nn said/vbd ,/, \`\`/\`\` We/ppss don't/do* know/vb (/( yet/rb )/) ''/'' ./.
Why/wrb ?/. ?/.
It/pps is/bez over/under/in Mr./np Hawksley's/np$ Jr./np ./.


\tA/at '/' big/jj '/' fire/nn --/-- ;/. ;/. 1/2/cd of/in it/ppo :/:
`;
  expect(detokenize(tagged)).toBe(
    `The jury said, "We don't know (yet)." Why? It is over/under Mr. Hawksley's Jr.\nA 'big' fire --; 1/2 of it:`,
  );
});

test("the corpus has 500 files in 15 genres, and no tags are left", () => {
  const files = readBrownCorpus();
  expect(files).toHaveLength(500);
  expect(new Set(files.map(({ genre }) => genre)).size).toBe(15);
  const text = files.map((file) => file.text).join("\n");
  expect(text.length).toBeGreaterThan(5.5e6);
  expect(text.match(/.{20}(\/(nn|nns|vbd|jj|at)\b|``)/g)).toBeNull();
  expect(files[0]!.text).toMatch(
    /^The Fulton County Grand Jury said Friday an investigation of Atlanta's recent primary election/,
  );
});

test("every genre is held out in its share, whole files, by the seed only", () => {
  const files = readBrownCorpus();
  const { train, heldOut } = splitByGenre(files, 0.06, 17);
  expect(train.length + heldOut.length).toBe(500);
  expect(new Set([...train, ...heldOut]).size).toBe(500);
  expect(new Set(heldOut.map(({ genre }) => genre)).size).toBe(15);
  expect(splitByGenre(files, 0.06, 17).heldOut).toEqual(heldOut);
  expect(splitByGenre(files, 0.06, 18).heldOut).not.toEqual(heldOut);
});
