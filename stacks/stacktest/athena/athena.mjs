// Runs queries of the logs in SQLite, with those functions of Athena's that they
// use: tables and queries in JSON on standard input, the rows of each on
// standard output.
import { readFileSync } from "node:fs";
import initSqlJs from "sql.js";

const { tables, queries } = JSON.parse(readFileSync(0));
const { Database } = await initSqlJs();
const db = new Database();

const functions = {
  date_add: (unit, n, date) => {
    if (unit !== "day") throw new Error(`date_add of a ${unit}`);
    return new Date(Date.parse(date) + n * 86_400_000).toISOString().slice(0, 10);
  },
  from_iso8601_timestamp: (text) => text,
  to_unixtime: (timestamp) => Date.parse(timestamp) / 1000,
  from_unixtime: (seconds) => new Date(seconds * 1000).toISOString(),
  starts_with: (text, beginning) => (text.startsWith(beginning) ? 1 : 0),
  regexp_replace: (text, pattern, replacement) => text.replace(new RegExp(pattern, "g"), replacement),
};
for (const [name, f] of Object.entries(functions)) db.create_function(name, f);

const quoted = (name) => `"${name}"`;
for (const [name, { columns, rows }] of Object.entries(tables)) {
  db.run(`CREATE TABLE ${quoted(name)} (${columns.map(quoted).join(", ")})`);
  const insert = db.prepare(`INSERT INTO ${quoted(name)} VALUES (${columns.map(() => "?").join(", ")})`);
  for (const row of rows) insert.run(row);
  insert.free();
}

const rowsOf = (query) => {
  const rows = [];
  const statement = db.prepare(query);
  while (statement.step()) rows.push(statement.getAsObject());
  return rows;
};
const answers = Object.entries(queries).map(([name, query]) => [name, rowsOf(query)]);
console.log(JSON.stringify(Object.fromEntries(answers)));
