/**
 * Every error code of Sotto, with whether it travels from the server. spec/ERRORS.md holds one section per code;
 * a test keeps the two equal.
 */
export const ERROR_CODES = {
  // What the server answers.
  malformed: { travels: true },
  too_large: { travels: true },
  unsupported_version: { travels: true },
  not_signed_in: { travels: true },
  sign_in_refused: { travels: true },
  sign_in_timeout: { travels: true },
  unexpected_frame: { travels: true },
  code_refused: { travels: true },
  code_delivery_failed: { travels: true },
  identifier_invalid: { travels: true },
  identifier_taken: { travels: true },
  server_full: { travels: true },
  unsealing_failed: { travels: true },
  rate_limited: { travels: true },
  device_list_invalid: { travels: true },
  version_conflict: { travels: true },
  log_refused: { travels: true },
  log_exists: { travels: true },
  epoch_ended: { travels: true },
  slot_unknown: { travels: true },
  slot_limit: { travels: true },
  quota_exceeded: { travels: true },
  link_refused: { travels: true },
  ticket_refused: { travels: true },
  account_unknown: { travels: true },
  not_attached: { travels: true },
  classic_switched_off: { travels: true },
  superseded: { travels: true },
  too_slow: { travels: true },
  draining: { travels: true },
  unavailable: { travels: true },
  internal: { travels: true },
  // What the client finds by itself.
  server_key_mismatch: { travels: false },
  server_unreachable: { travels: false },
  connection_lost: { travels: false },
  passphrase_wrong: { travels: false },
  vault_missing: { travels: false },
  vault_exists: { travels: false },
  vault_locked: { travels: false },
  vault_damaged: { travels: false },
  vault_foreign: { travels: false },
  storage_failed: { travels: false },
  storage_full: { travels: false },
  usage: { travels: false },
  contact_unknown: { travels: false },
  identifier_not_found: { travels: false },
  identity_changed: { travels: false },
  device_list_rolled_back: { travels: false },
  device_unknown: { travels: false },
  key_revoked: { travels: false },
  no_usable_key: { travels: false },
  message_too_large: { travels: false },
  message_refused: { travels: false },
  message_stale: { travels: false },
  message_from_future: { travels: false },
  message_replayed: { travels: false },
  message_not_for_us: { travels: false },
  decryption_failed: { travels: false },
  signature_invalid: { travels: false },
  key_invalid: { travels: false },
  suite_unavailable: { travels: false },
  mls_invalid: { travels: false },
  recovery_key_wrong: { travels: false },
  group_unknown: { travels: false },
  group_ambiguous: { travels: false },
  group_forbidden: { travels: false },
  // What an operator meets.
  config_invalid: { travels: false },
  data_folder_foreign: { travels: false },
  data_folder_damaged: { travels: false },
  data_folder_locked: { travels: false },
  address_in_use: { travels: false },
} as const satisfies Record<string, { travels: boolean }>;

/** A code that names one kind of failure. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether a text is one of our codes; what another version of the server says may not be. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
