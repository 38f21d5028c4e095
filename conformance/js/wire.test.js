import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";

import {
  BadRequestException,
  ChimeSDKVoiceServiceException,
  NotFoundException,
  ThrottledClientException,
  UnauthorizedClientException,
} from "@aws-sdk/client-chime-sdk-voice";

import { client, voice } from "./voice.js";

test("an error has its class, its status, its request id and a message that names the value", async () => {
  const id = "a".repeat(22);
  const refused = await voice.getVoiceConnector({ VoiceConnectorId: id }).catch((error) => error);
  assert.ok(refused instanceof NotFoundException);
  assert.ok(refused instanceof ChimeSDKVoiceServiceException);
  assert.equal(refused.$metadata.httpStatusCode, 404);
  assert.equal(refused.$metadata.attempts, 1);
  assert.match(refused.$metadata.requestId, /./);
  assert.match(refused.message, new RegExp(`Could not find VoiceConnector with Id '${id}'`));
});

test("what the SDK does not check the service does", async () => {
  await assert.rejects(
    voice.createVoiceConnector({ Name: "x/!", RequireEncryption: false }),
    (refused) => refused instanceof BadRequestException && /^Name /.test(refused.message),
  );
});

test("an unknown key is an unauthorized client and is not tried again", async () => {
  const credentials = { accessKeyId: "AKIAXXXXXXXXXXXXXXXX", secretAccessKey: "nobody-knows-this" };
  const refused = await client({ credentials })
    .listVoiceConnectors({})
    .catch((error) => error);
  assert.ok(refused instanceof UnauthorizedClientException);
  assert.equal(refused.$metadata.attempts, 1);
});

test("a throttled request is tried again until it is served", async () => {
  const busy = { endpoint: process.env.BUSY_ENDPOINT, credentials: JSON.parse(process.env.BUSY_CREDENTIALS) };
  const impatient = client({ ...busy, maxAttempts: 1 });
  const refused = await Promise.all(
    Array.from({ length: 10 }, () => impatient.listVoiceConnectors({}).catch((error) => error)),
  );
  assert.ok(refused.some((one) => one instanceof ThrottledClientException));

  const patient = client({ ...busy, maxAttempts: 12 });
  const answers = await Promise.all(Array.from({ length: 4 }, () => patient.listVoiceConnectors({})));
  assert.ok(answers.some((one) => one.$metadata.attempts > 1));
});

/** A relay to the service that resets its first connections before they are answered. */
async function faulty(resets) {
  const target = new URL(process.env.AWS_ENDPOINT_URL_CHIME_SDK_VOICE);
  const relay = createServer((caller) => {
    if (resets-- > 0) {
      caller.once("data", () => caller.resetAndDestroy());
      caller.on("error", () => {});
      return;
    }
    const called = connect(Number(target.port), target.hostname);
    caller.pipe(called).pipe(caller);
    for (const side of [caller, called]) side.on("error", () => side.destroy());
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  return relay;
}

test("a connection that breaks is tried again", async () => {
  const relay = await faulty(2);
  const through = client({ endpoint: `http://127.0.0.1:${relay.address().port}` });
  const made = await through.createVoiceConnector({ Name: "after all", RequireEncryption: false });
  assert.equal(made.$metadata.attempts, 3);
  const { VoiceConnectorId } = made.VoiceConnector;
  assert.equal((await voice.getVoiceConnector({ VoiceConnectorId })).VoiceConnector.Name, "after all");
  through.destroy();
  relay.close();
});

test("many requests at once share their connections", async () => {
  const made = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      voice.createVoiceConnector({ Name: `many ${n}`, RequireEncryption: false }),
    ),
  );
  const ids = new Set(made.map((one) => one.VoiceConnector.VoiceConnectorId));
  assert.equal(ids.size, 50);
  await Promise.all([...ids].map((VoiceConnectorId) => voice.deleteVoiceConnector({ VoiceConnectorId })));
});
