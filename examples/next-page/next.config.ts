/** Packages with native code or worker threads run as they are installed, outside the bundle. */
export default { serverExternalPackages: ["@modernbert-ts/pipelines"] };
