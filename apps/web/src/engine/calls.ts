/** Which methods of a messenger pages may call, and which of them may be repeated when the leading tab goes. */
import type { Messenger } from "@sotto/client/web";

const repeatable = {
  react: true,
  edit: true,
  deleteMessage: true,
  clearConversation: true,
  setTimer: true,
  attachmentThumbnail: true,
  message: true,
  receipts: true,
  markRead: true,
  sendTyping: true,
  history: true,
  search: true,
  conversations: true,
  conversation: true,
  updateConversation: true,
  deleteConversation: true,
  acceptRequest: true,
  deleteRequest: true,
  setNickname: true,
  block: true,
  unblock: true,
  blocked: true,
  profile: true,
  updateProfile: true,
  contacts: true,
  contact: true,
  safetyNumber: true,
  setVerified: true,
  acknowledgeIdentity: true,
  groups: true,
  createGroup: false,
  addToGroup: true,
  removeFromGroup: true,
  renameGroup: true,
  setGroupPicture: true,
  groupPicture: true,
  setAdmins: true,
  leaveGroup: true,
  groupMembers: true,
  createGroupLink: false,
  groupLinks: true,
  revokeGroupLink: true,
  joinRequests: true,
  approveJoin: true,
  refuseJoin: true,
  askToJoin: true,
  askedJoins: true,
  forgetJoin: true,
  doctor: true,
  devices: true,
  linkRequest: true,
  approveLink: false,
  revokeDevice: true,
  cancelReset: true,
  rotateIdentity: false,
  rotateClassicKey: false,
  changePassphrase: false,
  recoveryKey: true,
  pushKey: true,
  setPush: true,
  settings: true,
  updateSettings: true,
  flushed: true,
} as const satisfies Partial<Record<keyof Messenger, boolean>>;

/** The host's own calls for attachments that may be repeated. A message has an id of the page's: what was sent already is not sent again. */
const repeatableTransfers = new Set("send supplyFile fetchFile transfers largestAttachment".split(" "));

/** A method that pages may call. */
export type Forwarded = keyof typeof repeatable;

/** Whether pages may call it. */
export const isForwarded = (method: string): method is Forwarded => Object.hasOwn(repeatable, method);

/** Whether carrying it out twice does no harm. */
export const isRepeatable = (method: string): boolean =>
  isForwarded(method) ? repeatable[method] : repeatableTransfers.has(method);
