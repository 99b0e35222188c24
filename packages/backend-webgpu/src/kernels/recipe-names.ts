/** The names of the shaders that a product can take. */
export type RecipeName = "flat" | "medium" | "large" | "direct";

/** The fastest shader of each class of products. */
export type MatmulTable = Readonly<Record<string, RecipeName>>;
