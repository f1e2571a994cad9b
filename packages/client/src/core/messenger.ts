/** The SDK's surface over the engine: each method is a step, a read, or a wait, and nothing more. */
import { exportPrivateKey, openVault, rewrapVault } from "@sotto/crypto";
import { formatFingerprint } from "@sotto/protocol";
import type { Messenger, Settings } from "../api.ts";
import { deleteForEveryone, edit, oneMessage, react, receiptsOf } from "./acting.ts";
import { downloadAttachment, largestFile, supplyFile } from "./attachments/commands.ts";
import { thumbnailOf } from "./attachments/finding.ts";
import { acceptRequest, deleteRequest } from "./accepting.ts";
import { blockedContacts, setBlocked } from "./blocking.ts";
import { history } from "./conversations.ts";
import { updateConversation } from "./deciding.ts";
import { writeBackup } from "./backup/writing.ts";
import { clearConversation, deleteConversation } from "./deleting.ts";
import { endAccount } from "./ending.ts";
import type { Engine } from "./engine.ts";
import type { Env } from "./env.ts";
import {
  addToGroup,
  createGroup,
  leaveGroup,
  removeFromGroup,
  renameGroup,
  setAdmins,
} from "./groups/commands.ts";
import { askedJoins, forgetJoin } from "./groups/links/asked.ts";
import { askToJoin } from "./groups/links/asking.ts";
import { createGroupLink, groupLinks, revokeGroupLink } from "./groups/links/invites.ts";
import { approveJoin, joinRequests, refuseJoin } from "./groups/links/requests.ts";
import { approveLink, linkRequest } from "./devices/approving.ts";
import { setPush } from "./devices/pushing.ts";
import { cancelReset, changeList, listDevices, revokeDevice, rotateIdentity } from "./devices/commands.ts";
import { doctor, findConversation, groupMembers, groupsOf, toGroup } from "./groups/overview.ts";
import { groupPicture, setGroupPicture } from "./groups/set-picture.ts";
import { setTimer } from "./groups/set-timer.ts";
import { tellTyping } from "./groups/typing.ts";
import { makeClassicKey } from "./keys.ts";
import { signingKey } from "./own-keys.ts";
import {
  acknowledge,
  allContacts,
  lookUpContact,
  publicKeysOf,
  safetyNumberWith,
  setVerified,
  toContacts,
} from "./people.ts";
import { setNickname } from "./profile.ts";
import { updateProfile } from "./renaming.ts";
import { names, type OwnAccount } from "./records.ts";
import { search } from "./search/finding.ts";
import { deleteHere } from "./removing.ts";
import { sendAgain } from "./sending-again.ts";
import { caughtUp, flushed, send, whenSent } from "./sending.ts";
import { connectionState } from "./session.ts";
import { allConversations, oneConversation } from "./summaries.ts";
import { markRead, unshownMessages } from "./unshown.ts";
import type { HeaderFile } from "./vault-header.ts";

/** Who this device is, for callers. */
export function selfOf(own: OwnAccount): Messenger["self"] {
  return {
    identifier: own.identifier,
    accountId: own.account,
    deviceId: own.device,
    serverOrigin: own.serverOrigin,
    serverFingerprint: formatFingerprint(own.serverFingerprint),
  };
}

/** Puts the SDK's surface on a running engine. @param discard removes the vault, once it is closed. */
export function messengerOf(
  engine: Engine,
  env: Env,
  header: HeaderFile,
  discard: () => void | Promise<void>,
): Messenger {
  const { own } = engine.live;
  const changeKey = async (oldKeys: "retired" | "revoked"): Promise<void> => {
    await changeList(engine, { type: "classic-key", newKey: await makeClassicKey(env), oldKeys });
  };

  return {
    self: selfOf(own),
    get connection() {
      return engine.closed ? "offline" : connectionState(engine.live.session);
    },
    send: (to, body, options) => send(engine, to, body, options),
    sendAgain: (conversation, id) => engine.run((step) => sendAgain(step, conversation, id)),
    react: (conversation, id, emoji) => engine.run((step) => react(step, conversation, id, emoji)),
    edit: (conversation, id, body) => engine.run((step) => edit(step, conversation, id, body)),
    deleteMessage: (conversation, id, options) =>
      engine.run((step) =>
        options?.forEveryone === true
          ? deleteForEveryone(step, conversation, id)
          : deleteHere(step, conversation, id),
      ),
    clearConversation: (conversation) => engine.run((step) => clearConversation(step, conversation)),
    setTimer: (conversation, seconds) => setTimer(engine, conversation, seconds),
    downloadAttachment: (conversation, id, index, sink, options) =>
      downloadAttachment(engine, env, [conversation, id, index], sink, options),
    attachmentThumbnail: (conversation, id, index) =>
      engine.run((step) => thumbnailOf(step, conversation, id, index)),
    supplyFile: (conversation, id, index, source) => supplyFile(engine, conversation, id, index, source),
    largestAttachment: () => largestFile(engine),
    message: (conversation, id) => engine.run((step) => oneMessage(step, conversation, id)),
    receipts: (conversation, id) => engine.run((step) => receiptsOf(step, conversation, id)),
    whenSent: (id, options) => whenSent(engine, id, options?.signal),
    messages: (options) => unshownMessages(engine, options?.signal),
    caughtUp: (options) => caughtUp(engine, options?.signal),
    flushed: (options) => flushed(engine, options?.signal),
    markRead: (peer) => engine.run((step) => markRead(step, peer)),
    sendTyping: (peer) => engine.run((step) => tellTyping(step, peer)),
    history: (peer, options = {}) =>
      engine.run(async (step) => history(step.draft, own, await findConversation(step, peer), options)),
    search: (query, options = {}) => search(engine, query, options),
    conversations: (options = {}) => engine.run((step) => allConversations(step, options)),
    conversation: (peer) => engine.run((step) => oneConversation(step, peer)),
    updateConversation: (peer, changes) => engine.run((step) => updateConversation(step, peer, changes)),
    deleteConversation: (peer) => engine.run((step) => deleteConversation(step, peer)),
    acceptRequest: (peer) => engine.run((step) => acceptRequest(step, peer)),
    deleteRequest: (peer) => engine.run((step) => deleteRequest(step, peer)),
    profile: () => engine.run(async (step) => ({ name: (await step.draft.get(names.profile))?.name ?? "" })),
    updateProfile: (profile) => engine.run((step) => updateProfile(step, profile)),
    setNickname: (peer, nickname) => engine.run((step) => setNickname(step, peer, nickname)),
    block: (peer) => engine.run((step) => setBlocked(step, peer, true)),
    unblock: (peer) => engine.run((step) => setBlocked(step, peer, false)),
    blocked: () => engine.run(blockedContacts),
    contacts: () =>
      engine.run(async (step) =>
        toContacts(
          step,
          (await allContacts(step)).filter(({ account }) => account !== undefined),
        ),
      ),
    contact: (peer) => lookUpContact(engine, peer),
    safetyNumber: (peer) => safetyNumberWith(engine, env, peer),
    setVerified: (peer, verified) => engine.run((step) => setVerified(step, peer, verified)),
    acknowledgeIdentity: (peer) => engine.run((step) => acknowledge(step, peer)),
    groups: () => engine.run(async (step) => groupsOf(step).map((group) => toGroup(step, group))),
    createGroup: (name, members) => createGroup(engine, name, members),
    addToGroup: (group, members) => addToGroup(engine, group, members),
    removeFromGroup: (group, members) => removeFromGroup(engine, group, members),
    renameGroup: (group, name) => renameGroup(engine, group, name),
    setGroupPicture: (group, image) => setGroupPicture(engine, group, image),
    groupPicture: (group) => engine.run((step) => groupPicture(step, group)),
    setAdmins: (group, members, admin) => setAdmins(engine, group, members, admin),
    leaveGroup: (group) => leaveGroup(engine, group),
    groupMembers: (group) => engine.run((step) => groupMembers(step, group)),
    createGroupLink: (group, lifeSec) => createGroupLink(engine, group, lifeSec),
    groupLinks: (group) => engine.run((step) => groupLinks(step, group)),
    revokeGroupLink: (group, id) => revokeGroupLink(engine, group, id),
    joinRequests: (group) => engine.run((step) => joinRequests(step, group)),
    approveJoin: (group, peer) => approveJoin(engine, group, peer),
    refuseJoin: (group, peer) => engine.run((step) => refuseJoin(step, group, peer)),
    askToJoin: (link) => askToJoin(engine, link),
    askedJoins: () => engine.run(askedJoins),
    forgetJoin: (id) => engine.run((step) => forgetJoin(step, id)),
    doctor: () => doctor(engine),
    devices: () => engine.run(listDevices),
    linkRequest: (code) => linkRequest(engine, code),
    approveLink: (code) => approveLink(engine, code),
    revokeDevice: (id) => revokeDevice(engine, id),
    resetPending: () => engine.live.session.resetAt || undefined,
    cancelReset: () => cancelReset(engine),
    pushKey: async () => {
      const { pushKey } = engine.live.session;
      return pushKey.length === 0 ? undefined : pushKey;
    },
    setPush: (target) => setPush(engine, target),
    rotateIdentity: () => rotateIdentity(engine),
    rotateClassicKey: () => changeKey("retired"),
    revokeClassicKey: () => changeKey("revoked"),
    async exportClassicPrivateKey(passphrase) {
      await openVault(env.crypto, await header.read(), passphrase);
      return exportPrivateKey(signingKey(engine.live.own).privateKey);
    },
    classicPublicKeys: (peer) => publicKeysOf(engine, peer),
    async changePassphrase(current, next) {
      await header.write(await rewrapVault(env.crypto, await header.read(), current, next));
    },
    async recoveryKey(passphrase) {
      await openVault(env.crypto, await header.read(), passphrase);
      return engine.view.get(names.recoveryKey);
    },
    settings: () => settings(engine),
    updateSettings: (changes) =>
      engine.run(async (step) => {
        const before = (await step.draft.get(names.settings)) ?? defaultSettings;
        step.draft.put(names.settings, { ...before, ...changes });
      }),
    backup: (passphrase, sink, options) => writeBackup(engine, env, passphrase, sink, options?.onProgress),
    async deleteAccount(passphrase) {
      await openVault(env.crypto, await header.read(), passphrase);
      await endAccount(engine, env);
      await engine.close();
      await discard();
    },
    subscribe: (listener) => engine.subscribe(listener),
    close: () => engine.close(),
  };
}

const defaultSettings: Settings = { readReceipts: true };

async function settings(engine: Engine): Promise<Settings> {
  return (await engine.view.get(names.settings)) ?? defaultSettings;
}
