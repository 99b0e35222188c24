/** What people set of an objective, by the names of fields. */

export type SettingValue = number | boolean | string | readonly number[];

export type SettingValues = Readonly<Record<string, SettingValue>>;
