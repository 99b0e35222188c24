/**
 * Finds a key that a JSON object names twice. JSON.parse keeps the last one without a word, which would let a hostile header
 * show one tensor to us and another to a different parser; the format forbids duplicates.
 */

/** The first key that occurs twice in one object of `text`, or undefined. `text` must already have been accepted by JSON.parse. */
export function findDuplicateKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "{") open.push(new Set());
    else if (text[i] === "}") open.pop();
    else if (text[i] === '"') {
      const end = closingQuote(text, i);
      if (isFollowedByColon(text, end)) {
        const key = JSON.parse(text.slice(i, end + 1)) as string;
        const keys = open.at(-1)!;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      i = end;
    }
  }
  return undefined;
}

function closingQuote(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i;
}

function isFollowedByColon(text: string, quote: number): boolean {
  let i = quote + 1;
  while (text[i] === " " || text[i] === "\n" || text[i] === "\r" || text[i] === "\t") i++;
  return text[i] === ":";
}
