/** English: what the other languages translate. One file a feature. */
import { common } from "./common.ts";
import { conversation } from "./conversation.ts";
import { errors } from "./errors.ts";
import { list } from "./list.ts";
import { unlock } from "./unlock.ts";

export const en = { common, conversation, errors, list, unlock } as const;
