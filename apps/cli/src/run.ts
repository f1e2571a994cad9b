/**
 * Finds the command that the arguments name, loads it alone, runs it, and turns failures into messages and exit codes:
 * 0 success, 2 wrong usage, 1 anything else, 128 + n when a signal ended it.
 */
import { Command, CommanderError, type OutputConfiguration } from "commander";
import manifest from "../package.json" with { type: "json" };
import { setGlobals, type Globals } from "./context.ts";
import { reportError, usageFailure, type Failure } from "./errors.ts";
import type { Io } from "./io/io.ts";
import { ignoreSignals, watchSignals } from "./io/signals.ts";

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
  /** The server's commands have options of their own instead of --home and --json. */
  readonly operator?: true;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  serve: {
    summary: "run a server",
    load: async () => (await import("./commands/serve.ts")).serveCommand(),
    operator: true,
  },
  register: {
    summary: "make an account on a server",
    load: async () => (await import("./commands/register.ts")).registerCommand(),
  },
  recover: {
    summary: "bring an account back with its recovery key, when all devices are lost",
    load: async () => (await import("./commands/recover.ts")).recoverCommand(),
  },
  reset: {
    summary: "begin anew, when the recovery key is lost too",
    load: async () => (await import("./commands/reset.ts")).resetCommand(),
  },
  send: {
    summary: "send a message",
    load: async () => (await import("./commands/send.ts")).sendCommand(),
  },
  react: {
    summary: "react to a message with an emoji",
    load: async () => (await import("./commands/react.ts")).reactCommand(),
  },
  edit: {
    summary: "change the text of a message that you sent",
    load: async () => (await import("./commands/edit.ts")).editCommand(),
  },
  delete: {
    summary: "take a message back, or delete it on this device",
    load: async () => (await import("./commands/delete.ts")).deleteCommand(),
  },
  timer: {
    summary: "let the messages of a conversation disappear",
    load: async () => (await import("./commands/timer.ts")).timerCommand(),
  },
  receive: {
    summary: "print messages that were not shown before",
    load: async () => (await import("./commands/receive.ts")).receiveCommand(),
  },
  save: {
    summary: "fetch the attachments of a message into a folder",
    load: async () => (await import("./commands/save.ts")).saveCommand(),
  },
  history: {
    summary: "print a conversation",
    load: async () => (await import("./commands/history.ts")).historyCommand(),
  },
  search: {
    summary: "find messages by their words",
    load: async () => (await import("./commands/search.ts")).searchCommand(),
  },
  chat: {
    summary: "write and read in a full-screen view",
    load: async () => (await import("./commands/chat.ts")).chatCommand(),
  },
  conversations: {
    summary: "list conversations; pin, archive, mute, accept or delete them",
    load: async () => (await import("./commands/conversations.ts")).conversationsCommand(),
  },
  group: {
    summary: "make groups, add and remove people, let them ask, leave",
    load: async () => (await import("./commands/group-links.ts")).withLinkCommands(),
  },
  contacts: {
    summary: "list contacts, look somebody up, accept a changed identity key",
    load: async () => (await import("./commands/contacts.ts")).contactsCommand(),
  },
  verify: {
    summary: "compare safety numbers with a contact",
    load: async () => (await import("./commands/verify.ts")).verifyCommand(),
  },
  devices: {
    summary: "list the devices of this account, link and revoke devices",
    load: async () => (await import("./commands/devices.ts")).devicesCommand(),
  },
  keys: {
    summary: "show, rotate, revoke and export keys",
    load: async () => (await import("./commands/keys.ts")).keysCommand(),
  },
  account: {
    summary: "delete this account",
    load: async () => (await import("./commands/account.ts")).accountCommand(),
  },
  passphrase: {
    summary: "change the passphrase",
    load: async () => (await import("./commands/passphrase.ts")).passphraseCommand(),
  },
  settings: {
    summary: "show and change settings, read receipts among them",
    load: async () => (await import("./commands/settings.ts")).settingsCommand(),
  },
  export: {
    summary: "write a readable copy of the history",
    load: async () => (await import("./commands/export.ts")).exportCommand(),
  },
  backup: {
    summary: "write an encrypted backup of everything into a file",
    load: async () => (await import("./commands/backup.ts")).backupCommand(),
  },
  restore: {
    summary: "make a device out of a backup file",
    load: async () => (await import("./commands/restore.ts")).restoreCommand(),
  },
  doctor: {
    summary: "look for faults and say what to do",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand(),
  },
  admin: {
    summary: "look after a server",
    load: async () => (await import("./commands/admin.ts")).adminCommand(),
    operator: true,
  },
};

const description = "Sotto: a private messenger that anyone can host and nobody has to trust.";
const examples = `
Examples:
  sotto serve --data ./sotto-data --port 8787
  sotto register --server http://127.0.0.1:8787 --phone +15551230001
  sotto send +15551230002 "See you at six"
  sotto chat

Environment: SOTTO_HOME, SOTTO_SERVER, SOTTO_SERVER_KEY, SOTTO_PASSPHRASE, SOTTO_RECOVERY_KEY. NO_COLOR is respected.`;

/** Runs `sotto` with these arguments. @returns the exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const name = commandName(argv);
  const json = argv.includes("--json");
  const chosen = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  // The server drains by itself when it is told to end, and calls that a success.
  const signals = chosen?.operator === true ? ignoreSignals() : watchSignals();
  let program: Command | undefined;
  try {
    if (name !== undefined && chosen === undefined) {
      throw usageFailure(`there is no command '${name}'`, "see 'sotto help' for all commands.");
    }
    program = await buildProgram(chosen, io, signals.signal);
    await program.parseAsync([...argv], { from: "user" });
    signals.signal.throwIfAborted();
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : await reportError(io, argumentFailure(error, program, argv), json);
    }
    return await reportError(io, signals.signal.aborted ? signals.signal.reason : error, json);
  } finally {
    signals.dispose();
  }
}

/** Says in our words what commander found wrong with the arguments. */
function argumentFailure(
  error: CommanderError,
  program: Command | undefined,
  argv: readonly string[],
): Failure {
  const { path, next, hasSubcommands } = commandPath(program, argv);
  const name = path.join(" ");
  const help = `see 'sotto ${name === "" ? "help" : `${name} --help`}' for an example.`;
  if (error.code === "commander.help")
    return usageFailure(`'sotto ${name}' needs one of its subcommands`, help);
  if (hasSubcommands && error.code === "commander.excessArguments")
    return usageFailure(`'sotto ${name}' has no subcommand '${next ?? ""}'`, help);
  const dash =
    error.code === "commander.unknownOption" ? " A text that starts with '-' goes after '--'." : "";
  return usageFailure(error.message.replace(/^error: /, ""), help + dash);
}

/** The commands that the arguments name, "devices" and "approve"; and the argument after them. */
function commandPath(
  program: Command | undefined,
  argv: readonly string[],
): { readonly path: readonly string[]; readonly next: string | undefined; readonly hasSubcommands: boolean } {
  const path: string[] = [];
  let command = program;
  const words = argv.filter((argument, i) => !argument.startsWith("-") && argv[i - 1] !== "--home");
  for (const word of words) {
    const child: Command | undefined = command?.commands.find((one) => one.name() === word);
    if (child === undefined) break;
    path.push(word);
    command = child;
  }
  const hasSubcommands = path.length > 0 && (command?.commands.length ?? 0) > 0;
  return { path, next: words[path.length], hasSubcommands };
}

/** The first argument that is a command; skips global options and their values. */
function commandName(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    if (argument === "--home") i++;
    else if (argument === "help") return argv[i + 1];
    else if (!argument.startsWith("-")) return argument;
  }
  return undefined;
}

async function buildProgram(chosen: Entry | undefined, io: Io, signal: AbortSignal): Promise<Command> {
  const output: OutputConfiguration = {
    writeOut: (text) => io.stdout.write(text),
    // Errors are reported once, in one form, by run().
    writeErr: () => undefined,
    outputError: () => undefined,
  };
  const program = new Command("sotto")
    .description(description)
    .version(manifest.version, "--version", "print the version")
    .helpCommand("help [command]", "print help")
    .addHelpText("after", examples);
  if (chosen?.operator !== true) {
    program
      .option("--home <dir>", "folder of the account (SOTTO_HOME; default ~/.sotto)")
      .option("--json", "one JSON object a line, for scripts");
  }
  for (const [entryName, entry] of Object.entries(COMMANDS)) {
    const command = entry === chosen ? await entry.load() : new Command(entryName);
    program.addCommand(command.summary(entry.summary));
  }
  program.action(() => {
    throw usageFailure("no command given", "see 'sotto help'; 'sotto chat' is a good start.");
  });
  const globals: Globals = { io, signal };
  for (const command of withSubcommands(program)) {
    command.exitOverride().configureOutput(output).configureHelp({ showGlobalOptions: true });
    setGlobals(command, globals);
  }
  return program;
}

function* withSubcommands(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* withSubcommands(child);
}
