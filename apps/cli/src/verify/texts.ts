/** What `modernbert verify` reads where nobody gives it texts: short and long, several scripts, code, numbers, odd spaces, and all in one, which is longer than a window. */
const short: readonly string[] = [
  "The river rose in the night, and by morning the lower road was gone.",
  "Yes.",
  "def area(width, height):\n    return width * height  # in square metres",
  "Der Zug nach Süden hält heute nicht; bitte nehmen Sie den Bus Nr. 17.",
  "三月的雨下了一整天。",
  "Total: 1,204.50 EUR (19 % VAT included), due 2031-04-30.",
  "  A   line\twith odd   spaces 😀 and é, ß, ø.  ",
  "She wrote to the mayor, to the paper and to her sister; only her sister answered. The letter took nine days, and when it came it said what she had known all along: the house on the hill would be sold, the orchard with it, and nobody had thought of asking those who picked the apples every autumn.",
];

export const builtInTexts: readonly string[] = [...short, short.join("\n")];
