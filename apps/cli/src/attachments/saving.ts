/** Attachments into a folder: under harmless names, overwriting nothing, and only what is what its sender sent. */
import { mkdir } from "node:fs/promises";
import type { Message } from "@sotto/client";
import { SottoError, type ErrorCode } from "@sotto/protocol";
import type { Context } from "../context.ts";
import { Failure } from "../errors.ts";
import { remark } from "../io/output.ts";
import { statusLine, transferBar } from "../io/progress.ts";
import { sanitiseLine } from "@sotto/client/readable";
import { unansweredFailure, type Session } from "../session.ts";

/** How long a server may give nothing before a file is given up. */
const patienceSec = 30;

/** What became of an attachment: where it lies, or why it does not. */
export type Saved =
  | { readonly path: string; readonly problem?: undefined }
  | { readonly path?: undefined; readonly problem: ErrorCode };

/** Saves attachments in a folder of its own. */
export class Saver {
  readonly #context: Context;
  readonly #session: Session;
  readonly #folder: string;
  readonly #patienceSec: number;
  /** Why no more is fetched in this run. */
  #unreachable: SottoError | undefined;

  private constructor(context: Context, session: Session, folder: string, timeoutSec: number) {
    this.#context = context;
    this.#session = session;
    this.#folder = folder;
    this.#patienceSec = timeoutSec;
  }

  /** Makes the folder where there is none, for its owner only. @throws Failure `storage_failed`. */
  static async into(
    context: Context,
    session: Session,
    folder: string,
    timeoutSec = patienceSec,
  ): Promise<Saver> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (cause) {
      const { code = "unknown" } = cause as NodeJS.ErrnoException;
      throw new Failure(
        "storage_failed",
        `the folder ${folder} cannot be made (${code})`,
        "name a folder that you may write to.",
        { cause },
      );
    }
    return new Saver(context, session, folder, timeoutSec);
  }

  /** @returns where it lies. @throws what the SDK's downloadAttachment() and folderSink() throw; Failure when the server is silent. */
  async save({ conversation, groupId, id, attachments = [] }: Message, index: number): Promise<string> {
    if (this.#unreachable !== undefined) throw this.#unreachable;
    const { name = "" } = attachments[index] ?? {};
    const { folderSink } = await import("@sotto/client/node");
    const sink = await folderSink(this.#folder, name);
    const line = statusLine(this.#context.io, this.#context.json);
    const fetch = async (signal: AbortSignal, alive: () => void): Promise<void> =>
      this.#session.messenger.downloadAttachment(groupId ?? conversation, id, index, sink, {
        signal,
        onProgress: (done, total) => {
          alive();
          line.show(transferBar(done, total));
        },
      });
    try {
      if (!(await this.#session.within(this.#patienceSec, fetch))) {
        this.#unreachable = unansweredFailure(this.#session, "attachments could not be fetched");
        throw this.#unreachable;
      }
    } finally {
      line.clear();
    }
    if (sink.path === undefined) throw new Error("a file was saved nowhere");
    return sink.path;
  }

  /** All of a message, but nothing of whom nobody here knows; says what could not be saved, and goes on. */
  async saveAll(message: Message): Promise<readonly Saved[]> {
    if (message.attachments === undefined || (await this.#isRequest(message))) return [];
    const saved: Saved[] = [];
    for (const [index, { name }] of message.attachments.entries()) {
      try {
        saved.push({ path: await this.save(message, index) });
      } catch (error) {
        if (!(error instanceof SottoError)) throw error;
        saved.push({ problem: error.code });
        if (this.#context.json) continue;
        const said = sanitiseLine(error.message === "" ? error.code : error.message);
        await remark(this.#context.io, `! ${sanitiseLine(name)} was not saved: ${said} [${error.code}]`);
      }
    }
    return saved;
  }

  async #isRequest({ conversation, groupId }: Message): Promise<boolean> {
    const all = await this.#session.messenger.conversations();
    return all.some(
      ({ peer, group, request }) =>
        request !== undefined && (groupId === undefined ? peer === conversation : group?.id === groupId),
    );
  }
}
