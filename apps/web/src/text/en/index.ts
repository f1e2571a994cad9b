/** English: what the other languages translate. One file a feature. */
import { common } from "./common.ts";
import { conversation } from "./conversation.ts";
import { details } from "./details.ts";
import { errors } from "./errors.ts";
import { list } from "./list.ts";
import { unlock } from "./unlock.ts";

export const en = { common, conversation, details, errors, list, unlock } as const;
