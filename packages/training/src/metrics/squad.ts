/** SQuAD's exact match and F1: of answers in lower case, without punctuation, articles and extra blanks. */

export function normaliseAnswer(text: string): string {
  return text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, "")
    .replace(/\b(?:a|an|the)\b/g, " ")
    .split(/\s+/)
    .filter((word) => word !== "")
    .join(" ");
}

/** The best over the answers that people gave; a question without any wants "". */
export function squadScores(
  predicted: string,
  answers: readonly string[],
): { readonly exact: number; readonly f1: number } {
  const given = answers.filter((answer) => normaliseAnswer(answer) !== "");
  const wanted = given.length === 0 ? [""] : given;
  return {
    exact: Number(wanted.some((answer) => normaliseAnswer(answer) === normaliseAnswer(predicted))),
    f1: Math.max(...wanted.map((answer) => wordF1(predicted, answer))),
  };
}

function wordF1(predicted: string, wanted: string): number {
  const [own, other] = [predicted, wanted].map((text) => normaliseAnswer(text).split(" ").filter(Boolean)) as [
    string[],
    string[],
  ];
  if (own.length === 0 || other.length === 0) return Number(own.length === other.length);
  const left = new Map<string, number>();
  for (const word of other) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of own) {
    const count = left.get(word) ?? 0;
    if (count > 0) common++;
    left.set(word, count - 1);
  }
  return common === 0 ? 0 : (2 * common) / (own.length + other.length);
}
