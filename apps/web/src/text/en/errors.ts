/** What went wrong, and what to do, by error code (spec/ERRORS.md). */
export const errors = {
  other: (code: string) => `That did not work (${code}). Try again.`,
  code_refused: "That code is wrong or too old. Look again, or ask for a new one.",
  code_delivery_failed: "The code could not be sent. Check the number or address, and try again later.",
  identifier_invalid: "That is no phone number or e-mail address. A number begins with + and its country.",
  identifier_taken: "There is an account for that already: link this browser to it, or use the recovery key.",
  identifier_not_found: "Nobody on this server has that number or address. Invite them first.",
  identity_changed: "Their identity key changed. Look at it before you go on.",
  account_deleted:
    "This account was deleted on another device. What is here can still be read, until you remove it in the settings.",
  server_full: "This server takes no more accounts. Ask whoever runs it.",
  server_key_mismatch: "This server shows another key than expected. Do not go on: ask whoever runs it.",
  clock_wrong: "This device's clock is too far off. Set its date and time right, then try again.",
  unsupported_version: "The server runs a newer version of Sotto. Reload this page.",
  sign_in_refused:
    "This device was taken off the account, or the account is gone. Link it anew from another device.",
  server_unreachable: "The server cannot be reached. Check your connection, then try again.",
  connection_lost: "The connection broke. It comes back by itself.",
  rate_limited: "Too many tries. Wait a little, then try again.",
  passphrase_wrong: "That passphrase is wrong. Nothing was changed.",
  vault_missing: "There is no account in this browser. The browser may have deleted it.",
  vault_exists: "There is an account in this browser already.",
  vault_locked: "Another tab has taken over. Look whether it is done before you repeat it.",
  vault_damaged: "What this browser has stored is damaged. Link it anew from another device.",
  vault_foreign: "A newer version of Sotto stored this. Reload the page.",
  storage_failed: "The browser's storage does not work. A private window, or a full disk, can be the reason.",
  storage_full: "The browser has no room left. Delete something, or make room on the disk.",
  message_too_large: "That message is too long.",
  group_link_invalid:
    "That is no link of a group of this server, not all of it, or it is good no more. Ask for a new one.",
  group_forbidden: "The rules of this group do not let you do that.",
  link_refused: "That did not work out in time. Begin anew for a new code.",
  recovery_key_wrong: "That recovery key does not open the account.",
  suite_unavailable: "That way of encryption is not to be had here.",
  backup_damaged:
    "That file is no backup of Sotto, or is damaged. Nothing was taken from it; try another copy.",
  backup_foreign: "A newer version of Sotto made this backup. Reload the page.",
  backup_outdated:
    "The account has other keys since this backup was made. Use a newer one, another device, or the recovery key.",
  account_unknown: "That account is not on this server any more.",
  too_large: "That file is larger than this server takes.",
  file_changed: "The file cannot be read any more, or was changed meanwhile. Choose it again.",
  picture_unreadable:
    "That picture is damaged, so what it tells of place and camera cannot be taken out. It was not sent.",
  attachment_damaged: "What the server gave is not the file that was sent. It was thrown away.",
  blob_unknown: "This file is not on the server any more: its time was over, or it was deleted.",
} as const;
