#!/usr/bin/env node
// biome-ignore-all lint: old syntax, so that any Node can read it
"use strict";
// Old syntax on purpose: it runs on any Node, finds Node >= 24 and hands over.
var path = require("path");
var fs = require("fs");
var childProcess = require("child_process");

var root = path.join(__dirname, "..");
var NEEDED_MAJOR = 24;

function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR) return process.execPath;
  // The npm package `node`, a dependency, brings the binary along.
  try {
    var found = path.join(path.dirname(require.resolve("node/package.json", { paths: [root] })), "bin", "node");
    return fs.existsSync(found) ? found : null;
  } catch (error) {
    return null;
  }
}

var built = path.join(root, "dist", "bin", "cli.js");
var entry = fs.existsSync(built) ? built : path.join(root, "src", "bin", "cli.ts");
var node = findNode();
if (node === null) {
  process.stderr.write(
    "windlass: needs Node >= " +
      NEEDED_MAJOR +
      ", this is " +
      process.version +
      "; run `npm install` again or use a newer Node\n",
  );
  process.exit(1);
} else if (node === process.execPath) {
  try {
    require("module").enableCompileCache();
  } catch (error) {
    // A read-only cache folder costs start-up time, nothing else.
  }
  process.argv[1] = entry;
  import(require("url").pathToFileURL(entry).href).catch(function (error) {
    var why = String(error && error.message).split("\n")[0];
    process.stderr.write("windlass: cannot load " + entry + ": " + why + "; run `npm install` again\n");
    process.exit(1);
  });
} else {
  var child = childProcess.spawn(node, [__filename].concat(process.argv.slice(2)), { stdio: "inherit" });
  // The terminal signals the whole group; a lone kill reaches only us, so pass it on.
  ["SIGINT", "SIGTERM", "SIGHUP"].forEach(function (signal) {
    process.on(signal, function () {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  });
  child.on("error", function (error) {
    process.stderr.write("windlass: cannot run " + node + ": " + error.message + "; run `npm install` again\n");
    process.exit(1);
  });
  child.on("exit", function (code, signal) {
    process.exit(signal ? 128 + (require("os").constants.signals[signal] || 0) : code);
  });
}
