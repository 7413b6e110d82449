// What zigbee2mqtt's adapter is replaced with, by `node --require`: a radio that needs no hardware, and devices that do
// what they are told at once. Everything above the adapter is zigbee2mqtt's own.
"use strict";

const { Adapter } = require("zigbee-herdsman/dist/adapter/adapter");
const { Zcl, Zdo } = require("zigbee-herdsman");

const SUCCESS = Zcl.Status.SUCCESS;

// What the devices say of themselves when they are asked.
function attribute(cluster, id) {
  const { name, type } = cluster.getAttribute(id);
  const isText = type === Zcl.DataType.CHAR_STR || type === Zcl.DataType.OCTET_STR;
  const value = name === "currentLevel" ? 254 : name === "colorTemperature" ? 370 : isText ? "" : 1;
  return { attrId: id, status: SUCCESS, dataType: type, attrData: value };
}

// The payload of the answer to a frame, and its command.
function answer({ cluster, command, payload }, isGlobal) {
  if (isGlobal && command.name === "read") {
    return ["readRsp", payload.map(({ attrId }) => attribute(cluster, attrId))];
  }
  if (isGlobal && command.name === "write") return ["writeRsp", [{ status: SUCCESS }]];
  if (isGlobal && command.name === "configReport") return ["configReportRsp", [{ status: SUCCESS }]];
  return ["defaultRsp", { cmdId: command.ID, statusCode: SUCCESS }];
}

class Radio extends Adapter {
  async start() {
    return "resumed";
  }

  async stop() {}

  async getCoordinatorIEEE() {
    return "0x00124b0000000000";
  }

  async getCoordinatorVersion() {
    return { type: "none", meta: { revision: "1" } };
  }

  async supportsBackup() {
    return false;
  }

  async getNetworkParameters() {
    const { panID, extendedPanID, channelList } = this.networkOptions;
    const extended = `0x${Buffer.from(extendedPanID).toString("hex")}`;
    return { panID, extendedPanID: extended, channel: channelList[0], nwkUpdateID: 0 };
  }

  async permitJoin() {}

  async sendZdo() {
    return [Zdo.Status.SUCCESS, undefined];
  }

  async sendZclFrameToEndpoint(_ieeeAddress, address, endpoint, frame) {
    const isGlobal = frame.header.isGlobal;
    const [command, payload] = answer(frame, isGlobal);
    const response = Zcl.Frame.create(Zcl.FrameType.GLOBAL, Zcl.Direction.SERVER_TO_CLIENT, true,
      frame.header.manufacturerCode, frame.header.transactionSequenceNumber, command, frame.cluster.name, payload, {});
    const data = response.toBuffer();
    const received = {
      clusterID: frame.cluster.ID, header: Zcl.Header.fromBuffer(data), data, address, endpoint,
      linkquality: 100, groupID: 0, wasBroadcast: false, destinationEndpoint: 1,
    };
    this.emit("zclPayload", received);
    return received;
  }

  async sendZclFrameToGroup() {}

  async sendZclFrameToAll() {}

  waitFor() {
    return { promise: new Promise(() => {}), cancel: () => {} };
  }
}

Adapter.create = async (...options) => new Radio(...options);
