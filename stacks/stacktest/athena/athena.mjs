// Runs queries of the logs in SQLite, with those functions of Athena's that they
// use. Standard input is a JSON list of sets of tables and queries; standard
// output is a list with the rows of each query.
import { readFileSync } from "node:fs";
import initSqlJs from "sql.js";

const { Database } = await initSqlJs();

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

const quoted = (name) => `"${name}"`;
const create = (db, name, { columns, rows }) => {
  db.run(`CREATE TABLE ${quoted(name)} (${columns.map(quoted).join(", ")})`);
  const insert = db.prepare(`INSERT INTO ${quoted(name)} VALUES (${columns.map(() => "?").join(", ")})`);
  for (const row of rows) insert.run(row);
  insert.free();
};

const rowsOf = (db, query) => {
  const rows = [];
  const statement = db.prepare(query);
  while (statement.step()) rows.push(statement.getAsObject());
  statement.free();
  return rows;
};

const run = ({ tables, queries }) => {
  const db = new Database();
  for (const [name, f] of Object.entries(functions)) db.create_function(name, f);
  for (const [name, table] of Object.entries(tables)) create(db, name, table);
  const found = Object.entries(queries).map(([name, query]) => [name, rowsOf(db, query)]);
  db.close();
  return Object.fromEntries(found);
};
console.log(JSON.stringify(JSON.parse(readFileSync(0)).map(run)));
