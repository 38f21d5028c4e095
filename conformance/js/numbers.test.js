import assert from "node:assert/strict";
import { test } from "node:test";

import {
  BadRequestException,
  ConflictException,
  NotFoundException,
  paginateListPhoneNumberOrders,
  paginateListPhoneNumbers,
  paginateListProxySessions,
  paginateSearchAvailablePhoneNumbers,
} from "@aws-sdk/client-chime-sdk-voice";

import { connector, paged, status, voice } from "./voice.js";

/** Orders numbers and polls until the order is decided. */
async function order(E164PhoneNumbers, ProductType = "VoiceConnector") {
  let made = (await voice.createPhoneNumberOrder({ ProductType, E164PhoneNumbers })).PhoneNumberOrder;
  while (made.Status === "Processing") {
    const { PhoneNumberOrderId } = made;
    made = (await voice.getPhoneNumberOrder({ PhoneNumberOrderId })).PhoneNumberOrder;
  }
  return made;
}

test("numbers are searched by pages, ordered, named, given back and restored", async () => {
  const found = await paged(paginateSearchAvailablePhoneNumbers, { AreaCode: "971" }, "E164PhoneNumbers");
  assert.equal(found.length, 5);
  assert.equal((await order(found.slice(0, 3))).Status, "Successful");
  assert.equal((await order([found[0], found[3]])).Status, "Partial");
  const orders = await paged(paginateListPhoneNumberOrders, {}, "PhoneNumberOrders", 1);
  assert.equal(orders.length, 2);
  const owned = await paged(paginateListPhoneNumbers, {}, "PhoneNumbers");
  assert.deepEqual(
    owned.map((one) => one.E164PhoneNumber).filter((one) => found.includes(one)).sort(),
    found.slice(0, 4).sort(),
  );

  const { PhoneNumberId } = (await voice.getPhoneNumber({ PhoneNumberId: found[0] })).PhoneNumber;
  assert.equal(PhoneNumberId, found[0].replace("+", "%2B"));
  // The id as it came is encoded once more by the SDK, and names the same number.
  const named = await voice.updatePhoneNumber({ PhoneNumberId, Name: "front desk" });
  assert.equal(named.PhoneNumber.Name, "front desk");
  await voice.updatePhoneNumber({ PhoneNumberId, CallingName: "Acme" });
  await assert.rejects(voice.updatePhoneNumber({ PhoneNumberId, CallingName: "Other" }), ConflictException);

  const batch = await voice.batchUpdatePhoneNumber({
    UpdatePhoneNumberRequestItems: [
      { PhoneNumberId: found[1], Name: "lab" },
      { PhoneNumberId: found[4], Name: "not mine" },
    ],
  });
  assert.deepEqual(
    batch.PhoneNumberErrors.map((one) => one.ErrorCode),
    ["NotFound"],
  );
  assert.equal(status(await voice.deletePhoneNumber({ PhoneNumberId })), 204);
  const deleted = await voice.batchDeletePhoneNumber({ PhoneNumberIds: [found[1]] });
  assert.deepEqual(deleted.PhoneNumberErrors, []);
  const waiting = (await voice.listPhoneNumbers({ Status: "DeleteInProgress" })).PhoneNumbers;
  assert.ok(waiting.every((one) => one.DeletionTimestamp instanceof Date));
  assert.equal(waiting.length, 2);
  const restored = await voice.restorePhoneNumber({ PhoneNumberId });
  assert.equal(restored.PhoneNumber.Status, "Unassigned");
});

test("countries and the account's calling name", async () => {
  const countries = await voice.listSupportedPhoneNumberCountries({ ProductType: "VoiceConnector" });
  assert.equal(countries.PhoneNumberCountries[0].CountryCode, "US");
  await voice.updatePhoneNumberSettings({ CallingName: "Acme" });
  const settings = await voice.getPhoneNumberSettings({});
  assert.equal(settings.CallingName, "Acme");
  assert.ok(settings.CallingNameUpdatedTimestamp instanceof Date);
  await assert.rejects(voice.updatePhoneNumberSettings({ CallingName: "Other" }), BadRequestException);
});

test("numbers move between a connector and a group", async () => {
  const it = await connector();
  const made = await voice.createVoiceConnectorGroup({ Name: "js" });
  const group = { VoiceConnectorGroupId: made.VoiceConnectorGroup.VoiceConnectorGroupId };
  const E164PhoneNumbers = ["+15035550100"];
  const given = await voice.associatePhoneNumbersWithVoiceConnector({ ...it, E164PhoneNumbers });
  assert.deepEqual(given.PhoneNumberErrors, []);
  const refused = await voice.associatePhoneNumbersWithVoiceConnectorGroup({ ...group, E164PhoneNumbers });
  assert.equal(refused.PhoneNumberErrors[0].ErrorCode, "PhoneNumberAssociationsExist");
  await voice.disassociatePhoneNumbersFromVoiceConnector({ ...it, E164PhoneNumbers });
  await voice.associatePhoneNumbersWithVoiceConnectorGroup({ ...group, E164PhoneNumbers });
  await voice.disassociatePhoneNumbersFromVoiceConnectorGroup({ ...group, E164PhoneNumbers });
});

test("a proxy session is created, changed, listed by pages and closed", async () => {
  const it = await connector();
  const pool = ["+15035550101", "+15035550102"];
  await voice.putVoiceConnectorProxy({
    ...it,
    DefaultSessionExpiryMinutes: 60,
    PhoneNumberPoolCountries: ["US"],
  });
  await voice.associatePhoneNumbersWithVoiceConnector({ ...it, E164PhoneNumbers: pool });
  const made = await Promise.all(
    [1, 2, 3].map((n) =>
      voice.createProxySession({
        ...it,
        ParticipantPhoneNumbers: [`+1401555011${n}`, `+1401555012${n}`],
        Capabilities: ["Voice"],
      }),
    ),
  );
  const { ProxySessionId } = made[0].ProxySession;
  const one = { ...it, ProxySessionId };
  assert.equal((await voice.getProxySession(one)).ProxySession.Status, "Open");
  const updated = await voice.updateProxySession({ ...one, Capabilities: ["Voice"], ExpiryMinutes: 5 });
  assert.equal(status(updated), 201);
  const listed = await paged(paginateListProxySessions, it, "ProxySessions");
  assert.equal(listed.length, 3);
  await voice.deleteProxySession(one);
  assert.equal((await voice.getProxySession(one)).ProxySession.Status, "Closed");
  assert.equal((await voice.getVoiceConnectorProxy(it)).Proxy.DefaultSessionExpiryMinutes, 60);
  await voice.deleteVoiceConnectorProxy(it);
  await assert.rejects(voice.getVoiceConnectorProxy(it), NotFoundException);
});
