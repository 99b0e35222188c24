/** Random texts that reach the corners of a tokenizer: a fast-check arbitrary, so that a failure shrinks to its core. */
import * as fc from "fast-check";

const words =
  "the The capital of France is naïve don't I'LL we've x1 état МОСКВА ελληνικά שלום العربية हिन्दी ไทย 日本語 한국어 ﬁ ﬀ".split(
    " ",
  );
const clitics = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "’s", "'", "''", "'l", "'r"];
const blanks = [
  "\n",
  "\r\n",
  "\r",
  "\t",
  "\v",
  "\f",
  "\u0085",
  "\u00a0",
  "\u1680",
  "\u2003",
  "\u2028",
  "\u202f",
  "\u3000",
  "\u200b",
  "\u200d",
  "\ufeff",
  "\u2060",
  "\u180e",
  "\u001c",
];
const emoji = ["👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇫🇷", "1️⃣", "😀", "❤️", "🧑🏿‍💻", "\u{e0067}"];
const code = [
  "def f(x):\n    return x ** 2\n",
  "if (a != b) { c += 1; }",
  "https://a.b/c?d=e&f=%20",
  '<div class="x">',
  "0x1F",
  "3.14e-10",
  "foo_bar",
  "snake_caseCamelCase",
  "--- a/b.c",
  "\\n\\t",
  "{{}}",
  "=>",
  "/* */",
];
const marks = [
  0x300, 0x301, 0x308, 0x30a, 0x323, 0x327, 0x328, 0x338, 0x345, 0x315, 0x334, 0x5b0, 0x64b, 0x653, 0x93c, 0x94d, 0x9be,
  0xe48, 0x1ab0, 0x3099, 0x309a, 0x20d0, 0x1d165, 0x11930, 0x89d, 0x16ff0,
];
const unstable = [
  0x344, 0x340, 0x37e, 0x387, 0x958, 0xf43, 0xf73, 0x1f71, 0x2126, 0x212b, 0x2329, 0xf900, 0xfa10, 0xfb1d, 0xfb2a,
  0x2f800, 0x1d15e, 0x1d1bb, 0x2adc, 0x11938, 0x16121, 0x105c9,
];
const classes = ["L", "Lm", "M", "Mn", "Mc", "N", "Nd", "Nl", "No", "P", "S", "Z", "C", "Cf", "Co"];

/** Some code points of each general category. */
const byClass: string[][] = classes.map((name) => {
  const pattern = new RegExp(`\\p{${name}}`, "u");
  const found: string[] = [];
  for (let c = 0; c < 0x30000; c += c < 0x3000 ? 1 : 17) {
    const text = String.fromCodePoint(c);
    if (pattern.test(text)) found.push(text);
  }
  return found;
});

const codePoint = (c: number): string => String.fromCodePoint(c);
const pick = (...choices: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...choices);
const anyCodePoint = fc
  .oneof(fc.integer({ min: 0, max: 0x2ff }), fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0x10ffff }))
  .map(codePoint);
const marked = fc
  .tuple(
    fc.oneof(pick("a", "e", "A", "o", "u", "क", "ạ", "ệ", "각", "가", "が", "Ω", " "), anyCodePoint),
    fc.array(fc.constantFrom(...marks).map(codePoint), { maxLength: 5 }),
  )
  .map(([base, list]) => base + list.join(""));
const jamo = fc
  .array(
    fc
      .oneof(
        fc.integer({ min: 0x1100, max: 0x1112 }),
        fc.integer({ min: 0x1161, max: 0x1175 }),
        fc.integer({ min: 0x11a7, max: 0x11c2 }),
        fc.integer({ min: 0xac00, max: 0xd7a3 }),
      )
      .map(codePoint),
    { maxLength: 5 },
  )
  .map((list) => list.join(""));

/** Texts of up to `maxLength` fragments; `added` are the added tokens, whole and cut, glued to what stands beside them. */
export function texts(added: readonly string[], maxLength = 12): fc.Arbitrary<string> {
  const fragment = fc.oneof(
    { weight: 4, arbitrary: pick(...words, ...words.map((word) => ` ${word}`)) },
    { weight: 2, arbitrary: pick(...clitics) },
    { weight: 2, arbitrary: pick(...blanks) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(pick(" ", "\t", "\n", " \t", "a"), fc.integer({ min: 1, max: 60 }))
        .map(([unit, n]) => unit.repeat(n)),
    },
    { weight: 3, arbitrary: pick(...added) },
    { weight: 1, arbitrary: fc.tuple(pick(...added), fc.nat(12)).map(([token, n]) => token.slice(0, n)) },
    { weight: 1, arbitrary: pick(...emoji) },
    { weight: 1, arbitrary: pick(...code) },
    { weight: 2, arbitrary: marked },
    { weight: 1, arbitrary: jamo },
    { weight: 1, arbitrary: fc.constantFrom(...unstable).map(codePoint) },
    { weight: 1, arbitrary: fc.constantFrom("\ud800", "\udfff", "\ude00\ud83d") },
    { weight: 3, arbitrary: fc.oneof(...byClass.map((list) => fc.constantFrom(...list))) },
    { weight: 2, arbitrary: anyCodePoint },
    { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 1e12 }).map(String) },
  );
  return fc.array(fragment, { maxLength }).map((list) => list.join(""));
}
