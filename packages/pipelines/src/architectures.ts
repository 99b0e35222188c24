/** The architectures that folders are opened with: the only place that names them. */
import type { Architecture } from "@modernbert-ts/encoder";
import { bertArchitecture } from "@modernbert-ts/bert";
import { variantArchitecture } from "@modernbert-ts/encoder-variants";
import { modernbertArchitecture } from "@modernbert-ts/modernbert";

export const architectures: readonly Architecture[] = [modernbertArchitecture, bertArchitecture, variantArchitecture];
