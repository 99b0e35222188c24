/** The program; undefined where npm has none for the machine. */
export declare const node22: string | undefined;
