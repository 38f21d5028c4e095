// The unmodified client: endpoint, key and region come from the environment, as in anybody's program.

import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";

import { ChimeSDKVoice } from "@aws-sdk/client-chime-sdk-voice";

/** A client that notes which operations it was asked for. */
export function client(options = {}) {
  const voice = new ChimeSDKVoice(options);
  voice.middlewareStack.add(
    (next, context) => (request) => {
      appendFileSync(process.env.CALLED, `${context.commandName.replace(/Command$/, "")}\n`);
      return next(request);
    },
    { step: "initialize", name: "noteOperation" },
  );
  return voice;
}

export const voice = client();

/** An id of the right shape that nothing has. */
export const ABSENT = "00000000-0000-4000-8000-000000000000";
export const FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:ivr";
export const TERMINATION = { CallingRegions: ["US"], CidrAllowedList: ["203.0.113.0/27"] };
export const ROUTE = { Host: "198.51.100.7", Port: 5060, Protocol: "UDP", Priority: 1, Weight: 1 };

/** A new connector's id, as the member that names it. */
export async function connector(members = {}) {
  const made = await voice.createVoiceConnector({ Name: "js", RequireEncryption: false, ...members });
  return { VoiceConnectorId: made.VoiceConnector.VoiceConnectorId };
}

/** Every item of a list, by the SDK's paginator. */
export async function paged(paginate, input, member, pageSize = 2) {
  const items = [];
  for await (const page of paginate({ client: voice, pageSize }, input)) {
    if (page[member].length > pageSize) throw new Error(`a page of ${page[member].length} ${member}`);
    items.push(...page[member]);
  }
  return items;
}

export const status = (answer) => answer.$metadata.httpStatusCode;

/** Wants each of several requests refused by a class of error. */
export async function allRefused(kind, requests) {
  for (const outcome of await Promise.allSettled(requests)) {
    assert.ok(outcome.reason instanceof kind, String(outcome.reason ?? outcome.value));
  }
}
