import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConflictException,
  GoneException,
  NotFoundException,
  paginateListSipMediaApplications,
  paginateListSipRules,
  paginateListVoiceProfileDomains,
  ServiceUnavailableException,
} from "@aws-sdk/client-chime-sdk-voice";

import { ABSENT, allRefused, client, connector, FUNCTION, paged, status, voice } from "./voice.js";

const KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";

async function application() {
  const made = await voice.createSipMediaApplication({
    Name: "ivr",
    AwsRegion: "us-east-1",
    Endpoints: [{ LambdaArn: FUNCTION }],
  });
  return { SipMediaApplicationId: made.SipMediaApplication.SipMediaApplicationId };
}

test("applications are created, read, changed, listed by pages and deleted", async () => {
  const made = await Promise.all([1, 2, 3, 4, 5].map(application));
  const listed = await paged(paginateListSipMediaApplications, {}, "SipMediaApplications");
  const ids = listed.map((one) => one.SipMediaApplicationId);
  assert.ok(made.every((one) => ids.includes(one.SipMediaApplicationId)));
  const updated = await voice.updateSipMediaApplication({ ...made[0], Name: "menu" });
  assert.equal(updated.SipMediaApplication.Name, "menu");
  const read = (await voice.getSipMediaApplication(made[0])).SipMediaApplication;
  assert.deepEqual(read.Endpoints, [{ LambdaArn: FUNCTION }]);
  assert.ok(read.CreatedTimestamp instanceof Date);

  const SipMediaApplicationLoggingConfiguration = { EnableSipMediaApplicationMessageLogs: true };
  await voice.putSipMediaApplicationLoggingConfiguration({
    ...made[0],
    SipMediaApplicationLoggingConfiguration,
  });
  const logging = await voice.getSipMediaApplicationLoggingConfiguration(made[0]);
  assert.deepEqual(
    logging.SipMediaApplicationLoggingConfiguration,
    SipMediaApplicationLoggingConfiguration,
  );
  for (const one of made) assert.equal(status(await voice.deleteSipMediaApplication(one)), 204);
  await assert.rejects(voice.getSipMediaApplication(made[0]), NotFoundException);
});

test("rules are created, read, changed, listed by pages and deleted", async () => {
  const target = await application();
  const made = [];
  for (let n = 0; n < 3; n++) {
    const { VoiceConnector } = await voice.getVoiceConnector(await connector());
    const answer = await voice.createSipRule({
      Name: "rule",
      TriggerType: "RequestUriHostname",
      TriggerValue: VoiceConnector.OutboundHostName,
      TargetApplications: [{ ...target, Priority: 1 }],
    });
    assert.equal(status(answer), 201);
    made.push({ SipRuleId: answer.SipRule.SipRuleId });
  }
  await assert.rejects(voice.deleteSipMediaApplication(target), ConflictException);
  const listed = await paged(paginateListSipRules, target, "SipRules");
  assert.equal(listed.length, 3);
  const updated = await voice.updateSipRule({ ...made[0], Name: "renamed", Disabled: true });
  assert.equal(status(updated), 202);
  assert.equal((await voice.getSipRule(made[0])).SipRule.Disabled, true);
  for (const one of made) assert.equal(status(await voice.deleteSipRule(one)), 204);
  await voice.deleteSipMediaApplication(target);
});

test("Alexa skills are gone", async () => {
  const it = await application();
  await assert.rejects(voice.getSipMediaApplicationAlexaSkillConfiguration(it), GoneException);
  await assert.rejects(
    voice.putSipMediaApplicationAlexaSkillConfiguration({
      ...it,
      SipMediaApplicationAlexaSkillConfiguration: {
        AlexaSkillStatus: "ACTIVE",
        AlexaSkillIds: [`amzn1.application-oa2-client.${"0".repeat(32)}`],
      },
    }),
    GoneException,
  );
});

test("calls of an application are checked, and unavailable without an engine", async () => {
  const it = await application();
  const once = client({ maxAttempts: 1 });
  const call = { ...it, FromPhoneNumber: "+15035550103", ToPhoneNumber: "+12065550100" };
  await assert.rejects(
    once.createSipMediaApplicationCall({ ...call, SipHeaders: { "X-Id": "1" }, ArgumentsMap: { a: "b" } }),
    ServiceUnavailableException,
  );
  await assert.rejects(
    once.updateSipMediaApplicationCall({ ...it, TransactionId: ABSENT, Arguments: { a: "b" } }),
    ServiceUnavailableException,
  );
});

test("voice profile domains are created, read, changed, listed by pages and deleted", async () => {
  const made = [];
  for (let n = 0; n < 3; n++) {
    // The SDK sends a ClientRequestToken of its own where the model wants one.
    const answer = await voice.createVoiceProfileDomain({
      Name: "domain",
      ServerSideEncryptionConfiguration: { KmsKeyArn: KEY },
    });
    made.push({ VoiceProfileDomainId: answer.VoiceProfileDomain.VoiceProfileDomainId });
  }
  const listed = await paged(paginateListVoiceProfileDomains, {}, "VoiceProfileDomains");
  assert.equal(listed.length, 3);
  await voice.updateVoiceProfileDomain({ ...made[0], Name: "renamed", Description: "known voices" });
  const read = (await voice.getVoiceProfileDomain(made[0])).VoiceProfileDomain;
  assert.deepEqual([read.Name, read.Description], ["renamed", "known voices"]);
  assert.deepEqual((await voice.listVoiceProfiles(made[0])).VoiceProfiles, []);
  for (const one of made) assert.equal(status(await voice.deleteVoiceProfileDomain(one)), 204);
});

test("profiles and tasks that never were are not found", async () => {
  const it = await connector();
  const profile = { VoiceProfileId: `vp-${ABSENT}` };
  const search = { ...it, SpeakerSearchTaskId: ABSENT };
  const tone = { ...it, VoiceToneAnalysisTaskId: ABSENT };
  const domain = await voice.createVoiceProfileDomain({
    Name: "domain",
    ServerSideEncryptionConfiguration: { KmsKeyArn: KEY },
  });
  const { VoiceProfileDomainId } = domain.VoiceProfileDomain;
  const call = { ...it, TransactionId: ABSENT };
  await allRefused(NotFoundException, [
    voice.createVoiceProfile({ SpeakerSearchTaskId: ABSENT }),
    voice.getVoiceProfile(profile),
    voice.updateVoiceProfile({ ...profile, SpeakerSearchTaskId: ABSENT }),
    voice.deleteVoiceProfile(profile),
    voice.startSpeakerSearchTask({ ...call, VoiceProfileDomainId, CallLeg: "Caller" }),
    voice.getSpeakerSearchTask(search),
    voice.stopSpeakerSearchTask(search),
    voice.startVoiceToneAnalysisTask({ ...call, LanguageCode: "en-US" }),
    voice.getVoiceToneAnalysisTask({ ...tone, IsCaller: true }),
    voice.stopVoiceToneAnalysisTask(tone),
  ]);
  await voice.deleteVoiceProfileDomain({ VoiceProfileDomainId });
});
