/**
 * `sotto doctor`: for people who look for a fault. It says what is well, what is not, what mends itself, and what is left
 * to do; it changes nothing but what any connection does.
 */
import { Command } from "commander";
import type { Doctor } from "@sotto/client";
import { SottoError } from "@sotto/protocol";
import { contextOf, type Context } from "../context.ts";
import { printJson, printLine } from "../io/output.ts";
import { formatDay, formatTime, sanitiseLine } from "@sotto/client/readable";
import { alignRows, counted } from "../io/table.ts";
import { nextStep } from "../next-steps.ts";
import { examples, parseSeconds } from "../options.ts";
import { withSession, type Session } from "../session.ts";
import { formatAhead } from "../view.ts";

type Conversation = Doctor["conversations"][number];

/** Below this the device hands out new KeyPackages by itself; at 0 the last resort is in use. */
const fewKeyPackages = 1;

/** The command `doctor`. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description(
      "Looks at the vault, the connection and every conversation, and says what to do if anything.",
    )
    .option("--timeout <seconds>", "how long to wait for the server", parseSeconds, 10)
    .addHelpText("after", examples("sotto doctor", "sotto doctor --json"))
    .action(async (options: { readonly timeout: number }, command: Command) => {
      await examine(contextOf(command), options.timeout);
    });
}

async function examine(context: Context, timeoutSec: number): Promise<void> {
  let opened = false;
  try {
    await withSession(context, { connect: true }, async (session) => {
      opened = true;
      await settle(session, timeoutSec);
      const { messenger } = session;
      const found = await messenger.doctor();
      const problem = found.problem ?? session.problem();
      const report = { ...found, problem, resetAt: messenger.resetPending() };
      await (context.json ? printReport(context, report) : tell(context, session, report));
    });
  } catch (error) {
    // A vault that does not open is a finding too; how the command fails says the rest.
    if (!opened && error instanceof SottoError && error.code !== "usage") {
      if (context.json) await printJson(context.io, { vault: "closed", problem: error.code });
      else await printLine(context.io, `\u2717 Vault  ${context.home} does not open`);
    }
    throw error;
  }
}

/** Lets the connection come about and what waits be taken in; what stands in the way is for the report. */
async function settle(session: Session, timeoutSec: number): Promise<void> {
  const takeIn = async (signal: AbortSignal): Promise<void> => {
    await session.messenger.caughtUp({ signal });
    await session.messenger.flushed({ signal });
  };
  try {
    await session.within(timeoutSec, takeIn, { firstTryOnly: true });
  } catch (error) {
    if (!(error instanceof SottoError)) throw error;
  }
}

const heals = ({ state }: Conversation): boolean => state === "healing";

/** What the SDK found, and from when on somebody who asked for it may replace the account: seconds since 1970. */
type Report = Doctor & { readonly resetAt: number | undefined };

async function printReport({ io }: Context, report: Report): Promise<void> {
  const { vault, connection, problem, clockAheadMs, queued, keyPackages, resetAt, conversations } = report;
  await printJson(io, {
    vault,
    connection,
    problem: problem ?? null,
    clock_ahead_sec: clockAheadMs === undefined ? null : Math.round(clockAheadMs / 1000),
    queued,
    reset_at: resetAt ?? null,
    key_packages: keyPackages.left ?? null,
    conversations: conversations.map(({ id, name, kind, epoch, members, state, pending }) => ({
      id,
      name,
      kind,
      epoch,
      members,
      state,
      pending,
    })),
    healing: conversations.filter(heals).map(({ id }) => id),
  });
}

/** A line of the report: well, mends itself, or asks for somebody. */
type Finding = readonly [mark: "\u2713" | "\u2026" | "\u2717", what: string, said: string];

async function tell({ io, home }: Context, session: Session, report: Report): Promise<void> {
  const { self } = session.messenger;
  const findings: Finding[] = [
    ["\u2713", "Vault", `open: ${home}`],
    connectionFinding(report, self.serverOrigin),
    ...clockFinding(report),
    report.queued === 0
      ? ["\u2713", "Queue", "nothing waits to be sent"]
      : ["\u2026", "Queue", `${counted(report.queued, "message or receipt")} waiting; sent by itself`],
    keyPackageFinding(report),
  ];
  if (report.resetAt !== undefined) {
    const from = `${formatDay(report.resetAt)} ${formatTime(report.resetAt)}`;
    findings.push(["\u2717", "Account", `somebody asked to replace it, from ${from} on`]);
  }
  for (const line of alignRows(findings)) await printLine(io, line);
  const talks = report.conversations.filter(({ kind }) => kind !== "account");
  if (talks.length > 0) {
    await printLine(io, "");
    for (const line of alignRows(talks.map(conversationRow))) await printLine(io, line);
  }
  await printLine(io, "");
  for (const line of conclusions(report)) await printLine(io, line);
}

function connectionFinding({ connection, problem }: Doctor, origin: string): Finding {
  if (connection === "online") return ["\u2713", "Connection", `online: ${sanitiseLine(origin)}`];
  const why = problem === undefined ? "" : ` (${sanitiseLine(problem)})`;
  return ["\u2717", "Connection", `${connection}${why}: ${sanitiseLine(origin)}`];
}

function clockFinding({ clockAheadMs }: Doctor): readonly Finding[] {
  if (clockAheadMs === undefined) return [];
  if (clockAheadMs === 0) return [["\u2713", "Clock", "agrees with the server's"]];
  return [["\u2717", "Clock", `${formatAhead(clockAheadMs)} the server's`]];
}

function keyPackageFinding({ keyPackages: { left } }: Doctor): Finding {
  if (left === undefined) return ["\u2026", "Reachability", "not known: the server was not asked"];
  if (left < fewKeyPackages) return ["\u2026", "Reachability", "new KeyPackages are made by itself"];
  return ["\u2713", "Reachability", `${counted(left, "KeyPackage")} for people who write first`];
}

const words: Readonly<Record<Conversation["state"], readonly [Finding[0], string]>> = {
  joined: ["\u2713", ""],
  creating: ["\u2026", "is being made"],
  healing: ["\u2026", "is being put right: a member adds this device anew"],
  left: ["\u2713", "you left"],
  removed: ["\u2713", "you were removed"],
};

function conversationRow({ name, kind, epoch, members, state, pending }: Conversation): readonly string[] {
  const [mark, said] = words[state];
  const waiting = pending === 0 ? "" : `${counted(pending, "change")} waiting`;
  return [
    mark === "\u2713" && pending > 0 ? "\u2026" : mark,
    sanitiseLine(name),
    kind === "group" ? counted(members, "member") : "one to one",
    `epoch ${epoch}`,
    [said, waiting].filter((part) => part !== "").join("; "),
  ];
}

/** What is left to do, by itself and by people. */
function conclusions({
  connection,
  problem,
  clockAheadMs = 0,
  queued,
  resetAt,
  conversations,
}: Report): readonly string[] {
  const lines: string[] = [];
  const busy = conversations.filter((one) => heals(one) || one.state === "creating" || one.pending > 0);
  if (queued > 0 || busy.length > 0) {
    lines.push(
      "What is marked \u2026 mends itself while Sotto is connected ('sotto receive', 'sotto chat').",
    );
  }
  if (conversations.some(heals)) {
    lines.push("A conversation is put right once a member, or another device of yours, is online.");
  }
  if (resetAt !== undefined) {
    lines.push(
      "What to do: if it was not you who asked to replace the account, run 'sotto reset --cancel' now.",
    );
  }
  if (clockAheadMs !== 0 && problem !== "clock_wrong") lines.push(`What to do: ${nextStep("clock_wrong")}`);
  if (connection !== "online") lines.push(`What to do: ${nextStep(problem ?? "server_unreachable")}`);
  return lines.length === 0 ? ["All is well."] : lines;
}
