/**
 * The site. Its pages are the READMEs and documents where they stand, so their links hold here and on GitHub, and the API that typedoc wrote
 * to docs/api.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const root = new URL("../../", import.meta.url);

/** Folders of `parent` that have a README, as links of the side bar. */
const readmes = (parent: string): { text: string; link: string }[] =>
  readdirSync(new URL(parent, root))
    .filter((name) => existsSync(new URL(`${parent}/${name}/README.md`, root)))
    .map((name) => ({ text: name, link: `/${parent}/${name}/` }));

const document = (name: string, text: string): { text: string; link: string } => ({ text, link: `/docs/${name}` });
const api = JSON.parse(readFileSync(new URL("docs/api/typedoc-sidebar.json", root), "utf8")) as [];

export default defineConfig({
  title: "modernbert-ts",
  description: "ModernBERT, its tokenizer, its trainer and its server, in TypeScript, on CPU, WebGPU and CUDA",
  srcDir: "..",
  srcExclude: ["**/node_modules/**", "**/CHANGELOG.md", "**/.changeset/**", "**/dist/**", "runs/**"],
  outDir: "dist",
  rewrites: (path) => path.replace(/(^|\/)README\.md$/, "$1index.md"),
  cleanUrls: true,
  // Pages lie outside of this package, which is the one that has vue.
  vite: { resolve: { alias: { vue: fileURLToPath(new URL("../node_modules/vue", import.meta.url)) } } },
  // What a README says of files that are no pages: on GitHub these links lead to the sources.
  ignoreDeadLinks: [(link) => !/\.md$|\/$/.test(link)],
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Architecture", link: "/docs/architecture" },
      { text: "Benchmarks", link: "/docs/benchmarks" },
      { text: "API", link: "/docs/api/" },
    ],
    sidebar: {
      "/docs/api/": [{ text: "API", items: api }],
      "/": [
        {
          text: "Start",
          items: [
            { text: "Overview", link: "/" },
            { text: "Examples", link: "/examples/" },
            { text: "Contributing", link: "/CONTRIBUTING" },
          ],
        },
        {
          text: "Documents",
          items: [
            document("architecture", "Architecture"),
            document("models", "Models that load"),
            document("differences", "Differences to transformers"),
            document("coverage", "Operations × backends"),
            document("consumers", "Consumers"),
            document("benchmarks", "Benchmarks"),
            document("comparison", "BERT beside ModernBERT"),
          ],
        },
        { text: "Programs", items: readmes("apps") },
        { text: "Packages", items: readmes("packages") },
      ],
    },
  },
});
