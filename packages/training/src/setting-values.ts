/** What people set of an objective, by the names of fields. */

import type { ScheduleStep } from "./schedules/steps.ts";

export type SettingValue = number | boolean | string | readonly number[] | readonly ScheduleStep[];

export type SettingValues = Readonly<Record<string, SettingValue>>;
