import assert from "node:assert/strict";
import { test } from "node:test";

import { ConflictException, NotFoundException, paginateListVoiceConnectors } from "@aws-sdk/client-chime-sdk-voice";

import { ABSENT, allRefused, connector, paged, ROUTE, status, TERMINATION, voice } from "./voice.js";

test("a connector is created, read, changed, listed by pages and deleted", async () => {
  const answer = await voice.createVoiceConnector({
    Name: "head office",
    RequireEncryption: true,
    AwsRegion: "eu-west-1",
    Tags: [{ Key: "team", Value: "voice" }],
  });
  assert.equal(status(answer), 201);
  assert.match(answer.$metadata.requestId, /./);
  const made = answer.VoiceConnector;
  assert.ok(made.CreatedTimestamp instanceof Date);
  assert.ok(Math.abs(Date.now() - made.CreatedTimestamp) < 60_000);
  const it = { VoiceConnectorId: made.VoiceConnectorId };
  assert.deepEqual((await voice.getVoiceConnector(it)).VoiceConnector, made);
  const updated = await voice.updateVoiceConnector({ ...it, Name: "branch", RequireEncryption: false });
  assert.equal(updated.VoiceConnector.Name, "branch");

  for (let n = 0; n < 4; n++) await connector();
  const listed = await paged(paginateListVoiceConnectors, {}, "VoiceConnectors");
  const ids = listed.map((one) => one.VoiceConnectorId);
  assert.ok(ids.length >= 5 && ids.includes(made.VoiceConnectorId));
  assert.equal(new Set(ids).size, ids.length);

  assert.equal(status(await voice.deleteVoiceConnector(it)), 204);
  await assert.rejects(voice.getVoiceConnector(it), NotFoundException);
  const regions = await voice.listAvailableVoiceConnectorRegions({});
  assert.equal(regions.VoiceConnectorRegions.length, 10);
});

test("termination, its credentials and its health live as long as the connector", async () => {
  const it = await connector();
  await assert.rejects(voice.getVoiceConnectorTermination(it), NotFoundException);
  const Termination = { ...TERMINATION, CpsLimit: 5, Disabled: false };
  await voice.putVoiceConnectorTermination({ ...it, Termination });
  assert.deepEqual((await voice.getVoiceConnectorTermination(it)).Termination, Termination);
  const health = await voice.getVoiceConnectorTerminationHealth(it);
  assert.deepEqual(health.TerminationHealth, {});

  const Credentials = [{ Username: "pbx", Password: "secret" }];
  const put = await voice.putVoiceConnectorTerminationCredentials({ ...it, Credentials });
  assert.equal(status(put), 204);
  const listed = await voice.listVoiceConnectorTerminationCredentials(it);
  assert.deepEqual(listed.Usernames, ["pbx"]);
  await voice.deleteVoiceConnectorTerminationCredentials({ ...it, Usernames: ["pbx"] });
  assert.deepEqual((await voice.listVoiceConnectorTerminationCredentials(it)).Usernames, []);
  await voice.deleteVoiceConnectorTermination(it);
  await assert.rejects(voice.getVoiceConnectorTermination(it), NotFoundException);
});

test("origination is put, read and deleted", async () => {
  const it = await connector();
  await voice.putVoiceConnectorOrigination({ ...it, Origination: { Routes: [ROUTE] } });
  const read = await voice.getVoiceConnectorOrigination(it);
  assert.deepEqual(read.Origination, { Routes: [ROUTE], Disabled: false });
  assert.equal(status(await voice.deleteVoiceConnectorOrigination(it)), 204);
  await assert.rejects(voice.getVoiceConnectorOrigination(it), NotFoundException);
});

test("a group holds its connectors until it is emptied", async () => {
  const it = await connector();
  const VoiceConnectorItems = [{ ...it, Priority: 1 }];
  const made = await voice.createVoiceConnectorGroup({ Name: "both", VoiceConnectorItems });
  const group = { VoiceConnectorGroupId: made.VoiceConnectorGroup.VoiceConnectorGroupId };
  assert.deepEqual((await voice.getVoiceConnectorGroup(group)).VoiceConnectorGroup, made.VoiceConnectorGroup);
  const groups = (await voice.listVoiceConnectorGroups({})).VoiceConnectorGroups;
  assert.ok(groups.some((one) => one.VoiceConnectorGroupId === group.VoiceConnectorGroupId));
  await assert.rejects(voice.deleteVoiceConnectorGroup(group), ConflictException);
  await assert.rejects(voice.deleteVoiceConnector(it), ConflictException);
  const emptied = await voice.updateVoiceConnectorGroup({ ...group, Name: "none", VoiceConnectorItems: [] });
  assert.equal(status(emptied), 202);
  assert.equal(status(await voice.deleteVoiceConnectorGroup(group)), 204);
});

test("the settings of a connector are put, read and deleted", async () => {
  const it = await connector();
  const StreamingConfiguration = {
    DataRetentionInHours: 5,
    Disabled: false,
    StreamingNotificationTargets: [{ NotificationTarget: "EventBridge" }],
  };
  await voice.putVoiceConnectorStreamingConfiguration({ ...it, StreamingConfiguration });
  const streaming = await voice.getVoiceConnectorStreamingConfiguration(it);
  assert.deepEqual(streaming.StreamingConfiguration, StreamingConfiguration);
  await voice.deleteVoiceConnectorStreamingConfiguration(it);

  const LoggingConfiguration = { EnableSIPLogs: true, EnableMediaMetricLogs: false };
  await voice.putVoiceConnectorLoggingConfiguration({ ...it, LoggingConfiguration });
  const logging = await voice.getVoiceConnectorLoggingConfiguration(it);
  assert.deepEqual(logging.LoggingConfiguration, LoggingConfiguration);

  await voice.putVoiceConnectorTermination({ ...it, Termination: TERMINATION });
  await voice.putVoiceConnectorOrigination({ ...it, Origination: { Routes: [ROUTE] } });
  const EmergencyCallingConfiguration = {
    DNIS: [{ EmergencyPhoneNumber: "+12065550911", CallingCountry: "US" }],
  };
  await voice.putVoiceConnectorEmergencyCallingConfiguration({ ...it, EmergencyCallingConfiguration });
  const emergency = await voice.getVoiceConnectorEmergencyCallingConfiguration(it);
  assert.deepEqual(emergency.EmergencyCallingConfiguration, EmergencyCallingConfiguration);
  await voice.deleteVoiceConnectorEmergencyCallingConfiguration(it);

  const systems = { SessionBorderControllerTypes: ["AUDIOCODES_MEDIANT_SBC"] };
  await voice.putVoiceConnectorExternalSystemsConfiguration({ ...it, ...systems });
  const external = await voice.getVoiceConnectorExternalSystemsConfiguration(it);
  assert.deepEqual(external.ExternalSystemsConfiguration.SessionBorderControllerTypes, [
    "AUDIOCODES_MEDIANT_SBC",
  ]);
  await voice.deleteVoiceConnectorExternalSystemsConfiguration(it);
  await allRefused(NotFoundException, [
    voice.getVoiceConnectorStreamingConfiguration(it),
    voice.getVoiceConnectorEmergencyCallingConfiguration(it),
    voice.getVoiceConnectorExternalSystemsConfiguration(it),
  ]);
});

test("the settings of the account and an address for emergency calls", async () => {
  await voice.updateGlobalSettings({ VoiceConnector: { CdrBucket: "js-records" } });
  assert.deepEqual((await voice.getGlobalSettings({})).VoiceConnector, { CdrBucket: "js-records" });
  await voice.updateGlobalSettings({ VoiceConnector: {} });
  assert.deepEqual((await voice.getGlobalSettings({})).VoiceConnector, {});
  const checked = await voice.validateE911Address({
    AwsAccountId: "000000000000",
    StreetNumber: "410",
    StreetInfo: "Terry Avenue North",
    City: "Seattle",
    State: "Washington",
    Country: "US",
    PostalCode: "98109",
  });
  assert.equal(status(checked), 202);
  assert.equal(checked.Address.streetSuffix, "AVE");
});

test("tags are added, changed and removed", async () => {
  const answer = await voice.createVoiceConnector({ Name: "tagged", RequireEncryption: false });
  const { VoiceConnectorArn: ResourceARN, VoiceConnectorId } = answer.VoiceConnector;
  await voice.tagResource({ ResourceARN, Tags: [{ Key: "a", Value: "1" }, { Key: "b", Value: "2" }] });
  await voice.untagResource({ ResourceARN, TagKeys: ["a"] });
  assert.deepEqual((await voice.listTagsForResource({ ResourceARN })).Tags, [{ Key: "b", Value: "2" }]);
  const absent = ResourceARN.replace(VoiceConnectorId, "a".repeat(22));
  await assert.rejects(voice.listTagsForResource({ ResourceARN: absent }), { name: "NotFoundException" });
  await assert.rejects(voice.getVoiceConnectorGroup({ VoiceConnectorGroupId: ABSENT }), NotFoundException);
});
