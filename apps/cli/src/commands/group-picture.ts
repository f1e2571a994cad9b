/** `sotto group picture`: gives a group a picture, takes it away, or saves the one that it has. */
import { readFile, stat, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { contextOf, type Context } from "../context.ts";
import { usageFailure } from "../errors.ts";
import { examples } from "../options.ts";
import { refresh, withSession } from "../session.ts";
import { applyTo, change, type ChangeOptions } from "./group.ts";

interface PictureOptions extends ChangeOptions {
  readonly save?: string;
  readonly none?: boolean;
}

/** What it says of place and camera is more than the picture at times, but never this much. */
const mostBytes = 1_048_576;

/** Adds it to the command `group`. */
export function addPictureCommand(group: Command): void {
  change(group.command("picture"))
    .description("Gives a group a picture: a JPEG or WebP of at most 16 KiB and 512 pixels a side.")
    .argument("<name>", "name or id of the group")
    .argument("[file]", "the picture")
    .option("--save <file>", "write the picture that it has into a new file")
    .option("--none", "take the picture away")
    .addHelpText(
      "after",
      examples(
        'sotto group picture "Book club" cover.webp',
        'sotto group picture "Book club" --save cover.webp',
      ),
    )
    .action((name: string, file: string | undefined, options: PictureOptions, command: Command) =>
      picture(contextOf(command), name, file, options),
    );
}

async function picture(
  context: Context,
  name: string,
  file: string | undefined,
  options: PictureOptions,
): Promise<void> {
  const { save, none = false } = options;
  if (Number(file !== undefined) + Number(save !== undefined) + Number(none) !== 1)
    throw usageFailure("name a picture, or use --save or --none", "see 'sotto group picture --help'.");
  if (save !== undefined) return saveTo(context, name, save);
  const image = file === undefined ? undefined : await read(file);
  await applyTo(context, name, options, (messenger) => messenger.setGroupPicture(name, image));
}

async function read(file: string): Promise<Uint8Array> {
  try {
    if ((await stat(file)).size <= mostBytes) return await readFile(file);
  } catch {
    throw usageFailure("that picture cannot be read", "name a file that is there.");
  }
  throw usageFailure("that picture is too large", "make it smaller: 16 KiB and 512 pixels a side at most.");
}

async function saveTo(context: Context, name: string, file: string): Promise<void> {
  await withSession(context, { connect: true }, async (session) => {
    await refresh(context, session);
    const image = await session.messenger.groupPicture(name);
    if (image === undefined)
      throw usageFailure("that group has no picture, or it has not come yet", "try again later.");
    try {
      await writeFile(file, image, { flag: "wx", mode: 0o600 });
    } catch {
      throw usageFailure("the picture cannot be written there", "name a new file in a folder that is there.");
    }
  });
}
