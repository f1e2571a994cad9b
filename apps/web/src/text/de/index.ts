/** Deutsch. */
import type { Catalogue } from "../index.tsx";
import { common } from "./common.ts";
import { conversation } from "./conversation.ts";
import { details } from "./details.ts";
import { errors } from "./errors.ts";
import { list } from "./list.ts";
import { unlock } from "./unlock.ts";

export const de: Catalogue = { common, conversation, details, errors, list, unlock };
