/** What every manifest says: where its source is, what a tarball holds, how turbo keeps a build. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const members = ["packages", "apps"].flatMap((parent) =>
  readdirSync(join(root, parent))
    .map((name) => `${parent}/${name}`)
    .filter((folder) => existsSync(join(root, folder, "package.json"))),
);
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Manifest {
  readonly private?: boolean;
  readonly homepage: string;
  readonly bugs: string;
  readonly keywords: readonly string[];
  readonly repository: { readonly url: string; readonly directory: string };
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

describe.each(members)("%s", (folder) => {
  const manifest = JSON.parse(read(`${folder}/package.json`)) as Manifest;

  test("says where it comes from", () => {
    const home = "https://github.com/modernbert-ts/modernbert-ts";
    expect(manifest.repository).toEqual({ type: "git", url: `git+${home}.git`, directory: folder });
    expect(manifest.homepage).toBe(`${home}/tree/main/${folder}#readme`);
    expect(manifest.bugs).toBe(`${home}/issues`);
    expect(manifest.keywords).toContain("modernbert");
  });

  test("installs without a script, and packs its history but not the compiler's notes", () => {
    const hooks = ["preinstall", "install", "postinstall", "prepare"];
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([]);
    if (manifest.private) return;
    expect(manifest.files).toEqual(expect.arrayContaining(["dist", "!dist/.tsbuildinfo", "CHANGELOG.md"]));
  });

  test("builds as a member of another monorepo: brings its compiler, its Node types and what turbo keeps", () => {
    expect(manifest.devDependencies).toHaveProperty("typescript");
    if (/"types":\s*\[\s*"node"/.test(read(`${folder}/tsconfig.json`)))
      expect(manifest.devDependencies).toHaveProperty(["@types/node"]);
    const { build } = (JSON.parse(read(`${folder}/turbo.json`)) as { tasks: Record<string, { outputs: string[] }> })
      .tasks;
    expect(build!.outputs).toContain("dist/**");
    if (existsSync(join(root, folder, "generated"))) expect(build!.outputs).toContain("generated/**");
  });
});

test("changesets name what is published", () => {
  const names = members
    .map((folder) => JSON.parse(read(`${folder}/package.json`)) as Manifest & { readonly name: string })
    .filter((manifest) => manifest.private)
    .map(({ name }) => `"${name}":`);
  const files = readdirSync(join(root, ".changeset")).filter((file) => file.endsWith(".md"));
  expect(files.filter((file) => names.some((name) => read(`.changeset/${file}`).includes(name)))).toEqual([]);
});

test("workflows take actions by commit", () => {
  const folder = ".github/workflows";
  const uses = readdirSync(join(root, folder)).flatMap((file) => read(`${folder}/${file}`).match(/uses: \S+/g) ?? []);
  // The toolchain of Windows follows its major version.
  const loose = uses.filter((line) => !/@[0-9a-f]{40}$/.test(line) && !line.includes("msys2/setup-msys2@v2"));
  expect(loose).toEqual([]);
});
