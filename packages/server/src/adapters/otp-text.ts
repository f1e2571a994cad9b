/** What people read when they get a code. */

/** One line for a phone. */
export const codeText = (serverName: string, code: string): string =>
  `${code} is your Sotto code for ${serverName}. Give it to nobody.`;

/** A letter for a mailbox. */
export const codeMail = (serverName: string, code: string): string =>
  `Your code for the Sotto server ${serverName}:

    ${code}

It is valid for ten minutes. Give it to nobody: whoever has it can register with this address.
If you did not ask for it, you need not do anything.
`;
