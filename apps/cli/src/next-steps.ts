/** What to do about each error, in one table. The types hold it complete: a new code without a next step does not compile. */
import { isErrorCode, type ErrorCode } from "@sotto/protocol";

const report =
  "this is a fault in Sotto: run the command again with SOTTO_DEBUG=1 and report what it prints, without its messages.";
const update = "update sotto on both sides (git pull && npm install), then try again.";
const nothing =
  "nothing is lost: the message was refused and is not shown. If it goes on, compare safety numbers with 'sotto verify'.";

const NEXT_STEPS: Readonly<Record<ErrorCode, string>> = {
  malformed: update,
  too_large: "send less at once: split the text, or choose a smaller file.",
  unsupported_version: update,
  not_signed_in: "try again; if it stays, run 'sotto devices' to see whether this device was revoked.",
  sign_in_refused:
    "this device was revoked, or the server lost the account. To use the account here again, link a new folder: 'sotto devices link --home NEWDIR'; without another device 'sotto recover --home NEWDIR'.",
  account_deleted:
    "the account is gone, and what is stored here stays: keep a copy with 'sotto export --offline', then remove it with 'sotto account delete'. Its number or address can register anew with --home NEWDIR.",
  sign_in_timeout: "the connection is slow: try again.",
  unexpected_frame: update,
  code_refused:
    "check the six digits; a code works for 10 minutes and 5 tries. Ask for another with 'sotto register … --request-only'.",
  code_delivery_failed: "the server could not send the code: try again in a minute, or tell the operator.",
  identifier_invalid:
    "give a phone number in international form (--phone +15551230001) or an e-mail address (--email ann@example.org).",
  identifier_taken:
    "this number or address has an account already; use the device that has it, or register with another one.",
  server_full: "the server takes no more accounts: ask its operator, or choose another server.",
  unsealing_failed:
    "the server's key may have changed: ask the operator for a new invite link and use it with --server.",
  rate_limited: "wait a little, then try again.",
  device_list_invalid:
    "the server answered with a device list that its owner did not sign as it should be. Do not trust the server; tell its operator.",
  version_conflict: "another device of yours changed the list at the same time: try again.",
  log_refused: "try again; if it stays, the recipient's device is gone and will get a new address.",
  log_exists: "try again.",
  epoch_ended: "try again.",
  slot_unknown: "try again.",
  slot_limit: "tell the operator: the log has as many readers as the server allows.",
  quota_exceeded:
    "the recipient's inbox is full, or your account did very much at once: wait a while, then try again.",
  link_refused:
    "the code is wrong, too old or was answered: run 'sotto devices link' on the new device again.",
  ticket_refused: "it took too long: begin again, in a recovery with a new code.",
  account_unknown: "no account has this number or address on the server: register one with 'sotto register'.",
  not_attached: "try again.",
  blob_unknown:
    "the server does not have that attachment any more: it was deleted, or kept as long as the server keeps them. Ask for it again.",
  blob_conflict: "try again.",
  blob_space: "the server has no room for attachments now: try again later, or tell its operator.",
  too_slow: "the connection is too slow for what comes in: try again on a better one.",
  classic_switched_off:
    "this server does not allow the classic suite: ask the operator, or send with another suite.",
  superseded: "this device connected from another process; close the other one, or go on there.",
  draining: "the server is restarting: try again in a few seconds.",
  unavailable: "the server is busy: try again in a few seconds.",
  internal: report,
  server_key_mismatch:
    "stop: this is not the server that you know, or somebody stands between. Ask the operator for the fingerprint by another way.",
  clock_wrong: "set this device's date, time and time zone right, then try again.",
  server_unreachable: "check the address and your connection, and that the server runs ('sotto serve').",
  connection_lost: "try again; what was queued goes out by itself with the next connection.",
  passphrase_wrong:
    "try again. If SOTTO_PASSPHRASE is set, or SOTTO_BACKUP_PASSPHRASE for a server's backup, it is that one. A forgotten passphrase cannot be recovered.",
  vault_missing:
    "run 'sotto register' (again, if it was cut off; a reset ends with the same 'sotto reset' after its delay), or point --home (SOTTO_HOME) at the folder of your account.",
  vault_exists: "there is an account in this folder already: use it, or choose another folder with --home.",
  vault_locked: "another sotto uses this account: close it ('sotto chat' counts), then try again.",
  vault_damaged: "restore the folder from a backup; what was there is left untouched.",
  vault_foreign:
    "this folder holds something else, or a vault of a newer Sotto: choose another with --home, or update.",
  storage_failed:
    "check free space, and that this user may use the file or folder that is named, then try again.",
  storage_full: "make room, then try again.",
  backup_damaged:
    "the file is damaged, cut short, altered, or no backup of Sotto's: try another copy of it. Nothing was changed.",
  backup_foreign: "the backup was made by a newer Sotto: update this one.",
  backup_outdated:
    "the account changed its identity key or owner since: use a newer backup, 'sotto recover' with the recovery key, or 'sotto devices link'.",
  backup_unencrypted:
    "if it is yours and nobody else could write to where it lay, say --unencrypted; otherwise use one that is encrypted.",
  usage: "see 'sotto help', or 'sotto COMMAND --help' for an example.",
  contact_blocked: "unblock them first: 'sotto contacts unblock CONTACT'.",
  contact_unknown:
    "check the number or address; 'sotto contacts' lists whom you know, 'sotto contacts add' looks somebody up.",
  identifier_not_found: "check the number or address, and ask them to register on the same server.",
  identity_changed:
    "their identity key changed: compare numbers with 'sotto verify CONTACT', then accept it with 'sotto contacts acknowledge CONTACT'.",
  device_list_rolled_back:
    "the server answered with an older device list than you saw before. Do not trust the server; tell its operator.",
  device_unknown: nothing,
  key_revoked: nothing,
  no_usable_key:
    "none of their devices has a key in use: ask them to open sotto once, or to run 'sotto keys rotate'.",
  message_too_large: "shorten the text to 65,536 bytes, or send it in parts.",
  message_refused: nothing,
  message_stale: "the message is too old, or a clock is wrong: check the date on both devices.",
  message_from_future: "a clock is wrong: check the date on both devices.",
  message_replayed: nothing,
  message_not_for_us: nothing,
  decryption_failed: nothing,
  signature_invalid: nothing,
  key_invalid: "the key is damaged or of another kind: check what was given.",
  suite_unavailable: "send over MLS: leave --suite out. What was sent over the classic suite stays as it is.",
  mls_invalid:
    "nothing is lost: what broke a rule was refused and changed nothing. If it goes on, compare safety numbers with 'sotto verify'.",
  recovery_key_wrong:
    "type the key again as it was shown: eight groups of four characters. Without it the account can only be reset.",
  safety_number_differs:
    "type or scan it again. If it still differs, somebody may stand between you: write nothing that matters, and compare anew once both of you were online.",
  group_unknown: "check the name or id; 'sotto group list' shows the groups of this device.",
  group_ambiguous: "use one of the ids in the message in place of the name.",
  group_link_invalid: "ask whoever sent the link for a new one, and copy all of it, between quotes.",
  group_forbidden: "ask an admin of the group; 'sotto group members NAME' shows who that is.",
  attachment_damaged:
    "what came is not what was sent, and nothing of it was kept. Ask for it again; if it goes on, do not trust the server, and tell its operator.",
  file_changed: "send the file again, and leave it as it is until it has gone out.",
  picture_unreadable: "use --keep-metadata to send it as it is, with everything that it may tell.",
  config_invalid: "correct the named setting; 'sotto serve --help' lists them all.",
  data_folder_foreign: "choose an empty or new folder with --data, or the one of an earlier start.",
  data_folder_damaged:
    "restore the folder from a backup, or choose another with --data; nothing in it was changed.",
  data_folder_locked: "another process uses this folder or database: stop it, or choose another.",
  data_moved: "start the server with --database (SOTTO_DATABASE), as the message says where the data is now.",
  data_unfinished: "run 'sotto admin migrate' or 'sotto admin restore' again: it goes on, or begins anew.",
  data_not_empty: "choose a new file, an empty or new folder, or an empty database; nothing was changed.",
  data_differs:
    "run 'sotto admin migrate' again. If it stays, keep to the old server, which goes on, and report it: nothing was lost.",
  address_in_use: "choose another port with --port, or stop the program that uses it.",
};

/** What to do about an error; also for codes of a newer server that are unknown here. */
export function nextStep(code: string): string {
  return isErrorCode(code) ? NEXT_STEPS[code] : update;
}
