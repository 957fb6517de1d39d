// What a client made for Statuspage, the package statuspage.io, reads of a page, as JSON:
//   node statuspage-io.mjs BASE_URL
import { Statuspage } from "statuspage.io";

const client = new Statuspage("page");
client.setApiUrl(process.argv[2]);
const { api } = client;
const read = {
  status: await api.getStatus(),
  components: await api.getComponents(),
  summary: await api.getSummary(),
  incidents: await api.incidents.getAll(),
  unresolved: await api.incidents.getUnresolved(),
  maintenances: await api.scheduledMaintenances.getAll(),
  upcoming: await api.scheduledMaintenances.getUpcoming(),
};
console.log(JSON.stringify(read));
