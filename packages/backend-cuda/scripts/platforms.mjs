/** The platforms for which a package with the built library is published: `@modernbert-ts/backend-cuda-<platform>-<arch>`. */
export const platforms = {
  "linux-x64": { os: ["linux"], cpu: ["x64"], libc: ["glibc"] },
};

export const platformPackage = (platform) => `@modernbert-ts/backend-cuda-${platform}`;
